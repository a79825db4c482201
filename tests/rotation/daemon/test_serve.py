"""The daemon's loop and what it keeps: a turn for each user, an end for whoever is slow, and no value beyond its answer."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keysweep.foundation.database.connect import StoreMissingError
from keysweep.foundation.errors import DeniedError
from keysweep.foundation.redaction import REDACTION
from keysweep.foundation.secret import Secret
from keysweep.rotation.daemon import protocol
from keysweep.rotation.daemon.answers import Answers
from keysweep.rotation.daemon.peer import Peer
from keysweep.rotation.daemon.protocol import Question, Resolve, Status
from keysweep.rotation.daemon.serve import Limits, Server
from tests.fakes.daemons import House, furnish, house

VALUE = "orders-0123456789-value"
ME = Peer(uid=os.getuid(), pid=os.getpid(), trusted=True)
PATIENT = Limits(question_s=60, turn_s=60, answer_s=60)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that the loop is given."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as made:
        made.bind(str(Path(folder) / "s"))
        made.listen(64)
        yield made


def served(
    listener: socket.socket,
    answer: Callable[[Peer, Question], bytearray],
    asks: Callable[[], None],
    limits: Limits = PATIENT,
    *,
    ends: bool = True,
) -> None:
    """Run the loop while another thread asks, and end it as a service is ended, unless the answer does that."""

    def client() -> None:
        try:
            asks()
        finally:
            if ends:
                os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=client)
    Server(listener, answer, limits=limits).run(thread.start)
    thread.join()


def asked(listener: socket.socket, raw: bytes = b'{"v":1,"ask":"status"}\n') -> bytes:
    """Ask, and return the whole answer."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(8)
        line.connect(listener.getsockname())
        line.sendall(raw)
        answer = b""
        while piece := line.recv(1 << 16):
            answer += piece
        return answer


def test_an_answer_is_overwritten_once_it_is_sent(listener: socket.socket) -> None:
    """Whoever asked has it; here nothing is left of it."""
    kept: list[bytearray] = []

    def answer(_peer: Peer, _question: Question) -> bytearray:
        kept.append(protocol.write_answer({}) + VALUE.encode())
        return kept[0]

    got: list[bytes] = []
    served(listener, answer, lambda: got.append(asked(listener)))
    assert got[0].endswith(VALUE.encode())
    assert kept[0] == bytes(len(got[0]))


def test_the_kernel_says_who_asks(listener: socket.socket) -> None:
    """User and process of this test."""
    seen: list[Peer] = []

    def answer(peer: Peer, _question: Question) -> bytearray:
        seen.append(peer)
        return protocol.write_answer({})

    served(listener, answer, lambda: seen.append(ME) if not asked(listener) else None)
    assert seen == [ME]


