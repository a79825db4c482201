"""Which keys lie in the memory of a scan when it reads the first byte of what it scans."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rotation.vault.generation import all_keys
from keysweep.rotation.vault.unlock import unlock
from tests.fakes.program import keysweep

_SCAN = """
import io, os, sys
memory = os.open("/proc/self/mem", os.O_RDONLY)

def write_down(path):
    with open("/proc/self/maps") as maps, open(path, "wb") as out:
        for line in maps:
            span, mode = line.split()[:2]
            if mode.startswith("rw") and "[v" not in line:
                start, end = (int(part, 16) for part in span.split("-"))
                try:
                    out.write(os.pread(memory, end - start, start))
                except OSError:
                    pass

class Hostile(io.BytesIO):
    path = sys.argv.pop(1)

    def _asked(name):
        def asked(self, *arguments):
            if self.path:
                path, self.path = self.path, None
                write_down(path)
            return getattr(io.BytesIO, name)(self, *arguments)
        return asked

    read, read1, readinto, readline = map(_asked, ("read", "read1", "readinto", "readline"))

class Input:
    buffer = Hostile(b"nothing that is a key")
    isatty = staticmethod(lambda: False)

sys.stdin = Input()
from keysweep.commands import main
main()
"""


def memory(folder: Path, *arguments: str | Path) -> bytes:
    """Scan standard input, and return what was in memory when it was first read."""
    path = folder / "memory"
    done = subprocess.run(
        [sys.executable, "-c", _SCAN, str(path), "scan", "-", *map(str, arguments)],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return path.read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read where Linux shows it")
def test_a_match_only_scan_holds_the_fingerprint_key_and_no_other(place: Settings, tmp_path: Path) -> None:
    """Nothing that opens a value, writes the ledger or signs; with the store's own key file all of it is there."""
    assert keysweep("keys", "add", "orders", "--provider", "custom", stdin="a value without a form").returncode == 0
    key = tmp_path / "match.key"
    assert keysweep("match", "new", "ci", "--out", key).returncode == 0
    opened = unlock(place)
    keys = all_keys(opened.ring.current)
    with opened.database.read() as connection:
        (master,) = opened.ring.masters(connection).values()
    opened.close()

    alone = memory(tmp_path, "--key-file", key)
    assert keys.fingerprint in alone
    for other in (master, keys.wrap, keys.audit, keys.signing, keys.ring):
        assert other not in alone
    full = memory(tmp_path)
    assert keys.fingerprint in full
    assert keys.wrap in full
