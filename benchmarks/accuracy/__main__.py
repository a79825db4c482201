"""Run the benchmark: `python -m benchmarks.accuracy`; see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.accuracy import corpus, table
from benchmarks.accuracy.scoring import Score, score
from benchmarks.accuracy.tools import Tool

TOOLS = ("keysweep", "kingfisher", "detect_secrets", "credsweeper")


def main(arguments: Sequence[str]) -> int:
    """Write the corpus, run the tools, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--tools", default=",".join(TOOLS), help="which, with commas between")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--negatives", type=int, default=24_000)
    parser.add_argument("--every", type=int, default=1, help="only each n-th case")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    parser.add_argument("--misses", type=int, default=0, help="show so many groups of what keysweep missed")
    parser.add_argument("--keep", type=Path, help="write the corpus here, and leave it")
    given = parser.parse_args(arguments)
    scores = []
    for name in given.tools.split(","):
        tool: Tool = import_module(f"benchmarks.accuracy.tools.{name}").TOOL
        if not (version := tool.version()):
            print(f"{tool.name} is not installed: left out", file=sys.stderr)
            continue
        print(f"{tool.name} {version} ...", file=sys.stderr)
        with tempfile.TemporaryDirectory() as place:
            root = given.keep / name if given.keep else Path(place)
            written = corpus.write(
                root, seed=given.seed, negatives=given.negatives, every=max(given.every, tool.sampled)
            )
            scores.append(_measure(tool, version, written))
    print(table.markdown(scores, seed=given.seed))
    if given.misses:
        print(table.misses(scores[0], most=given.misses))
    if given.json:
        given.json.write_text(table.as_json(scores, seed=given.seed), encoding="utf-8")
    return 0


def _measure(tool: Tool, version: str, written: corpus.Corpus) -> Score:
    started = time.perf_counter()
    reported, alarms = tool.scan(written.keys), tool.scan(written.harmless)
    seconds = time.perf_counter() - started
    values = {value for case in written.cases for value in (*case.key.right, *(v for _, v in case.key.beside))}
    prints = {value: tool.print_of(value) for value in values}
    result = score(f"{tool.name} {version}", written.cases, reported, prints, alarms)
    result.negatives, result.seconds, result.sampled = written.negatives, seconds, tool.sampled
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
