"""A running daemon: who gets which key from it, what the ledger says of that, and that nobody can keep it from the others."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keysweep.commands import _resolve_lean
from keysweep.foundation.errors import DeniedError
from keysweep.foundation.secret import Secret
from keysweep.rotation import standing
from keysweep.rotation.daemon import client, protocol
from keysweep.rotation.daemon.client import NoDaemonError
from keysweep.rotation.daemon.protocol import Finished, Known
from keysweep.rotation.inventory import replace_value
from keysweep.rotation.vault import store
from tests.fakes.daemons import STRANGER, House, as_stranger, daemon, furnish, house, needs_root
from tests.fakes.program import keysweep

KEYS = {
    "orders-key": ("orders", "orders-0123456789-value"),
    "support-key": ("support", "support-0123456789-value"),
    "asking-key": ("asking", "asking-0123456789-value"),
    "large-key": ("orders", "large-0123456789" * 40_000),
    "changing-key": ("orders", "changing-0123456789-first"),
}
AGENTS = {"orders": ("process", str(STRANGER)), "support": ("process", ""), "asking": ("claude_code", "")}


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    """A store with a daemon that other users can reach."""
    with house() as made:
        furnish(made, KEYS, AGENTS)
        with daemon(made, "--shared"):
            yield made


@pytest.fixture
def ask(home: House) -> Callable[..., str]:
    """Ask for one key of an agent as the daemon's own user, and return it, empty if it is refused."""

    def asked(agent: str, name: str) -> str:
        (answer,) = client.resolve(home.socket, agent, (name,), "helper")
        return answer.secret.reveal_text() if answer.secret else ""

    return asked


def test_an_agent_gets_its_key_and_the_ledger_names_the_process(home: House) -> None:
    """By `keysweep resolve`, in a process that knows neither store nor key file; user and process are what the kernel says."""
    done = keysweep("resolve", "ORDERS_KEY", "--agent", "orders", environ={"KEYSWEEP_SOCKET": str(home.socket)})
    assert (done.returncode, done.stdout, done.stderr) == (0, KEYS["orders-key"][1], "")
    entry = home.said("key.resolved")[-1]
    assert (entry.actor, entry.subject, entry.detail["uid"]) == ("agent:orders", "orders-key", os.getuid())
    assert entry.detail["pid"] not in {os.getpid(), None}


def test_every_form_is_answered(home: House) -> None:
    """As without a daemon: ids on standard input, and lines for a shell."""
    named = {"KEYSWEEP_SOCKET": str(home.socket)}
    request = json.dumps({"protocolVersion": 1, "provider": "k", "ids": ["ORDERS_KEY", "support-key"]})
    done = keysweep("resolve", "--agent", "orders", "--format", "openclaw", stdin=request, environ=named)
    assert json.loads(done.stdout) == {
        "protocolVersion": 1,
        "values": {"ORDERS_KEY": KEYS["orders-key"][1]},
        "errors": {"support-key": {"code": "NOT_FOUND"}},
    }
    done = keysweep("resolve", "--agent=support", "--format=env", environ=named)
    assert done.stdout == f"SUPPORT_KEY={KEYS['support-key'][1]}\n"


def _refused(agent: str, name: str, home: House) -> tuple[int, str, str]:
    done = keysweep("resolve", name, "--agent", agent, environ={"KEYSWEEP_SOCKET": str(home.socket)})
    return done.returncode, done.stdout, done.stderr


def test_what_is_not_there_and_what_is_not_bound_are_refused_alike(home: House) -> None:
    """Another agent's key, no such key, no such agent: the same exit code and the same words, and each is in the ledger."""
    before = len(home.said("key.refused"))
    told = {
        _refused(*asked, home) for asked in (("orders", "support-key"), ("orders", "none"), ("nobody", "orders-key"))
    }
    ((code, output, _),) = told
    assert (code, output) == (6, "")
    recorded = home.said("key.refused")[before:]
    assert [entry.subject for entry in recorded] == ["support-key", "none", "orders-key"]
    assert all(entry.detail["uid"] == os.getuid() and entry.detail["pid"] for entry in recorded)


