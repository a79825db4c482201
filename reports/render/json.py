"""A document as JSON, for programs: chapters, tables and figures as they are printed."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import datetime

from keysweep.foundation.clock import to_text
from keysweep.reports.document import Attachment, Document


def render(document: Document) -> bytes:
    """Return canonical JSON; attachments by name and digest only."""
    return (json.dumps(_plain(document), indent=1, sort_keys=True) + "\n").encode()


def _plain(value: object) -> object:
    import hashlib

    if isinstance(value, Attachment):
        return {"name": value.name, "sha256": hashlib.sha256(value.content).hexdigest(), "size": len(value.content)}
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__} | {
            f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.name != "svg"
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return to_text(value) if isinstance(value, datetime) else value