@pytest.mark.parametrize(
    ("failure", "why"),
    [(DeniedError("not now"), protocol.UNAVAILABLE), (ValueError(VALUE), protocol.FAILED)],
    ids=["a failure that is expected", "a bug"],
)
def test_one_failure_ends_one_answer(
    failure: Exception, why: str, listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    """The next question is answered, and neither answer nor log repeats what a bug had in its hands."""
    waiting: list[Exception | None] = [failure, None]

    def answer(_peer: Peer, _question: Question) -> bytearray:
        if (wrong := waiting.pop(0)) is not None:
            raise wrong
        return protocol.write_answer({"well": True})

    got: list[bytes] = []
    served(listener, answer, lambda: got.extend(asked(listener) for _ in range(2)))
    assert [protocol.read_answer(raw)[0].get("error") for raw in got] == [why, None]
    assert VALUE not in got[0].decode() + caplog.text


def test_who_is_silent_loses_the_place_to_who_asks(listener: socket.socket) -> None:
    """With places for four, a fifth is heard: the oldest that has not asked ends, and it alone."""
    lines = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    got: list[bytes] = []

    def asks() -> None:
        for line in lines:
            line.settimeout(8)
            line.connect(listener.getsockname())
        got.append(asked(listener))
        got.append(lines[0].recv(10))
        lines[1].sendall(b'{"v":1,"ask":"status"}\n')
        got.append(lines[1].recv(1000))

    served(listener, lambda _peer, _question: protocol.write_answer({}), asks, Limits(question_s=60, each=4, all=8))
    for line in lines:
        line.close()
    assert [bool(answer) for answer in got] == [True, False, True]


def test_who_is_slow_is_not_waited_for(listener: socket.socket) -> None:
    """A question must be there in its time, byte by byte or not at all."""
    got: list[bytes] = []
    limits = Limits(question_s=0.2)
    served(listener, lambda _peer, _question: bytearray(), lambda: got.append(asked(listener, b'{"v":')), limits)
    assert got == [b""]


def test_who_cannot_be_served_in_time_is_told_so(listener: socket.socket) -> None:
    """A question of the same user is at work: the next one waits for its turn, and not for ever."""
    begun, go_on = threading.Event(), threading.Event()

    def answer(_peer: Peer, _question: Question) -> bytearray:
        begun.set()
        go_on.wait(60)
        return protocol.write_answer({})

    got: list[bytes] = []

    def asks() -> None:
        first = threading.Thread(target=lambda: got.append(asked(listener)))
        first.start()
        begun.wait(60)
        got.append(asked(listener))
        go_on.set()
        first.join()

    served(listener, answer, asks, Limits(question_s=60, turn_s=0.1, answer_s=60))
    assert [protocol.read_answer(raw)[0].get("error") for raw in got] == [protocol.BUSY, None]


def test_what_is_being_answered_when_it_ends_is_answered(listener: socket.socket) -> None:
    """SIGTERM in the middle of one."""
    got: list[bytes] = []

    def answer(_peer: Peer, _question: Question) -> bytearray:
        os.kill(os.getpid(), signal.SIGTERM)
        return protocol.write_answer({"well": True})

    served(listener, answer, lambda: got.append(asked(listener)), ends=False)
    assert protocol.read_answer(got[0])[0]["well"] is True


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    """A store, and no daemon."""
    with house() as made:
        furnish(made, {"orders-key": ("orders", VALUE)}, {"orders": ("process", ""), "bare": ("process", "")})
        yield made


def test_no_value_is_kept_beyond_its_answer(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the secret that was opened, and not the forms of it that the log would mask."""
    wiped: list[Secret] = []
    wipe = Secret.wipe
    monkeypatch.setattr(Secret, "wipe", lambda self: (wiped.append(self), wipe(self))[1])
    with home.open() as opened:
        answers = Answers(opened, "", lambda: None)
        raw = answers(ME, Resolve("orders", ("ORDERS_KEY", "orders-key", "none"), "helper"))
        assert raw.endswith(VALUE.encode() * 2)
        assert [len(secret) for secret in wiped[-2:]] == [0, 0]
        assert REDACTION.mask(VALUE) == VALUE


def test_an_agent_without_keys_is_refused_as_if_there_were_none(home: House) -> None:
    """Whoever asks for all that it has."""
    with home.open() as opened:
        answers = Answers(opened, "", lambda: None)
        told = [bytes(answers(ME, Resolve(agent, (), "env"))) for agent in ("bare", "nobody")]
    assert told[0] == told[1]


def test_what_was_only_counted_is_written_in_the_end(home: House) -> None:
    """Sixty refusals stand by themselves, one entry says how many more there were."""
    with home.open() as opened:
        answers = Answers(opened, "", lambda: None)
        before = len(home.said("key.refused"))
        for number in range(70):
            answers(ME, Resolve("nobody", (f"n{number}",), "helper"))
        answers.finish()
    recorded = home.said("key.refused")[before:]
    assert (len(recorded), recorded[-1].detail["more"]) == (61, 10)


def test_a_store_that_is_gone_is_said_to_be(home: House) -> None:
    """The next answer is an error and not of the file that is still open; once it is back, answers go on."""
    store = Path(home.settings.store)
    with home.open() as opened:
        answers = Answers(opened, "", lambda: None)
        assert answers(ME, Resolve("orders", ("orders-key",), "helper")).endswith(VALUE.encode())
        away = store.with_name("away.db")
        store.rename(away)
        try:
            with pytest.raises(StoreMissingError):
                answers(ME, Resolve("orders", ("orders-key",), "helper"))
        finally:
            away.rename(store)
        assert answers(ME, Resolve("orders", ("orders-key",), "helper")).endswith(VALUE.encode())
        assert answers(ME, Status())
