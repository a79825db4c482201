"""What an import makes of a text, for tests: entries by name, reasons by name, and what is wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from keysweep.rotation.imports import detect, form
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.gather import Gathered, gather
from keysweep.rotation.inventory import Entry, ImportRowError
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate


@dataclass(frozen=True)
class Read:
    """One source, judged."""

    form: str
    gathered: Gathered

    @property
    def entries(self) -> dict[str, Entry]:
        """What would be stored, by name."""
        rows = (*self.gathered.rows, *self.gathered.found)
        return {entry.name: entry for _, entry in rows if isinstance(entry, Entry)}

    @property
    def values(self) -> dict[str, str]:
        """The values, by name."""
        return {name: entry.value.reveal_text() for name, entry in self.entries.items()}

    @property
    def providers(self) -> dict[str, str]:
        """The providers, by name."""
        return {name: entry.provider for name, entry in self.entries.items()}

    @property
    def left(self) -> dict[str, str]:
        """Why each other value is left out, by its name."""
        return {one.name: one.reason.name for _, one in self.gathered.left}

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong, by place."""
        rows = (*self.gathered.rows, *self.gathered.found)
        return {place: entry.message for place, entry in rows if isinstance(entry, ImportRowError)}


def read(content: str | bytes, name: str = "auto", **options: str) -> Read:
    """Read a file with this content; the format is told by the content unless it is named."""
    document = Document("the file", content.encode() if isinstance(content, str) else content)
    chosen = detect(document) if name == "auto" else name
    return Read(form=chosen, gathered=gather(form(chosen).read(document), **options))


@cache
def key(rule: str, seed: int = 3) -> str:
    """A synthetic key."""
    return generate(next(r for r in load_ruleset().rules if r.id == rule), random.Random(seed))


OPENAI, ANTHROPIC, OTHER = (
    key("openai-project-key"),
    key("anthropic-api-key"),
    key("openai-project-key", 4),
)