@needs_root
def test_another_user_gets_the_keys_of_agents_that_list_it(home: House) -> None:
    """And of no other agent, whatever it says of itself; refused as if there were none."""

    def asked(agent: str, name: str) -> bytes:
        def act() -> bytes:
            try:
                answers = client.resolve(home.socket, agent, (name,), "helper")
            except DeniedError as error:
                return error.message.encode()
            return b"".join(one.secret.reveal() if one.secret else b"nothing" for one in answers)

        return as_stranger(act)

    before = len(home.said("key.resolved", "key.refused"))
    assert asked("orders", "orders-key").decode() == KEYS["orders-key"][1]
    assert asked("support", "support-key") == asked("nobody", "support-key") == asked("orders", "none") == b"nothing"
    recorded = home.said("key.resolved", "key.refused")[before:]
    assert [(e.action, e.actor, e.detail["uid"]) for e in recorded] == [
        ("key.resolved", "agent:orders", STRANGER),
        ("key.refused", f"uid:{STRANGER}", STRANGER),
        ("key.refused", f"uid:{STRANGER}", STRANGER),
        ("key.refused", "agent:orders", STRANGER),
    ]


@needs_root
def test_what_a_client_says_of_itself_is_not_listened_to(home: House) -> None:
    """A question that claims to be root's is answered as its user's."""
    said = {
        "v": 1,
        "ask": "resolve",
        "agent": "support",
        "ids": ["support-key"],
        "purpose": "helper",
        "uid": 0,
        "pid": 1,
    }
    raw = as_stranger(lambda: spoken(home, json.dumps(said).encode() + b"\n"))
    assert KEYS["support-key"][1].encode() not in raw
    assert protocol.read_served(protocol.read_answer(raw)[0])[0].length is None


@needs_root
def test_another_user_does_not_learn_whose_keys_are(home: House) -> None:
    """Unless the settings list it among the scanners."""
    value = KEYS["support-key"][1].encode()

    def act() -> bytes:
        try:
            return repr(client.known(home.socket, Known((value,)))).encode()
        except DeniedError as error:
            return error.message.encode()

    assert as_stranger(act) == b"this user may not ask whose keys are"
    assert home.said("match.refused")[-1].detail["uid"] == STRANGER


def test_the_own_user_learns_whose_keys_are(home: House) -> None:
    """Whole values by their fingerprint; that a process asked is in the ledger once, and what a scan says of itself."""
    before = len(home.said("match.asked", "scan.finished"))
    value = KEYS["support-key"][1].encode()
    known = client.known(home.socket, Known((value, b"a stranger's"), Finished(2, 1, 3, complete=True)))["known"]
    assert isinstance(known, list)
    assert known[0]["owner"][:5] == ["support-key", "custom", 1, "current", "exact"]
    assert known[1]["owner"] is None
    client.known(home.socket, Known((value,)))
    asked, finished = home.said("match.asked", "scan.finished")[before:]
    assert (asked.action, asked.detail["pid"]) == ("match.asked", os.getpid())
    assert (finished.detail["findings"], finished.detail["mapped"], finished.detail["files"]) == (2, 1, 3)


def test_a_new_value_is_in_the_next_answer(home: House, ask: Callable[..., str]) -> None:
    """Whoever stored it, in another process: nothing is kept."""
    assert ask("orders", "changing-key") == KEYS["changing-key"][1]
    with home.open() as opened:
        value = Secret("changing-0123456789-second")
        replace_value(opened, "changing-key", value, key_id=None, standby=False, actor="cli:test")
    assert ask("orders", "changing-key") == "changing-0123456789-second"


def test_what_an_agent_that_asks_took_is_noted(home: House, ask: Callable[..., str]) -> None:
    """It is what its kind attests by."""
    assert ask("asking", "asking-key")
    with home.open() as opened, opened.database.read() as connection:
        credential = store.credential_named(connection, "asking-key")
        taken = standing.taken(connection, "asking", credential.id)
    assert taken is not None
    assert (taken.version.number, taken.method, taken.since) == (1, standing.ASKED, True)


def test_a_name_that_looks_like_a_key_is_not_written_down(home: House, ask: Callable[..., str]) -> None:
    """Neither as an agent nor as a name."""
    typed = "sk-ant-" + "api03-" + "Ab3dEf6hIj" * 9 + "AA"
    assert ask(typed, typed) == ask("orders", typed) == ""
    assert typed not in repr(home.said("key.refused"))


def spoken(home: House, raw: bytes, *, shut: bool = True) -> bytes:
    """Say bytes to the daemon and return what it answers."""
    with connected(home) as line:
        with contextlib.suppress(OSError):
            line.sendall(raw)
            if shut:
                line.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := line.recv(1 << 16):
                answer += piece
        return answer


