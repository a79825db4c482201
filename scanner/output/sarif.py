"""SARIF 2.1.0 for code scanning: never the key and never its line, not even in a snippet."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

from keysweep.rules.model import Rule, RuleId, Severity
from keysweep.rules.ruleset import load_ruleset
from keysweep.scanner.finding import Finding, Occurrence, Region
from keysweep.scanner.output import Format, Look
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.place import describe_place
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
_FIRST = Region(1, 1, 1, 2)
"""Marked in a file that has no lines, or whose lines are not what was read: an image, a database, an archive."""
_TITLES = {
    "stored-credential": "Stored credential that is not there whole",
    "stored-key-id": "Provider's id of a stored credential, which opens nothing",
    "generic-assignment": "Value of a setting that is named like a key",
    "generic-authorization": "Value of an authorization header",
    "generic-connection-string": "Password in a connection string",
    "generic-mcp": "Key in the configuration of an MCP server",
}
"""Of rules that no pack has."""
_SECOND_OPINION = "detect-secrets-"


def _render(result: ScanResult, _look: Look) -> str:
    known = load_ruleset().by_id
    results = [entry for finding in result.findings for entry in _results(finding)][:_MOST]
    used: dict[str, Severity] = {}
    for finding in result.findings:
        used[finding.rule] = max(finding.severity, used.get(finding.rule, finding.severity), key=_rank)
    run = {
        "tool": {
            "driver": {
                "name": "keysweep",
                "semanticVersion": VERSION,
                "rules": [_rule(known.get(RuleId(name)), name, used[name]) for name in sorted(used)],
            }
        },
        "automationDetails": {"id": "keysweep/scan/"},
        "columnKind": "utf16CodeUnits",
        "results": results,
        "invocations": [{"executionSuccessful": result.coverage.complete}],
    }
    document = {"version": "2.1.0", "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "runs": [run]}
    return json.dumps(document, indent=1) + "\n"


def _rank(severity: Severity) -> int:
    return severity.rank


def _title(name: str) -> str:
    """Return the title of a rule that no pack has."""
    if name.startswith(_SECOND_OPINION):
        return f"Second opinion of detect-secrets: {name.removeprefix(_SECOND_OPINION)}"
    return _TITLES.get(name, name)


def _rule(rule: Rule | None, name: str, found: Severity) -> dict[str, object]:
    title = rule.title if rule else _title(name)
    severity = rule.severity if rule else found
    grants = rule.grants if rule else "What it opens is not known from its form."
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
            "precision": "high" if rule or name.startswith("stored-") else "low",
            "security-severity": _SCORE[severity],
        },
    }


def _results(finding: Finding) -> Iterator[dict[str, object]]:
    """Yield the places of a finding, counted within each file as code scanning tells them apart."""
    counts: Counter[str] = Counter()
    for occurrence in finding.occurrences:
        counts[occurrence.path] += 1
        yield _result(finding, occurrence, counts[occurrence.path])


def _result(finding: Finding, occurrence: Occurrence, count: int) -> dict[str, object]:
    what = "Masked form or id of a key" if finding.severity is Severity.INFO else "Leaked key"
    who = f" It is the stored credential {finding.credential.name!r}." if finding.credential else ""
    region = occurrence.region if occurrence.region and occurrence.member is None else _FIRST
    inside = f" Inside of the file: {describe_place(occurrence)}." if region is _FIRST else ""
    where = f"{finding.fingerprint}:{occurrence.path}"
    return {
        "ruleId": finding.rule,
        "level": _LEVEL[finding.severity],
        "message": {"text": f"{what} of {finding.provider} ({finding.preview}), {finding.id}.{who}{inside}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(occurrence.path)},
                    "region": {
                        "startLine": region.line,
                        "startColumn": region.column,
                        "endLine": region.end_line,
                        "endColumn": region.end_column,
                    },
                }
            }
        ],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{hashlib.sha256(where.encode('utf-8', 'replace')).hexdigest()[:32]}:{count}"
        },
    }


def _uri(path: str) -> str:
    """Return a path as code scanning resolves it: below the working folder where it lies there."""
    if path.startswith("/"):
        below = os.path.relpath(path)
        if below.startswith("../"):
            return "file://" + quote(path, safe="/", errors="surrogateescape")
        path = below
    return quote(path, safe="/", errors="surrogateescape")


FORMAT = Format(title="SARIF 2.1.0 for code scanning", render=_render)
