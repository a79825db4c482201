"""The JSON of a scan: a contract that other programs rely on (`keysweep.dev/scan/v1`).  Fields are added, never renamed."""

from __future__ import annotations

import json
from typing import Any

from keysweep.foundation.clock import to_text
from keysweep.scanner.finding import Finding, Occurrence
from keysweep.scanner.output import Format, Look
from keysweep.scanner.pipeline import ScanResult
from keysweep.version import VERSION

SCHEMA = "keysweep.dev/scan/v1"


def document(result: ScanResult) -> dict[str, Any]:
    """Return a scan as plain JSON values."""
    coverage = result.coverage
    return {
        "schema": SCHEMA,
        "tool": {
            "name": "keysweep",
            "version": VERSION,
            "rules": result.rules,
            "inventory": result.inventory,
        },
        "findings": [finding_json(finding) for finding in result.findings],
        "suppressed": result.suppressed,
        "exit_zero": result.exit_zero,
        "coverage": {
            "complete": coverage.complete,
            "files": coverage.files,
            "bytes": coverage.bytes,
            "contentless": coverage.contentless,
            "skipped": [{"path": skip.path, "reason": skip.reason.value} for skip in coverage.skipped],
        },
        "timings": {"wall_s": round(result.wall_s, 3)},
    }


def finding_json(finding: Finding) -> dict[str, object]:
    """Return one finding."""
    known = finding.credential
    return {
        "id": finding.id,
        "rule": finding.rule,
        "provider": finding.provider,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "live": finding.live.value if finding.live else None,
        "fingerprint": str(finding.fingerprint),
        "prefix": finding.preview.prefix,
        "length": finding.preview.length,
        "credential": None
        if known is None
        else {
            "name": known.name,
            "version": known.version,
            "state": known.state.value,
            "match": known.match.value,
            "certainty": known.certainty,
            "dead_since": to_text(known.dead_since) if known.dead_since else None,
        },
        "facts": dict(finding.facts),
        "occurrences": [occurrence_json(occurrence) for occurrence in finding.occurrences],
    }


def occurrence_json(occurrence: Occurrence) -> dict[str, object]:
    """Return one place; every field is there, null where it does not apply."""
    return {
        "path": occurrence.path,
        "line": occurrence.line,
        "column": occurrence.column,
        "start": occurrence.start,
        "end": occurrence.end,
        "via": list(occurrence.via),
        "member": occurrence.member,
        "pointer": occurrence.pointer,
        "commit": occurrence.commit,
        "author": occurrence.author,
        "date": occurrence.date,
        "table": occurrence.table,
        "rowid": occurrence.rowid,
        "box": list(occurrence.box) if occurrence.box else None,
    }


def _render(result: ScanResult, _look: Look) -> str:
    """One finding a line: small to write, and a difference between two scans shows finding by finding."""
    whole = document(result)
    findings = ",\n".join("  " + json.dumps(finding) for finding in whole.pop("findings"))
    fields = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in whole.items()]
    fields.insert(2, f'"findings": [\n{findings}\n ]' if findings else '"findings": []')
    return "{\n " + ",\n ".join(fields) + "\n}\n"


FORMAT = Format(title="One JSON document (keysweep.dev/scan/v1)", render=_render)
