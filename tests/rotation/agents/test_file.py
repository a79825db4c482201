"""An agent that reads a file: the key is put there, the agent is told, and counts only when its process is newer or proves it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Holding
from keysweep.rotation.agents.file import AGENT
from keysweep.rotation.challenge import Question, ask
from keysweep.rotation.sinks.running import wait_out
from tests.fakes.agents import eventually
from tests.fakes.deliveries import CHALLENGED, VARIABLE, Delivered, free_port, running, script


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The agent's file, with an old key in it."""
    path = tmp_path / "key"
    path.write_text("an old key")
    return path


def _deliver(delivered: Delivered, settings: dict[str, str]) -> None:
    """Deliver, and let the moment pass in which a start cannot be told from the change of the file."""
    AGENT.deliver(delivered.to(settings))
    wait_out(Path(settings["path"]))


def _attest(delivered: Delivered, settings: dict[str, str]) -> tuple[Holding, str]:
    seen = AGENT.attest(delivered.to(settings))
    return seen.holding, seen.method


def test_a_changed_file_is_not_an_agent_using_it(key: Path, tmp_path: Path) -> None:
    """A process that was there before counts as one on the old key, one that came after as one on the new."""
    settings = {"path": str(key), "format": "raw", "process": "sleep-0815"}
    delivered = Delivered()
    with running("-c", "import time; time.sleep(60)", "sleep-0815"):
        eventually(lambda: _attest(delivered, settings) == (Holding.OTHER, "file-differs"), "the old process")
        _deliver(delivered, settings)
        assert key.read_text() == delivered.value
        assert _attest(delivered, settings) == (Holding.OTHER, "started-before")
    assert _attest(delivered, settings) == (Holding.NOT_RUNNING, "not-running")
    with running("-c", "import time; time.sleep(60)", "sleep-0815"):
        eventually(lambda: _attest(delivered, settings) == (Holding.NEW, "started-after"), "the new process")
        with running("-c", "import time; time.sleep(60)", "sleep-0815"):
            eventually(lambda: _attest(delivered, settings)[0] is Holding.NEW, "both")
    assert delivered.opened == ["deliver"]


def test_repeated_delivery_opens_and_writes_nothing(key: Path) -> None:
    """So a running agent stays as new as it was."""
    settings, delivered = {"path": str(key), "format": "raw", "process": "sleep-0816"}, Delivered()
    _deliver(delivered, settings)
    with running("-c", "import time; time.sleep(60)", "sleep-0816"):
        eventually(lambda: _attest(delivered, settings)[0] is Holding.NEW, "the new process")
        _deliver(delivered, settings)
        assert _attest(delivered, settings)[0] is Holding.NEW
    assert delivered.opened == ["deliver"]


def test_a_missing_pidfile_does_not_say_that_nothing_runs(key: Path, tmp_path: Path) -> None:
    """It may be misspelt; one with the number of an ended process says it."""
    settings = {"path": str(key), "format": "raw", "pidfile": str(tmp_path / "pid")}
    delivered = Delivered()
    _deliver(delivered, settings)
    assert _attest(delivered, settings) == (Holding.OTHER, "unseen")
    with running("-c", "import time; time.sleep(60)") as process:
        (tmp_path / "pid").write_text(f"{process.pid}\n")
        eventually(lambda: _attest(delivered, settings)[0] is Holding.NEW, "the process")
    assert _attest(delivered, settings) == (Holding.NOT_RUNNING, "not-running")


def test_one_that_is_not_ready_is_not_there_yet(key: Path) -> None:
    """Started after the file was written is not enough where the agent can say more."""
    port = free_port()
    settings = {"path": str(key), "format": "raw", "process": CHALLENGED, "ready": f"tcp:{port}"}
    delivered = Delivered()
    _deliver(delivered, settings)
    with running("-c", "import time; time.sleep(60)", CHALLENGED):
        eventually(
            lambda: _attest(delivered, settings) == (Holding.OTHER, "not-ready"), "a process that does not listen"
        )
    with running(CHALLENGED, VARIABLE, "--file", str(key), "--port", str(port)):
        eventually(lambda: _attest(delivered, settings) == (Holding.NEW, "started-after"), "one that does")


