"""The place of a key in a file: a version is put there, with its public half in the same write, and is seen to stand there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keysweep.rotation.agents import Delivery
from keysweep.rotation.sinks import atomic
from keysweep.rotation.sinks.forms import Form, Shape

ID_NAME: Mapping[str, str] = {
    "id_name*": "name of the public half there, for a key that has two, where it is not the one that goes with the value's"
}
"""The setting by which every kind that takes both halves of a key may name the public one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file, and how it holds the key."""

    path: Path
    shape: Shape

    def put(self, delivery: Delivery) -> None:
        """Write what is delivered; where it stands already, without opening the value.

        Raises:
            AgentError: it cannot be put there safely; the file is as it was.
        """
        if self.holds(delivery) and self.shape.form is not Form.TEMPLATE:  # of which any other part may be new
            return
        value = delivery.open("deliver")
        try:
            atomic.edit(self.path, lambda before: self.shape.with_value(before, value))
        finally:
            value.wipe()

    def holds(self, delivery: Delivery) -> bool:
        """Whether the file holds what is delivered, both halves of it."""
        return self.shape.holds(atomic.read(self.path), delivery.is_value)


def lines_at(delivery: Delivery) -> Place:
    """Return the place in the environment file that the settings name."""
    return Place(
        path=Path(delivery.settings["path"]),
        shape=Shape(form=Form.ENV, names=names_of(delivery), beside=delivery.halves()),
    )


def names_of(delivery: Delivery, setting: str = "name") -> tuple[str, ...]:
    """Return the names that the value has there: the stated one, else the variables."""
    return (delivery.settings[setting],) if setting in delivery.settings else delivery.variables


def named(settings: Mapping[str, str], variable: str) -> str | None:
    """Return the name of the value, for a kind that has room for names."""
    return settings.get("name", variable)
