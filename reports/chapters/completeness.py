"""Is the inventory all there is: the providers' own lists beside it, and where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from keysweep.reports import completeness
from keysweep.reports.completeness import ProviderLists, Standing
from keysweep.reports.controls import Assessed
from keysweep.reports.document import Cell, Column, Mark, Section, Table
from keysweep.reports.evidence import Evidence, KeyRow
from keysweep.reports.listed import ListedRow, ListRow
from keysweep.reports.open_items import who_decides
from keysweep.reports.phrases import count, day, moment

_MOST = 60
"""Rows of each kind that are printed; all of them are attached."""


def lists(evidence: Evidence, results: Sequence[Assessed]) -> Section:
    """Return the chapter on completeness.

    Args:
        evidence: what is reported.
        results: the tested controls of the chosen frameworks: a gap names those that it touches.
    """
    rows = completeness.by_provider(evidence)
    unknown = completeness.unknown_keys(evidence)
    empty = "None." if completeness.was_held_against_any(rows) else "Not evaluated: no list was read."
    return Section(
        title="Completeness against the providers",
        about="The inventory beside each provider's own list of keys, both ways, and providers without one",
        lead=completeness.statement(evidence),
        blocks=(
            _providers(evidence, rows),
            _gaps(rows, results),
            _unknown(evidence, unknown, sum(row.unknown for row in rows), results, empty),
            _absent([(row, key) for row in rows for key in row.absent], sum(row.not_there for row in rows), empty),
        ),
    )


def _providers(evidence: Evidence, rows: Sequence[ProviderLists]) -> Table:
    return Table(
        title="Lists by provider and account",
        columns=(Column(title="Provider", share=22), Column(title="List read (UTC)", share=25), Column(title="In use here", share=8, number=True),
                 Column(title="Listed", share=8, number=True), Column(title="Known here", share=8, number=True),
                 Column(title="Unknown here", share=9, number=True), Column(title="Not there", share=7, number=True),
                 Column(title="Standing", share=13)),
        rows=tuple(line for row in rows for line in _lines(row)),
        empty="Not evaluated: no credential is in use, and no provider was asked.",
        source=(
            f"A list counts for {evidence.policy.max_age_days} days, as long as the policy lets a key be used. In use and not there are counted "
            "once a provider. Source EV-07, and EV-08, which has every listed key."
        ),
    )  # fmt: skip


def _lines(row: ProviderLists) -> list[tuple[Cell, ...]]:
    good = row.compared and not row.unknown and not row.not_there
    mark = Mark.OK if good else Mark.DEVIATION if row.lists else Mark.NOT_EVALUATED
    newer = f"{row.newer} newer than it" if row.newer else ""
    word = row.standing.value if not row.compared else "agrees" if good else "differs"
    standing = Cell(text=word, sub=newer, mark=mark)
    once = Cell(text=f"{row.in_use:,}", number=True), Cell(text=f"{row.not_there:,}", number=True)
    blank = Cell(text="–", number=True, quiet=True)
    if not row.lists:
        none = Cell(text="no list", quiet=True)
        return [(Cell(text=row.provider, strong=True), none, once[0], blank, blank, blank, blank, standing)]
    return [
        (
            Cell(text=row.provider, sub=f"as {one.account}", strong=True),
            Cell(text=moment(one.read_at) if one.read_at else "no list", sub=_told(one)),
            once[0] if at == 0 else blank,
            *(Cell(text=f"{number:,}", number=True) if one.read_at else blank for number in _numbers(one)),
            once[1] if at == 0 and one.read_at else blank,
            standing,
        )
        for at, one in enumerate(row.lists)
    ]


def _numbers(one: ListRow) -> tuple[int, int, int]:
    return one.listed, one.matched, one.unknown


def _told(one: ListRow) -> str:
    if one.failed_at is None:
        return one.method
    return f"{day(one.failed_at)}: {one.failure}"


def _gaps(rows: Sequence[ProviderLists], results: Sequence[Assessed]) -> Table:
    touched = _touched(results, "lists_agree") or "–"
    return Table(
        title="Coverage gaps: providers that no current list bears out",
        columns=(Column(title="Provider", share=22), Column(title="Why", share=42),
                 Column(title="In use here", share=12, number=True), Column(title="Controls touched", share=24)),
        rows=tuple(
            (Cell(text=row.provider, strong=True), Cell(text=_why(row)), Cell(text=f"{row.in_use:,}", number=True), Cell(text=touched))
            for row in rows
            if not row.compared
        ),
        empty="None: each provider's list is there and counts." if rows else "Not evaluated.",
    )  # fmt: skip


def _why(row: ProviderLists) -> str:
    match row.standing:
        case Standing.UNLISTABLE:
            return "keysweep reads no list of this provider; a key that was never stored would not be seen"
        case Standing.NEVER:
            return "its list was never read: keysweep keys reconcile"
        case Standing.FAILED:
            return "; ".join(f"as {one.account}: {one.failure}" for one in row.lists if one.read_at is None)
        case _:
            read = min(one.read_at for one in row.lists if one.read_at is not None)
            return f"its list is of {day(read)}, longer ago than the policy allows"


def _unknown(
    evidence: Evidence,
    unknown: Sequence[tuple[ListRow, ListedRow]],
    total: int,
    results: Sequence[Assessed],
    empty: str,
) -> Table:
    keys = {key.name: key for key in evidence.keys}
    touched = _touched(results, "age_within_policy", "lists_agree")
    return Table(
        title="Accepted at the provider and unknown here",
        columns=(Column(title="Id at the provider", share=29), Column(title="Provider", share=15), Column(title="Shown as", share=13),
                 Column(title="Owner there", share=13), Column(title="Created", share=10), Column(title="First listed", share=10),
                 Column(title="Decides", share=10)),
        rows=tuple(
            (Cell(text=key.key_id, sub=key.name, code=True, mark=Mark.DEVIATION), Cell(text=one.provider, sub=f"as {one.account}"),
             Cell(text=key.hint or "–", code=True), Cell(text=key.owner or "not stated"),
             Cell(text=day(key.created_at) if key.created_at else "not stated",
                  sub=f"used {day(key.last_used_at)}" if key.last_used_at else ""),
             Cell(text=day(key.first_seen) if key.first_seen else "–"),
             Cell(text=who_decides(key, keys.get(one.account)) or "nobody named"))
            for one, key in unknown[:_MOST]
        ),
        empty=empty if not total else "Not named: the lists were read again since.",
        source=_rest(len(unknown), total)
        + (f" Neither age nor owner of these is tested: {touched}." if total and touched else ""),
    )  # fmt: skip


def _absent(absent: Sequence[tuple[ProviderLists, KeyRow]], total: int, empty: str) -> Table:
    return Table(
        title="In use here and not accepted in the provider's list",
        columns=(Column(title="Credential", share=32), Column(title="Provider", share=18), Column(title="Key in use", share=24),
                 Column(title="Since", share=13), Column(title="Agents", share=13)),
        rows=tuple(
            (Cell(text=key.name, code=True, mark=Mark.DEVIATION), Cell(text=row.provider),
             Cell(text=f"v{key.version} {key.fingerprint}", code=True), Cell(text=day(key.since)),
             Cell(text=", ".join(key.agents) or "–"))
            for row, key in absent[:_MOST]
        ),
        empty=empty if not total else "Not named: the lists were read again since.",
        source=_rest(len(absent), total) + " A list is a claim: none of these is proven dead by it.",
    )  # fmt: skip


def _rest(named: int, total: int) -> str:
    if named < total:
        return (
            f"{min(named, _MOST)} of {total:,} are named; of the others the lists were read again since. Source EV-07."
        )
    return (
        f"{_MOST} of {count(total, 'key')} are printed; EV-08 and EV-01 hold all."
        if named > _MOST
        else "Source EV-08, EV-01."
    )


def _touched(results: Sequence[Assessed], *tests: str) -> str:
    return ", ".join(one.control.id for one in results if one.control.test.__name__ in tests)
