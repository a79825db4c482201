"""The population as CSV: one row a credential."""

from __future__ import annotations

from keysweep.reports.document import Document


def render(document: Document) -> bytes:
    """Return the first attachment, which is the population."""
    return document.attachments[0].content
