"""`make bench`: how fast a scan is, beside its peers, in one run on one input, whole processes with their start-up.

    python -m benchmarks.speed [--rounds N] [--size MB] [--json FILE]

Kingfisher runs with validation off and its rule cache warm, as ours is.  detect-secrets and CredSweeper take minutes for what the others
take in a second: they get a part of the input, and their figures are scaled up to the whole and marked so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import inputs
from benchmarks.processes import Runs, in_turn, ratio, run

_PEERS = Path(".venv-peers/bin").resolve()
_PART = inputs.MB // 2
_INPUTS: dict[str, Callable[[Path, int], object]] = {
    "log text": inputs.logs,
    "agent transcripts": inputs.transcripts,
    "source tree": inputs.source_tree,
    "dense hits": lambda folder, _size: inputs.dense(folder),
    "one line of 500 MB": lambda folder, size: inputs.one_line(folder, 5 * size),
    "one tiny file": lambda folder, _size: inputs.tiny(folder),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=100, help="MB of the large inputs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    rows: list[dict[str, object]] = []
    print(
        f"{'input':<20} {'tool':<16} {'MB':>6} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'MB/CPU s':>9} {'CPU / ours':>11}"
    )
    with tempfile.TemporaryDirectory(prefix="keysweep-bench-") as folder:
        environ = {"HOME": folder, "XDG_CACHE_HOME": f"{folder}/cache", "XDG_DATA_HOME": f"{folder}/data"}
        for name, make in _INPUTS.items():
            target = Path(folder) / name.replace(" ", "-")
            target.mkdir()
            make(target, options.size * inputs.MB)
            rows += _measure(name, target, environ, options.rounds)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(name: str, target: Path, environ: dict[str, str], rounds: int) -> list[dict[str, object]]:
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) / inputs.MB
    ours = [str(Path(sys.executable).with_name("keysweep")), "scan", str(target), "-o", "json=/dev/null"]
    commands: dict[str, Sequence[str]] = {"keysweep": ours}
    if (_PEERS / "kingfisher").exists():
        options = ["--no-validate", "--no-update-check", "--format", "json"]
        commands["kingfisher"] = [str(_PEERS / "kingfisher"), "scan", str(target), *options]
    measured = in_turn(commands, environ, rounds=rounds)
    rows = [_row(name, tool, size, runs, ratio(measured["keysweep"], runs)) for tool, runs in measured.items()]
    rows += _slow_peers(name, target, size, measured["keysweep"], environ)
    return rows


def _slow_peers(name: str, target: Path, size: float, ours: Runs, environ: dict[str, str]) -> list[dict[str, object]]:
    """Measure the others on the first half megabyte and scale up; not on one line, which they cannot read in a lifetime."""
    if name.startswith("one line"):
        return []
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part.txt"
        source = next(path for path in sorted(target.rglob("*")) if path.is_file() and path.stat().st_size)
        part.write_bytes(source.read_bytes()[:_PART])
        factor = max(size / (part.stat().st_size / inputs.MB), 1.0)
        commands = {
            "detect-secrets*": [str(_PEERS / "detect-secrets"), "-C", folder, "scan", "--all-files", "--no-verify", "."],
            "CredSweeper*": [str(_PEERS / "credsweeper"), "--path", folder, "--jobs", "1", "--no-stdout", "--save-json", "/dev/null"],
        }  # fmt: skip
        rows = []
        for tool, command in commands.items():
            if not Path(command[0]).exists():
                continue
            once = run(command, environ)
            scaled = Runs(
                runs=(
                    type(once)(
                        cpu_s=once.cpu_s * factor, wall_s=once.wall_s * factor, peak_mb=once.peak_mb, code=once.code
                    ),
                )
            )
            rows.append(_row(name, tool, size, scaled, scaled.cpu_s / ours.cpu_s))
    return rows


def _row(name: str, tool: str, size: float, runs: Runs, times: float) -> dict[str, object]:
    rate = size / runs.cpu_s
    print(
        f"{name:<20} {tool:<16} {size:>6.1f} {runs.cpu_s:>8.3f} {runs.wall_s:>8.3f} {runs.peak_mb:>8.0f} {rate:>9.0f} {times:>10.1f}x",
        flush=True,
    )
    return {"input": name, "tool": tool, "mb": round(size, 1), "cpu_s": round(runs.cpu_s, 4), "wall_s": round(runs.wall_s, 4),
            "peak_mb": round(runs.peak_mb), "mb_per_cpu_s": round(rate), "cpu_over_ours": round(times, 2)}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
