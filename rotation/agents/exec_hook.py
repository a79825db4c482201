"""An agent that a program of its operator gives the key to: the value goes to the program's standard input and nowhere else.

Public facts are in the program's environment: KEYSWEEP_AGENT, KEYSWEEP_VARIABLE, KEYSWEEP_VERSION, and for a key with a public half
KEYSWEEP_ID with KEYSWEEP_ID_VARIABLE, in the same run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.rotation import challenge, programs
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Half, Holding
from keysweep.rotation.sinks import place, running


def _deliver(delivery: Delivery) -> None:
    """Run the program once for each name that the agent knows the key by."""
    beside = delivery.beside()
    for variable in delivery.variables:
        value = delivery.open("deliver")
        try:
            programs.run(
                programs.arguments(delivery.settings["command"]),
                timeout_s=running.timeout_s(delivery.settings, delivery.timeout_s),
                given=value,
                environ=_about(delivery, variable, beside.get(variable)),
            )
        finally:
            value.wipe()


def _activate(delivery: Delivery) -> None:
    if "restart" in delivery.settings and _attest(delivery).holding is not Holding.NEW:
        programs.run(
            programs.arguments(delivery.settings["restart"]),
            timeout_s=running.timeout_s(delivery.settings, delivery.timeout_s),
        )


def _attest(delivery: Delivery) -> Attestation:
    if "challenge" in delivery.settings:
        return challenge.attest(delivery.settings["challenge"], delivery)
    asked: list[tuple[challenge.Question, str]] = []
    beside = delivery.beside()
    for variable in delivery.variables:
        question = challenge.Question.about(delivery.agent, variable, beside.get(variable))
        try:
            answer = programs.ask(
                programs.arguments(delivery.settings["prove"]),
                timeout_s=running.timeout_s(delivery.settings, delivery.timeout_s),
                question=json.dumps(question.document()),
                environ=_about(delivery, variable, beside.get(variable)),
            )
        except AgentError as error:  # the agent may be on its way up
            return Attestation(holding=Holding.OTHER, method=error.message)
        if len(answer.strip()) != 64:
            return Attestation(holding=Holding.OTHER, method="no-answer")
        asked.append((question, answer.decode("ascii", errors="replace")))
    value = delivery.open(challenge.METHOD)
    good = all(challenge.right(value, question, answer) for question, answer in asked)
    value.wipe()
    return Attestation(
        holding=Holding.NEW if good and asked else Holding.OTHER, method=challenge.METHOD, at=system_clock()
    )


def _about(delivery: Delivery, variable: str, half: Half | None) -> dict[str, str]:
    """Return what the program is told in its environment; all of it is public."""
    return {
        "KEYSWEEP_AGENT": delivery.agent,
        "KEYSWEEP_VARIABLE": variable,
        "KEYSWEEP_VERSION": str(delivery.version.number),
        **({"KEYSWEEP_ID_VARIABLE": half.name, "KEYSWEEP_ID": half.text} if half else {}),
    }


def _check(settings: Mapping[str, str]) -> None:
    for name in {"command", "restart", "prove"} & settings.keys():
        programs.arguments(settings[name])
    if not settings.keys() & {"prove", "challenge"}:
        msg = "a program that ended well is not an agent that uses the key: say how the agent proves it"
        raise UsageError(msg, hint="--set prove=PROGRAM or --set challenge=URL")
    running.timeout_s(settings, 1.0)


AGENT = Agent(
    title="A program that takes the key on its standard input",
    settings={
        "command": "absolute path and arguments of the program; ends with 0 once the agent has the key",
        "prove*": "absolute path and arguments of a program that answers a challenge (docs/attestation.md)",
        "challenge*": challenge.SETTING,
        "restart*": "absolute path and arguments of a program that makes the agent use what it was given",
        "timeout*": "seconds that each of them may take (10)",
        **place.ID_NAME,
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.5,
    check=_check,
    named=place.named,
)