def connected(home: House) -> socket.socket:
    """Return a connection to the daemon."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(30)
    line.connect(str(home.socket))
    return line


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"\x00\xff" * 1000, id="garbage"),
        pytest.param(b'{"v": 1, "ask": "status"}', id="no line end"),
        pytest.param(b'{"v": 2, "ask": "status"}\n', id="another version"),
        pytest.param(b'{"v": 1, "ask": "everything"}\n', id="another question"),
        pytest.param(b"[" * 100_000 + b"\n", id="too deep"),
        pytest.param(b'{"v": 1, "ask": "status"}\n{"v": 1, "ask": "status"}\n', id="two questions"),
        pytest.param(b"A" * (protocol.LARGEST + 1), id="too long"),
        pytest.param(b"A" * (20 << 20), id="20 MiB"),
        pytest.param(b'{"v": 1, "ask": "known", "values": ["=="]}\n', id="a value that is none"),
    ],
)
def test_what_is_no_question_is_refused(raw: bytes, home: House) -> None:
    """And the daemon goes on."""
    answer = spoken(home, raw)
    assert not answer or json.loads(answer)["error"] == protocol.MALFORMED
    assert client.status(home.socket)["v"] == 1


def test_two_hundred_who_say_nothing_keep_nobody_out(home: House, ask: Callable[..., str]) -> None:
    """Half-open connections of the same user, some with half a question: one that asks is answered meanwhile."""
    with contextlib.ExitStack() as stack:
        for number in range(200):
            line = stack.enter_context(connected(home))
            with contextlib.suppress(OSError):
                line.sendall(b'{"v": 1, ' * (number % 2))
            if number % 50 == 49:
                assert ask("orders", "orders-key") == KEYS["orders-key"][1]


def test_a_reader_that_does_not_take_its_answer_keeps_nobody_out(home: House, ask: Callable[..., str]) -> None:
    """Its answer is larger than what a socket holds, so it waits to be sent."""
    question = protocol.write_question(protocol.Resolve("orders", ("large-key",), "helper"))
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            line = stack.enter_context(connected(home))
            line.sendall(question)
        assert ask("orders", "large-key") == KEYS["large-key"][1]
        assert ask("orders", "orders-key") == KEYS["orders-key"][1]


def test_many_at_once_are_all_answered(home: House, ask: Callable[..., str]) -> None:
    """Sixteen threads, each its own answer."""
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(ask("orders", "orders-key"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [KEYS["orders-key"][1]] * 16


def test_a_second_daemon_does_not_start_there(home: House) -> None:
    """Exit 2, and the first one goes on."""
    done = keysweep("daemon", "--socket", str(home.socket), environ=home.environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "another daemon listens" in done.stderr
    assert client.status(home.socket)["v"] == 1


def test_it_writes_no_core_dump(home: House) -> None:
    """The kernel says so."""
    pid = client.status(home.socket)["pid"]
    assert re.search(r"Max core file size +0 +0 ", Path(f"/proc/{pid}/limits").read_text())


def test_doctor_says_whether_it_answers(home: House) -> None:
    """With its number where it does, and what to do where it does not."""
    for where, answers in ((home.socket, True), (home.folder / "none.sock", False)):
        done = keysweep("doctor", "--json", environ={**home.environ, "KEYSWEEP_SOCKET": str(where)})
        check = next(check for check in json.loads(done.stdout) if check["name"] == "daemon")
        assert check["ok"] is answers
        assert ("answers" if answers else "keysweep daemon --socket") in check["says"]


def test_the_lean_client_reads_the_plain_arguments() -> None:
    """A control for the tests above: they went by it, and not by click."""
    asked = _resolve_lean.read(["resolve", "A", "--agent", "b"], {"KEYSWEEP_SOCKET": "/s"})
    assert asked is not None
    assert (asked.name, asked.agent, asked.form, str(asked.socket)) == ("A", "b", "raw", "/s")


def test_a_killed_daemon_leaves_a_socket_that_the_next_one_takes(home: House) -> None:
    """`kill -9`, then a start at the same place; one that is told to end takes its socket away, and says so with 0."""
    with house() as other:
        furnish(other, {"orders-key": ("orders", "orders-value-of-the-other")}, {"orders": ("process", "")})
        with daemon(other) as first:
            first.send_signal(signal.SIGKILL)
            first.wait(60)
        assert other.socket.is_socket()
        with pytest.raises(NoDaemonError, match="no keysweep daemon answers"):
            client.status(other.socket)
        with daemon(other) as second:
            assert client.status(other.socket)["pid"] == second.pid
        assert (second.returncode, other.socket.exists()) == (0, False)
