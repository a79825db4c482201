"""The memory of a process that holds keys stays with it: no core, no other process that reads it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation import hardening
from tests.fakes.program import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own word is asked for")

_HOLDING = """
import sys
from keysweep.foundation.secret import Secret
if sys.argv[1] == "hardened":
    from keysweep.foundation.hardening import harden
    print(harden(), flush=True)
else:
    print("as it is", flush=True)
secret = Secret(sys.stdin.buffer.readline().strip()[::-1])
print("holding", flush=True)
sys.stdin.buffer.read()
"""


@pytest.fixture(params=["hardened", "as it is"])
def holder(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[bool, subprocess.Popen[bytes], bytes, str]]:
    """A process that holds a value, core dumps allowed where it was started; the value; and what it said."""
    value = os.urandom(16).hex().encode()
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDING, request.param],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)),  # noqa: PLW1509  no thread runs yet
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said = process.stdout.readline().decode()
    process.stdin.write(value[::-1] + b"\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"holding\n"
    yield request.param == "hardened", process, value, said
    process.stdin.close()
    process.stdout.close()
    process.kill()
    process.wait()


def test_the_limit_of_core_dumps_is_nothing(holder: tuple[bool, subprocess.Popen[bytes], bytes, str]) -> None:
    """As /proc says, and the process itself."""
    hardened, process, _, said = holder
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    soft, hard = next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4:6]
    assert ((soft, hard) == ("0", "0")) == hardened
    assert ("core_dumps_off=True, tracing_off=True" in said) == hardened


def test_a_crash_writes_no_core(holder: tuple[bool, subprocess.Popen[bytes], bytes, str], tmp_path: Path) -> None:
    """SIGABRT, as a bug in a library ends: no dump in any folder that the kernel may write to, if it does so for others."""
    hardened, process, value, _ = holder
    process.send_signal(signal.SIGABRT)
    process.wait()
    assert process.returncode == -signal.SIGABRT
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    folder = Path(pattern).parent if pattern.startswith("/") else tmp_path
    dumps = [
        path for path in folder.glob("*") if (path.is_file() and str(process.pid) in path.name) or path.name == "core"
    ]
    if not hardened:
        if not dumps:
            pytest.skip("this kernel hands core dumps to a program, or writes them elsewhere")
        assert any(value in path.read_bytes() for path in dumps), "the test would see a value in a dump"
        return
    assert dumps == []


def test_another_process_of_the_same_user_is_refused() -> None:
    """Both run as nobody: the memory of a process can be read by another of its user, that of ours cannot."""
    python = next((path for path in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(path).exists()), None)
    if os.getuid() != 0 or python is None:
        pytest.skip("root starts processes of another user, with a Python that anyone may run")
    source = Path(hardening.__file__).read_text(encoding="utf-8")
    nobody = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/", "env": {}}
    for act, readable in (("", True), ("harden()", False)):
        program = f"{source}\n{act}\nprint('ready', flush=True)\nsys.stdin.read()"
        process = subprocess.Popen(
            [python, "-I", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **nobody
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        reader = subprocess.run(
            [python, "-I", "-c", f"open('/proc/{process.pid}/mem', 'rb')"], capture_output=True, check=False, **nobody
        )
        assert (reader.returncode == 0) == readable, act
        process.stdin.close()
        process.stdout.close()
        process.wait()


def test_memory_is_locked_where_that_is_allowed() -> None:
    """The kernel counts it; where the limit is small nothing is locked, and allocating goes on."""
    program = (
        "import resource, sys; from keysweep.foundation.hardening import harden\n"
        "held = harden(); waste = bytearray(64 << 20)\n"
        "line = next(l for l in open('/proc/self/status') if l.startswith('VmLck:'))\n"
        "print(held.locked, int(line.split()[1]) > 0)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() in (["True", "True"], ["False", "False"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", (), id="none"),
        pytest.param("/dev/sda2 partition 1 0 -2\n", ("/dev/sda2",), id="a partition"),
        pytest.param("/dev/zram0 partition 1 0 100\n", (), id="compressed memory is no disk"),
    ],
)
def test_swap_areas_are_named(monkeypatch: pytest.MonkeyPatch, text: str, expected: tuple[str, ...]) -> None:
    """For the advice of `doctor`."""
    monkeypatch.setattr(hardening.Path, "read_text", lambda *_, **__: "Filename Type Size Used Priority\n" + text)
    assert expected == hardening.swaps()
