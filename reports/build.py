"""The use case: evidence to a finished report, in one of the formats of `reports/render`."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from keysweep.reports import catalog
from keysweep.reports.catalog import Framework
from keysweep.reports.evidence import Evidence

FORMATS = ("pdf", "html", "csv", "json")
"""Files of `reports/render`; also the endings of their outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One report, rendered."""

    id: str
    """Printed on every page and named in the seal."""
    content: bytes


def build_report(
    evidence: Evidence, *, report: str = "key_age", framework: Framework = Framework.BOTH, form: str = "pdf"
) -> Built:
    """Build and render a report; the same evidence gives the same bytes.

    Args:
        evidence: of a period, as `reports.collect.collect` reads it.
        report: name of a file in `reports/catalog`.
        framework: whose controls are printed.
        form: one of `FORMATS`.

    Raises:
        UnknownReportError: no such report.
        MissingExtraError: the format needs packages that are not installed.
    """
    document = catalog.get(report).build(evidence, framework)
    content: bytes = importlib.import_module(f"keysweep.reports.render.{form}").render(document)
    return Built(id=document.id, content=content)
