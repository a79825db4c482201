"""SARIF 2.1.0 for code scanning: never the key and never its line, not even in a snippet."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

from keysweep.rules.model import Rule, Severity
from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner.finding import Finding, Occurrence
from keysweep.scanner.output import Format, Look
from keysweep.scanner.pipeline import ScanResult
from keysweep.version import VERSION

_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_SCORE = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.5",
}
_MOST = 25_000


def _render(result: ScanResult, _look: Look) -> str:
    known = load_ruleset().by_id
    results = [entry for finding in result.findings for entry in _results(finding)][:_MOST]
    used = sorted({finding.rule for finding in result.findings})
    run = {
        "tool": {
            "driver": {
                "name": "keysweep",
                "semanticVersion": VERSION,
                "rules": [_rule(known.get(name), name) for name in used],
            }
        },
        "automationDetails": {"id": "keysweep/scan/"},
        "columnKind": "utf16CodeUnits",
        "results": results,
        "invocations": [{"executionSuccessful": result.coverage.complete}],
    }
    document = {"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [run]}
    return json.dumps(document, indent=1) + "\n"


def _rule(rule: Rule | None, name: str) -> dict[str, object]:
    title = rule.title if rule else "Stored credential"
    severity = rule.severity if rule else Severity.CRITICAL
    grants = rule.grants if rule else "What the stored credential may do."
    return {
        "id": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}. {grants}"},
        "help": {
            "text": f"{grants} Rotate it: keysweep rotate --finding ID",
            "markdown": f"{grants} Rotate it: `keysweep rotate --finding ID`",
        },
        "defaultConfiguration": {"level": _LEVEL[severity]},
        "properties": {
            "tags": ["security", "secret"],
            "precision": "high",
            "security-severity": _SCORE[severity],
        },
    }


def _results(finding: Finding) -> Iterator[dict[str, object]]:
    """Yield the places of a finding that have a line, counted within each file as code scanning tells them apart."""
    counts: Counter[str] = Counter()
    for occurrence in finding.occurrences:
        if occurrence.line is not None:
            counts[occurrence.path] += 1
            yield _result(finding, occurrence, counts[occurrence.path])


def _result(finding: Finding, occurrence: Occurrence, count: int) -> dict[str, object]:
    who = f" It is the stored credential {finding.credential.name!r}." if finding.credential else ""
    line, column = occurrence.line or 1, occurrence.column or 1
    length = (occurrence.end or 0) - (occurrence.start or 0)
    where = f"{finding.fingerprint}:{occurrence.path}"
    return {
        "ruleId": finding.rule,
        "level": _LEVEL[finding.severity],
        "message": {"text": f"Leaked key of {finding.provider} ({finding.preview}), {finding.id}.{who}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(occurrence.path, safe="/", errors="surrogateescape")},
                    "region": {
                        "startLine": line,
                        "startColumn": column,
                        "endLine": line,
                        "endColumn": column + max(length, 1),
                    },
                }
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{hashlib.sha256(where.encode('utf-8', 'replace')).hexdigest()[:32]}:{count}"
        },
    }


FORMAT = Format(title="SARIF 2.1.0 for code scanning", render=_render)
