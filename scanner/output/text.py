"""Findings for people: what it is, whose it is, where it stands, and what was read."""

from __future__ import annotations

from keysweep.foundation.shown import visible
from keysweep.rules.model import Severity
from keysweep.scanner.finding import Finding, Occurrence
from keysweep.scanner.known import CredentialMatch, KnownState, MatchKind
from keysweep.scanner.live import Live
from keysweep.scanner.output import Format, Look
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.place import describe_place

_COLOURS = {
    Severity.CRITICAL: "1;31",
    Severity.HIGH: "31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.INFO: "2",
}
_DIM, _GREEN, _BOLD = "2", "32", "1"
_LIVE = {
    Live.ALIVE: ("the provider accepts it", "1;31"),
    Live.DEAD: ("the provider refuses it", _GREEN),
    Live.UNKNOWN: ("the provider did not say whether it works", _DIM),
}
_PLACES = 8
"""Places that are shown of one finding; the JSON has all."""


def _render(result: ScanResult, look: Look) -> str:
    blocks = [_finding(finding, look) for finding in result.findings]
    return "\n\n".join([*blocks, _summary(result, look)]) + "\n"


def _finding(finding: Finding, look: Look) -> str:
    severity = _paint(f"{finding.severity.value.upper():<8}", _COLOURS[finding.severity], look)
    lines = [f"{severity}  {_paint(finding.id, _BOLD, look)}  {finding.rule}"]
    lines.append(f"          {finding.preview}  {_paint(finding.fingerprint.short, _DIM, look)}")
    lines.append(f"          {_whose(finding.credential, look)}")
    if finding.live is not None:
        lines.append(f"          {_paint(*_LIVE[finding.live], look)}")
    if finding.facts:
        facts = ", ".join(f"{name} {value}" for name, value in finding.facts)
        lines.append(f"          {_paint(visible(facts), _DIM, look)}")
    shown = finding.occurrences[:_PLACES]
    lines += [f"          {_paint(word, _DIM, look)} {line}" for o in shown for word, line in _place(o, look)]
    if (rest := len(finding.occurrences) - len(shown)) > 0:
        lines.append(f"          and in {rest} more places")
    return "\n".join(lines)


def _whose(known: CredentialMatch | None, look: Look) -> str:
    if known is None:
        return _paint("not a stored credential", _DIM, look)
    sure = "" if known.match in {MatchKind.EXACT, MatchKind.PART} else f", {known.match.value} {known.certainty:.0%}"
    name = f"= {visible(known.name)} v{known.version}"
    if known.state is KnownState.RETIRED:
        since = f"dead since {known.dead_since:%Y-%m-%d %H:%M:%SZ}" if known.dead_since else "not yet proven dead"
        return _paint(f"{name}  retired, {since}{sure}", _GREEN if known.dead_since else "33", look)
    return _paint(f"{name}  ({known.state.value}{sure})", _BOLD, look)


def _place(occurrence: Occurrence, look: Look) -> list[tuple[str, str]]:
    place = visible(describe_place(occurrence))
    lines = [("at", place if len(place) <= look.columns - 13 else "…" + place[-(look.columns - 14) :])]
    if occurrence.author:
        lines.append(("by", f"{visible(occurrence.author)}, {(occurrence.date or '')[:10]}"))
    return lines


def _summary(result: ScanResult, look: Look) -> str:
    leaked = [finding for finding in result.findings if finding.severity is not Severity.INFO]
    count, coverage = len(leaked), result.coverage
    mapped = sum(finding.credential is not None for finding in leaked)
    live = sum(f.credential is not None and f.credential.state is not KnownState.RETIRED for f in leaked)
    if coverage.nothing:
        head = _paint("Nothing was read: this is not a clean result.", "1;33", look)
    elif count == 0:
        head = _paint("No leaked keys.", _GREEN, look)
    else:
        whose = f", {mapped} of them stored here ({live} live)" if mapped else ""
        head = _paint(f"{count} leaked {'key' if count == 1 else 'keys'}{whose}.", _BOLD, look)
    lines = [f"{head}  {coverage.files} read, {_size(coverage.bytes)}, {result.wall_s:.2f} s."]
    if (told := len(result.findings) - count) > 0:
        lines.append(f"{told} stored {'key' if told == 1 else 'keys'} masked or named by an id: no leak.")
    if coverage.contentless:
        lines.append(f"{coverage.contentless} without content: deletions and pointers to submodules.")
    if result.suppressed:
        lines.append(f"{result.suppressed} accepted by comment or baseline.")
    if coverage.skipped:
        lines.append(_paint(f"Not read: {len(coverage.skipped)}", "33", look))
        lines += [f"  {skip.reason.value:<22}{visible(skip.path)}" for skip in coverage.skipped[:_PLACES]]
        if (rest := len(coverage.skipped) - _PLACES) > 0:
            lines.append(f"  and {rest} more")
    return "\n".join(lines)


def _size(count: int) -> str:
    for unit, step in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if count >= step:
            return f"{count / step:.1f} {unit}"
    return f"{count} B"


def _paint(text: str, code: str, look: Look) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if look.color else text


FORMAT = Format(title="For people", render=_render)
