"""Imports: where keys are read from when a store is filled.  `forms/` has one file a format, `managers/` one a secret manager."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.inventory import Entry, ImportRowError

if TYPE_CHECKING:
    from keysweep.rotation.imports.document import Document


class Reason(StrEnum):
    """Why a value is left out.  Each reads behind a number: `3 numbers`."""

    EMPTY = "empty"
    NUMBER = "numbers, dates or switches"
    ADDRESS = "addresses without a password"
    PATH = "paths of files"
    PLACEHOLDER = "placeholders"
    REFERENCE = "references to a value that is kept elsewhere"
    PUBLIC = "public by their name or form"
    PLAIN = "settings: neither name nor value says that it is a key"
    SEALED = "encrypted or hashed"
    SESSION = "sessions, which the program renews itself"
    REPLACED = "given again further down, where the last one counts"
    ARCHIVED = "archived or deleted there; nothing says that these keys were revoked"
    ISSUED = "issued and replaced by the cluster itself"
    SEED = "seeds of one-time passwords"
    BINARY = "no text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One value as a source holds it; what it is, is judged later."""

    path: tuple[str, ...]
    """Where it stands, outermost name first; the credential is named by it."""
    value: Secret
    variable: str = ""
    """Environment variable that carries it there."""
    field: str = ""
    """Name of the field that holds it, where the last name of the path is another."""
    hints: tuple[str, ...] = ()
    """Further names that may tell the vendor, such as that of a server."""
    declared: bool = False
    """The source keeps nothing but secrets, so a value without a form is taken for one."""
    owner: str = ""
    environment: str = ""
    created_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A value that is not imported, and why."""

    name: str
    reason: Reason


Item = Given | Entry | Left | ImportRowError
Placed = tuple[str, Item]
"""What a source holds, with the place where it stands: `line 3`, `mcpServers/github`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A format of files."""

    rank: int
    """In automatic detection the lowest is asked first; what takes nearly everything comes last."""
    recognises: Callable[[Document], bool]
    """Whether a document is of this form, by its content."""
    read: Callable[[Document], Iterator[Placed]]
    """Yields what it holds.  Raises ImportRowError where the document as a whole is not of this form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """A secret manager that is asked over the network, with the credentials of its own usual variables.

    Its file's name stands before the colon on the command line: `vault:secret/agents`.
    """

    read: Callable[[str], Iterator[Placed]]
    """Yields what is stored at a place.  Raises UsageError or DeniedError, without any value."""
    settings: tuple[str, ...]
    """Environment variables that say where it is and who asks."""


def form_names() -> tuple[str, ...]:
    """Return the names of the formats: this folder's `forms/` is the index."""
    return _names("forms")


def form(name: str) -> Form:
    """Return a format by its name."""
    found: Form = importlib.import_module(f"{__name__}.forms.{name.replace('-', '_')}").FORM
    return found


def manager_names() -> tuple[str, ...]:
    """Return the names of the secret managers: `managers/` is the index."""
    return _names("managers")


def manager(name: str) -> Manager:
    """Return a secret manager by its name."""
    found: Manager = importlib.import_module(f"{__name__}.managers.{name.replace('-', '_')}").MANAGER
    return found


def detect(document: Document) -> str:
    """Return the name of the format that a document is in.

    Raises:
        UsageError: none recognises it.
    """
    for name, asked in sorted(((name, form(name)) for name in form_names()), key=lambda pair: pair[1].rank):
        if asked.recognises(document):
            return name
    msg = f"{document.name} is in no format that can be imported"
    raise UsageError(msg, hint="keysweep keys import --help")


def _names(folder: str) -> tuple[str, ...]:
    package = importlib.import_module(f"{__name__}.{folder}")
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(package.__path__)))
