"""What counts: a key is found when its exact value is reported; everything reported among the negatives is a false alarm.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.accuracy.contexts import Group
from benchmarks.accuracy.corpus import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One thing that a tool reported."""

    path: str
    """Below the folder that was scanned."""
    value: str
    """The value, or what the tool gives in place of it: see `Answer.print_of`."""
    provider: str
    """As the tool says it, in our words; empty where it names none."""
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts of one group, rule or context."""

    cases: int = 0
    found: int = 0
    """The exact value was reported."""
    right: int = 0
    """Its provider was, too."""

    def plus(self, *, found: bool, right: bool) -> Tally:
        """Return the tally with one case more."""
        return Tally(cases=self.cases + 1, found=self.found + found, right=self.right + right)

    @property
    def recall(self) -> float:
        """Share of the keys that were found."""
        return self.found / self.cases if self.cases else 0.0

    @property
    def attribution(self) -> float:
        """Share of the found keys whose provider was right."""
        return self.right / self.found if self.found else 0.0


@dataclass(slots=True, kw_only=True)
class Score:
    """What one tool did."""

    tool: str
    groups: dict[Group, Tally] = field(default_factory=dict)
    kinds: dict[str, Tally] = field(default_factory=dict)
    contexts: dict[str, Tally] = field(default_factory=dict)
    missed: list[Case] = field(default_factory=list)
    misnamed: list[tuple[Case, str]] = field(default_factory=list)
    strays: int = 0
    """Reported beside the keys, in their files: other values than the key's own, such as a part of it."""
    alarms: list[Reported] = field(default_factory=list)
    negatives: int = 0
    seconds: float = 0.0
    sampled: int = 1
    """Only each n-th case was tried."""

    @property
    def whole(self) -> Tally:
        """All groups together."""
        tallies = self.groups.values()
        return Tally(
            cases=sum(t.cases for t in tallies),
            found=sum(t.found for t in tallies),
            right=sum(t.right for t in tallies),
        )


def score(
    tool: str,
    cases: Sequence[Case],
    reported: Iterable[Reported],
    prints: Mapping[str, str],
    alarms: Iterable[Reported],
) -> Score:
    """Compare what was reported with what was planted.

    Args:
        tool: its name.
        cases: what was planted.
        reported: in the files of the cases.
        prints: from a value to what the tool reports in its place.
        alarms: reported among the negatives.
    """
    by_path: dict[str, list[Reported]] = {}
    for one in reported:
        by_path.setdefault(one.path, []).append(one)
    result = Score(tool=tool, alarms=list(alarms))
    for case in cases:
        here = by_path.get(case.path, ())
        wanted = {prints[value] for value in case.key.right}
        beside = {prints[value] for _, value in case.key.beside}
        exact = [one for one in here if one.value in wanted]
        right = any(one.provider == case.key.provider for one in exact)
        result.strays += len({one.value for one in here} - wanted - beside)
        for tallies, name in (
            (result.groups, case.context.group),
            (result.kinds, f"{case.source}: {case.key.kind}"),
            (result.contexts, case.context.name),
        ):
            tallies[name] = tallies.get(name, Tally()).plus(found=bool(exact), right=right)  # type: ignore[attr-defined,index]  # the keys differ
        if not exact:
            result.missed.append(case)
        elif not right:
            result.misnamed.append((case, exact[0].provider or exact[0].rule))
    return result
