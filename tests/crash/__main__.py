"""`python -m tests.crash --runs N --seed S`: crashes at random, each with what repeats it; 1 on a broken promise.

With `--all` every crash point of every kind in both modes comes first, once.  `--repeat CASE` plays one again, as a broken promise names it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

from keysweep.rotation.engine.steps import Mode
from tests.crash.cases import KINDS, Case, broken, cases, random_case
from tests.crash.servers import start
from tests.fakes import classes
from tests.fakes.sites import SERVED, Servers


def main() -> int:
    """Play until the first broken promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--repeat", type=_repeated, metavar="KIND,MODE,POINT,SEED", help="play only this one")
    parser.add_argument("--all", action="store_true", help="first every point of every kind in both modes")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), help="only these providers")
    parser.add_argument("--points", nargs="+", type=int, help="only these crash points")
    parser.add_argument("--keep-going", action="store_true", help="past a broken promise")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    classes.visible()
    with ExitStack() as stack:
        return _play(asked, stack)


def _play(asked: argparse.Namespace, stack: ExitStack) -> int:
    named = {asked.repeat.kind} if asked.repeat is not None else set(asked.kinds)
    servers = _running(named, stack)
    kinds = tuple(kind for kind in asked.kinds if kind not in SERVED or getattr(servers, kind) is not None)
    wanted = cases(kinds, asked.seed if asked.points else 0) if asked.all else []
    wanted += [random_case(asked.seed + number, kinds) for number in range(asked.runs)]
    if asked.repeat is not None:
        wanted = [asked.repeat]
    wanted = [case for case in wanted if not asked.points or case.point in asked.points]
    print(f"seed {asked.seed}: {len(wanted)} crashes", file=sys.stderr, flush=True)
    return _play_all(wanted, servers, asked.jobs, keep_going=asked.keep_going)


def _running(kinds: set[str], stack: ExitStack) -> Servers:
    """Start the servers that some kinds need; a kind whose server is not there is left out, and that is said."""
    found: dict[str, Any] = {}
    for kind in SERVED:
        if kind in kinds:
            try:
                found[kind] = stack.enter_context(start(kind))
            except RuntimeError as reason:
                print(f"{kind} is skipped: {reason}", file=sys.stderr, flush=True)
    return Servers(**found)


def _play_all(wanted: list[Case], servers: Servers, jobs: int, *, keep_going: bool) -> int:
    started, done, failed = time.monotonic(), Counter[str](), 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, classes.visible) as pool:
        for case, trace in zip(wanted, pool.map(partial(broken, servers), wanted), strict=True):
            if trace:
                failed += 1
                print(
                    f"{trace}\nBROKEN: {case}\nmake crash CRASH_REPEAT='{_repeat(case)}'", file=sys.stderr, flush=True
                )
                if keep_going:
                    continue
                pool.shutdown(cancel_futures=True)
                return 1
            done[f"{case.kind} {case.mode.value}"] += 1
            if sum(done.values()) % 25 == 0:
                print(f"{sum(done.values())} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    for name, count in sorted(done.items()):
        print(f"{count:>6}  {name}")
    said = f"{failed} broken" if failed else "every promise kept"
    print(f"{sum(done.values()):>6}  crashes in {time.monotonic() - started:.0f} s, {said}")
    return 1 if failed else 0


def _repeat(case: Case) -> str:
    return f"{case.kind},{case.mode.value},{case.point},{case.seed}"


def _repeated(text: str) -> Case:
    kind, mode, point, seed = text.split(",")
    return Case(kind, Mode(mode), int(point), int(seed))


if __name__ == "__main__":
    sys.exit(main())
