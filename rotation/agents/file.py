"""An agent that reads its key from a file: one place in it is replaced, the agent is made to read it, and seen to have done so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.sinks import atomic, place, running
from keysweep.rotation.sinks.forms import Form, Shape
from keysweep.rotation.sinks.place import Place

_POINTED = frozenset({Form.JSON, Form.TOML, Form.YAML})


def _deliver(delivery: Delivery) -> None:
    _place(delivery).put(delivery)


def _activate(delivery: Delivery) -> None:
    running.restart(delivery, Path(delivery.settings["path"]), _attest(delivery))


def _attest(delivery: Delivery) -> Attestation:
    held = _place(delivery)
    if not held.holds(delivery):
        return Attestation(holding=Holding.OTHER, method="file-differs")
    return running.attest(delivery, held.path)


def _place(delivery: Delivery) -> Place:
    settings = delivery.settings
    form, template = Form(settings["format"]), ""
    if form is Form.TEMPLATE:
        held = atomic.read(Path(settings["template"]))
        if held is None:
            msg = f"there is no template {settings['template']}"
            raise AgentError(msg)
        template = held.decode(errors="replace")
    shape = Shape(
        form=form,
        names=place.names_of(delivery),
        pointer=settings.get("pointer", ""),
        template=template,
        beside=delivery.halves(),
    )
    return Place(path=Path(settings["path"]), shape=shape)


def _named(settings: Mapping[str, str], variable: str) -> str | None:
    if "pointer" in settings:
        return settings["pointer"].rpartition("/")[2]
    return place.named(settings, variable) if settings["format"] != Form.RAW else None


def _check(settings: Mapping[str, str]) -> None:
    form = settings["format"]
    if form not in set(Form):
        msg = f"{form!r} is no format of a file"
        raise UsageError(msg, hint=f"known: {', '.join(Form)}")
    if (Form(form) in _POINTED) != ("pointer" in settings) or (form == Form.TEMPLATE) != ("template" in settings):
        msg = "the formats json, toml and yaml need a pointer, and template needs a template; the others have neither"
        raise UsageError(msg, hint="--set format=json --set pointer=/env/API_KEY")
    for name in {"path", "template"} & settings.keys():
        if not settings[name].startswith("/"):
            msg = f"{name} is an absolute path"
            raise UsageError(msg)
    running.check(settings)


AGENT = Agent(
    title="An agent that reads a file",
    settings={
        "path": "absolute path of the file",
        "format": "how the file holds the key: raw, env, json, toml, yaml or template",
        "pointer*": "place of the string in a JSON, TOML or YAML document, like /env/API_KEY",
        "name*": "name that the file has for the variable, where it is not the bound one",
        **place.ID_NAME,
        "template*": "absolute path of a text with {{NAME}} where the value goes",
        **running.SETTINGS,
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=0.2,
    check=_check,
    named=_named,
)
