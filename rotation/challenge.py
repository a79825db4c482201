"""Ask a running agent to prove that it holds a value, without the value going anywhere (docs/attestation.md)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import Attestation, Delivery, Half, Holding
from keysweep.rotation.http import request
from keysweep.rotation.trouble import ProviderError

PROTOCOL = "keysweep-challenge-v1"
METHOD = "challenge"
SETTING = (
    "addresses, separated by blanks, where each running process of the agent proves what it holds (docs/attestation.md)"
)
_LONGEST_S = 2.0
_LARGEST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an agent is asked, once: the nonce is drawn here and forgotten with the answer."""

    agent: str
    variable: str
    nonce: str
    half: Half | None = None
    """The public half that must be in use with the value."""

    @classmethod
    def about(cls, agent: str, variable: str, half: Half | None = None) -> Question:
        """Draw a question that was never asked before."""
        return cls(agent=agent, variable=variable, nonce=secrets.token_urlsafe(32), half=half)

    def document(self) -> dict[str, str]:
        """Return it as it is sent: it says which public half is meant, not what it is."""
        asked = {"protocol": PROTOCOL, "agent": self.agent, "variable": self.variable, "nonce": self.nonce}
        return asked | ({"id_variable": self.half.name} if self.half else {})

    def proof(self, value: Secret) -> str:
        """Return what proves that somebody holds *value*: a keyed hash that is of no use for anything else, for any other nonce."""
        half = f":{self.half.text}" if self.half else ""
        return hmac.digest(value.reveal(), f"{PROTOCOL}:{self.nonce}{half}".encode(), "sha256").hex()


def right(value: Secret, question: Question, answer: str) -> bool:
    """Whether *answer* proves that whoever gave it holds *value*, and its public half if that was asked for."""
    return hmac.compare_digest(question.proof(value).encode(), answer.strip().lower().encode())


def ask(url: str, question: Question, *, timeout_s: float) -> str | None:
    """Return the answer of the process at *url*, None if there was none; the value is not needed to ask."""
    try:
        answer = request(
            "POST", url, headers={}, body=question.document(), timeout_s=min(timeout_s, _LONGEST_S), largest=_LARGEST
        )
        stated = answer.json() if answer.status == 200 else None
    except ProviderError:
        return None
    match stated:
        case {"proof": str(given)}:
            return given
        case _:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one process said of one variable."""

    question: Question
    given: str


def collect(
    urls: str, agent: str, variables: Iterable[str], *, beside: Mapping[str, Half], timeout_s: float
) -> tuple[Answer, ...]:
    """Ask every process at *urls* about every variable, and what is *beside* it; empty if one of them did not answer."""
    answers: list[Answer] = []
    for url in urls.split():
        for variable in variables:
            question = Question.about(agent, variable, beside.get(variable))
            given = ask(url, question, timeout_s=timeout_s)
            if given is None:
                return ()
            answers.append(Answer(question=question, given=given))
    return tuple(answers)


def attest(urls: str, delivery: Delivery) -> Attestation:
    """Say whether every process at *urls* holds what was delivered.  Who does not answer may still hold the old value."""
    answers = collect(urls, delivery.agent, delivery.variables, beside=delivery.beside(), timeout_s=delivery.timeout_s)
    if not answers:
        return Attestation(holding=Holding.OTHER, method="no-answer")
    value = delivery.open(METHOD)
    good = all(right(value, answer.question, answer.given) for answer in answers)
    value.wipe()
    return Attestation(holding=Holding.NEW if good else Holding.OTHER, method=METHOD, at=system_clock())
