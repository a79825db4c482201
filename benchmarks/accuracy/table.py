"""The result, for people and for programs."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from benchmarks.accuracy.contexts import Group
from benchmarks.accuracy.scoring import Score, Tally


def markdown(scores: Sequence[Score], *, seed: int) -> str:
    """Return one table: a line a tool."""
    head = [
        "tool",
        *(f"{group} (exact)" for group in Group),
        "all",
        "documented only",
        "right provider",
        "false alarms",
        "strays",
        "time",
    ]
    rows = [head, ["---"] * len(head)]
    for one in scores:
        sampled = f" (1 of {one.sampled})" if one.sampled > 1 else ""
        rows.append([
            one.tool + sampled,
            *(_share(one.groups.get(group, Tally())) for group in Group),
            _share(one.whole),
            _share(_documented(one)),
            f"{one.whole.attribution:.4f}",
            f"{len(one.alarms)} of {one.negatives:,}",
            f"{one.strays:,}",
            f"{one.seconds:.0f} s",
        ])  # fmt: skip
    return f"seed {seed}\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def as_json(scores: Sequence[Score], *, seed: int) -> str:
    """Return every count."""
    return json.dumps({"version": 1, "seed": seed, "tools": [_counts(one) for one in scores]}, indent=1) + "\n"


def misses(one: Score, *, most: int) -> str:
    """Return what a tool missed: kinds and contexts with the most misses first, and what it called wrongly."""
    kinds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    contexts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for case in one.missed:
        kind = f"{case.source}: {case.key.kind}"
        kinds[kind][case.context.name] += 1
        contexts[f"{case.context.group}: {case.context.name}"][kind] += 1
    lines = ["", "missed, by kind:", *_ranked(kinds, one.kinds, most), "", "missed, by context:"]
    lines += _ranked(contexts, {f"{g}: {n}": t for n, t in one.contexts.items() for g in Group}, most)
    wrong = Counter(f"{case.key.provider} ({case.key.kind}) called {said}" for case, said in one.misnamed)
    lines += ["", "wrong provider:", *(f"  {count:5}  {what}" for what, count in wrong.most_common(most))]
    alarms = Counter(f"{alarm.path.split('/')[0]}: {alarm.rule}" for alarm in one.alarms)
    lines += ["", "false alarms:", *(f"  {count:5}  {what}" for what, count in alarms.most_common(most))]
    return "\n".join(lines)


def _ranked(counted: Mapping[str, Counter[str]], tallies: Mapping[str, Tally], most: int) -> list[str]:
    ranked = sorted(counted.items(), key=lambda item: -item[1].total())[:most]
    return [
        f"  {count.total():5} of {tallies[name].cases:4}  {name}: {', '.join(n for n, _ in count.most_common(6))}"
        for name, count in ranked
    ]


def _documented(one: Score) -> Tally:
    """Return what was found of the kinds that were written without a look at our rules."""
    tallies = [tally for name, tally in one.kinds.items() if name.startswith("documented:")]
    return Tally(cases=sum(t.cases for t in tallies), found=sum(t.found for t in tallies))


def _share(tally: Tally) -> str:
    return f"{tally.recall:.4f}" if tally.cases else "-"


def _counts(one: Score) -> dict[str, object]:
    def plain(tallies: Mapping[str, Tally]) -> dict[str, dict[str, int]]:
        return {name: {"cases": t.cases, "found": t.found, "right_provider": t.right} for name, t in tallies.items()}

    return {
        "tool": one.tool, "sampled": one.sampled, "seconds": round(one.seconds, 1), "negatives": one.negatives,
        "false_alarms": len(one.alarms), "strays": one.strays, "groups": plain(one.groups), "contexts": plain(one.contexts),
        "kinds": plain(one.kinds),
    }  # fmt: skip