@pytest.fixture
def reloading(key: Path, tmp_path: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """An agent that reads its key again on SIGHUP and proves what it holds."""
    port, pidfile = free_port(), tmp_path / "pid"
    command = script(tmp_path / "reload", f'kill -HUP "$(cat {pidfile})"')
    url = f"http://127.0.0.1:{port}/challenge"
    settings = {"path": str(key), "format": "raw", "pidfile": str(pidfile), "challenge": url, "reload": command}
    with running(CHALLENGED, VARIABLE, "--file", str(key), "--port", str(port), "--pidfile", str(pidfile)):
        eventually(pidfile.exists, "the agent")
        yield settings, pidfile


def test_a_reloaded_agent_proves_what_it_holds(reloading: tuple[dict[str, str], Path]) -> None:
    """The same process, older than the file: by its own proof and nothing else; told only as long as it has another key."""
    settings, pidfile = reloading
    delivered, pid = Delivered(), pidfile.read_text()
    _deliver(delivered, settings)
    assert _attest(delivered, settings) == (Holding.OTHER, "challenge")
    AGENT.activate(delivered.to(settings))
    eventually(lambda: _attest(delivered, settings) == (Holding.NEW, "challenge"), "the proof", seconds=5)
    assert pidfile.read_text() == pid
    Path(settings["reload"]).unlink()
    AGENT.activate(delivered.to(settings))  # nothing is started: it would fail


def test_the_proof_of_another_key_is_none(reloading: tuple[dict[str, str], Path]) -> None:
    """An agent that was not told answers well, for the old value."""
    settings, _ = reloading
    question = Question.about("search", VARIABLE)
    assert ask(settings["challenge"], question, timeout_s=2) is not None
    delivered = Delivered()
    Path(settings["path"]).write_text(delivered.value)
    assert _attest(delivered, settings) == (Holding.OTHER, "challenge")


def test_who_does_not_answer_may_hold_the_old_key(key: Path) -> None:
    """A closed port is no proof that nothing runs."""
    settings = {"path": str(key), "format": "raw", "challenge": f"http://127.0.0.1:{free_port()}/"}
    delivered = Delivered()
    _deliver(delivered, settings)
    assert _attest(delivered, settings) == (Holding.OTHER, "no-answer")
    assert delivered.opened == ["deliver"]


def test_a_reload_that_fails_is_an_error_without_its_output(
    reloading: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    """Its output might hold the key."""
    settings, _ = reloading
    failing = script(tmp_path / "failing", f"cat {settings['path']}; cat {settings['path']} >&2; exit 3")
    delivered = Delivered()
    _deliver(delivered, settings)
    with pytest.raises(AgentError) as failed:
        AGENT.activate(delivered.to({**settings, "reload": failing}))
    assert "3" in failed.value.message
    assert delivered.value not in f"{failed.value.message} {failed.value.hint}"


def test_a_program_that_others_may_change_is_not_run(reloading: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    """Nor one in a folder where they may put another in its place."""
    settings, _ = reloading
    delivered = Delivered()
    _deliver(delivered, settings)
    loose = script(tmp_path / "loose", f"touch {tmp_path}/ran", mode=0o777)
    (tmp_path / "open").mkdir()
    elsewhere = script(tmp_path / "open" / "reload", f"touch {tmp_path}/ran")
    (tmp_path / "open").chmod(0o777)
    for program in (loose, elsewhere):
        with pytest.raises(AgentError):
            AGENT.activate(delivered.to({**settings, "reload": program}))
    assert not (tmp_path / "ran").exists()


def test_a_program_that_hangs_is_killed_with_what_it_started(key: Path, tmp_path: Path) -> None:
    """The time it may take is a setting."""
    pid = tmp_path / "pid"
    hanging = script(tmp_path / "hanging", f"sleep 60 & echo $! > {pid}; wait")
    settings = {"path": str(key), "format": "raw", "process": str(key), "reload": hanging, "timeout": "0.3"}
    delivered = Delivered()
    with running("-c", "import time; time.sleep(60)", str(key)):
        _deliver(delivered, settings)
        with pytest.raises(AgentError):
            AGENT.activate(delivered.to(settings))
    eventually(lambda: not Path(f"/proc/{pid.read_text().strip()}/fd/0").exists(), "the child to be gone", seconds=5)


def test_what_a_program_leaves_running_stays(key: Path, tmp_path: Path) -> None:
    """One that starts the agent and ends is not waited for until the agent ends, and the agent is not killed with it."""
    pid = tmp_path / "pid"
    starting = script(
        tmp_path / "starting", f"{sys.executable} -S -E -c 'import time; time.sleep(60)' & echo $! > {pid}"
    )
    settings = {"path": str(key), "format": "raw", "pidfile": str(pid), "reload": starting, "timeout": "5"}
    delivered = Delivered()
    with running("-c", "pass") as ended:
        pid.write_text(str(ended.pid))
    _deliver(delivered, settings)
    assert _attest(delivered, settings) == (Holding.NOT_RUNNING, "not-running")
    AGENT.activate(delivered.to(settings))
    assert _attest(delivered, settings) == (Holding.NEW, "started-after")
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_no_key_is_in_arguments_or_environment_of_a_program(key: Path, tmp_path: Path) -> None:
    """Also our own settings are not passed on."""
    seen = tmp_path / "seen"
    telling = script(tmp_path / "telling", f'(echo "$0 $*"; env) > {seen}')
    settings = {"path": str(key), "format": "raw", "process": str(key), "reload": f"{telling} --now"}
    delivered = Delivered()
    os.environ["KEYSWEEP_STORE"] = "mine"
    try:
        with running("-c", "import time; time.sleep(60)", str(key)):
            _deliver(delivered, settings)
            AGENT.activate(delivered.to(settings))
    finally:
        del os.environ["KEYSWEEP_STORE"]
    assert f"{telling} --now" in seen.read_text()
    assert "KEYSWEEP_" not in seen.read_text()
    assert delivered.value not in seen.read_text()


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param({}, id="nothing says how the agent is seen"),
        pytest.param({"process": "x", "format": "xml"}, id="no such format"),
        pytest.param({"process": "x", "format": "json"}, id="no pointer into a document"),
        pytest.param({"process": "x", "pointer": "/a"}, id="a pointer into no document"),
        pytest.param({"process": "x", "path": "key"}, id="a path that depends on where we work"),
        pytest.param({"process": "x", "reload": "systemctl restart x"}, id="a program that is looked for"),
        pytest.param({"process": "x", "ready": "line:up"}, id="a line that we cannot see"),
        pytest.param(
            {"process": "x", "ready": "http://elsewhere.example/"}, id="readiness of another machine without TLS"
        ),
        pytest.param({"process": "x", "timeout": "forever"}, id="no number"),
    ],
)
def test_settings_that_cannot_work_are_refused(stated: dict[str, str]) -> None:
    """When the agent is added, not when a key leaks."""
    pairs = {"path": "/etc/agent/key", "format": "raw", **stated}
    with pytest.raises(UsageError):
        agent_catalog.settings("file", [f"{name}={value}" for name, value in pairs.items()])


def test_each_form_of_file_is_delivered_to(tmp_path: Path) -> None:
    """The forms themselves are told in tests/rotation/sinks."""
    (tmp_path / "t").write_text(f"key={{{{{VARIABLE}}}}}\n")
    cases = {
        "env": ("A=1\n", {}, "A=1\nSEARCH_KEY=@\n"),
        "json": ('{"a": ""}', {"pointer": "/a"}, '{"a": "@"}'),
        "toml": ("a = ''\n", {"pointer": "/a"}, 'a = "@"\n'),
        "yaml": ("a: b\n", {"pointer": "/a"}, 'a: "@"\n'),
        "template": ("", {"template": str(tmp_path / "t")}, "key=@\n"),
    }
    for form, (before, more, after) in cases.items():
        path, delivered = tmp_path / form, Delivered()
        path.write_text(before)
        settings = {"path": str(path), "format": form, "process": f"{sys.executable}-no", **more}
        _deliver(delivered, settings)
        assert path.read_text() == after.replace("@", delivered.value)
        assert _attest(delivered, settings) == (Holding.NOT_RUNNING, "not-running")
