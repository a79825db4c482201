"""How long an agent waits for its key: `keysweep resolve` as a whole process, through the daemon and by opening the store itself.

`python -m benchmarks.daemon [RUNS]` prints one line of JSON: seconds of the program from its start to its end, for both ways in
turn; of one question without the program; and how many values a scan can ask about in a second.  Ends with 1 if a bar is missed.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings
from keysweep.rotation.daemon import client, protocol
from keysweep.rotation.daemon.client import NoDaemonError
from keysweep.rotation.daemon.protocol import Known
from keysweep.rotation.entry import Entry
from keysweep.rotation.inventory import import_entries
from keysweep.rotation.vault.unlock import initialise, unlock

_P50_S = 0.25
_BATCHES = 20
_KEYS = 1000


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and print; 1 if a bar is missed."""
    runs = int(arguments[0]) if arguments else 100
    program = [str(Path(sys.executable).with_name("keysweep"))]
    with tempfile.TemporaryDirectory(prefix="ks-", dir="/tmp") as folder:
        place = Path(folder)
        (place / "store").mkdir(mode=0o700)
        settings = Settings(store=str(place / "store/store.db"), key_file=place / "store/store.key")
        _fill(settings)
        own = {
            **os.environ,
            "KEYSWEEP_STORE": settings.store,
            "KEYSWEEP_KEY_FILE": str(settings.key_file),
            "XDG_STATE_HOME": folder,
        }
        where = place / "run/daemon.sock"
        process = subprocess.Popen([*program, "-q", "daemon", "--socket", str(where)], env=own)
        try:
            _wait_for(where)
            asking = {**os.environ, "KEYSWEEP_SOCKET": str(where)}
            question = [*program, "resolve", "KEY_1", "--agent", "agent"]
            ways = {"daemon": asking, "store": own}
            took: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(runs):
                for way, environ in ways.items():
                    took[way].append(_timed(lambda environ=environ: _run(question, environ)))
            asked = [_timed(lambda: client.resolve(where, "agent", ("KEY_1",), "helper")) for _ in range(runs)]
            rate = _values_a_second(where)
        finally:
            process.terminate()
            process.wait(30)
    line = {
        "runs": runs,
        **{f"{way}_{name}": value for way, all_of in took.items() for name, value in _figures(all_of).items()},
        **{f"question_{name}": value for name, value in _figures(asked).items()},
        "values_a_second": round(rate),
    }
    print(json.dumps(line))
    if line["daemon_p50_s"] >= _P50_S:
        print(f"missed: half of the answers within {_P50_S} s", file=sys.stderr)
        return 1
    return 0


def _fill(settings: Settings) -> None:
    initialise(settings)
    opened = unlock(settings)
    rows = [
        Entry(
            name=f"key-{number}",
            provider="custom",
            value=Secret(secrets.token_urlsafe(32)),
            agent="agent",
            variable=f"KEY_{number}",
        )
        for number in range(_KEYS)
    ]
    for _ in import_entries(opened, list(enumerate(rows, 1)), actor="bench"):
        pass
    opened.close()


def _wait_for(where: Path) -> None:
    for _ in range(600):
        try:
            client.status(where)
        except NoDaemonError:
            time.sleep(0.05)
        else:
            return
    msg = "the daemon did not start"
    raise RuntimeError(msg)


def _run(command: Sequence[str], environ: Mapping[str, str]) -> None:
    subprocess.run(command, env=dict(environ), check=True, stdout=subprocess.PIPE)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _values_a_second(where: Path) -> float:
    batches = [Known(tuple(secrets.token_bytes(40) for _ in range(protocol.MOST_VALUES))) for _ in range(_BATCHES)]
    return _BATCHES * protocol.MOST_VALUES / _timed(lambda: [client.known(where, batch) for batch in batches])


def _figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50_s": round(ordered[len(ordered) // 2], 4),
        "p95_s": round(ordered[int(len(ordered) * 0.95)], 4),
        "max_s": round(ordered[-1], 4),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
