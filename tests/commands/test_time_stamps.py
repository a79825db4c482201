"""Time stamps over checkpoints: asked of a real authority, proven before they are kept, checked again without it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rfc3161_client import decode_timestamp_response

from keysweep.commands import execute
from keysweep.foundation.errors import ExitCode
from keysweep.foundation.settings import Settings
from keysweep.rotation import time_stamping
from tests.fakes.time_stamping import Authority, authority, make, reply


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """One authority for all tests of the file."""
    with authority(tmp_path_factory.mktemp("tsa") / "authority") as here:
        yield here


@pytest.fixture
def tsa(running: Authority, place: Settings) -> Iterator[Authority]:
    """An honest authority, and a store."""
    running.asked.clear()
    yield running
    running.answers = running.honest


def stamped(tsa: Authority, *more: str) -> int:
    return execute(["audit", "checkpoint", "--tsa", tsa.url, "--tsa-ca", str(tsa.ca), *more])


def receipts(place: Settings) -> list[bytes]:
    with sqlite3.connect(place.store) as raw:
        found = [row[0] for row in raw.execute("SELECT receipt FROM checkpoint_export WHERE receipt IS NOT NULL")]
    raw.close()
    return found


def test_a_stamp_is_kept_carried_along_and_checked_again(
    tsa: Authority, place: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The authority is asked once for a head, and not at all to verify."""
    assert stamped(tsa) == stamped(tsa) == 0
    assert len(tsa.asked) == 1
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert len(receipts(place)) == 1
    assert line["time_stamp"]
    assert execute(["verify", "--tsa-ca", str(tsa.ca)]) == 0
    assert f"stamp     entry {line['seq']} existed at 20" in capsys.readouterr().out
    assert len(tsa.asked) == 1


def test_without_an_authority_that_is_trusted_a_stamp_is_only_said(
    tsa: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """The word differs, and the next line says what is missing."""
    assert stamped(tsa, "--to", "anchors") == 0
    assert execute(["verify"]) == 0
    said = capsys.readouterr().out
    assert "is said to have existed at" in said
    assert "--tsa-ca FILE" in said


def test_an_auditor_checks_an_anchor_without_store_and_with_openssl_alone(
    tsa: Authority, place: Settings, private_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ours, and the single file with the command that it prints; both refuse the stamp of another checkpoint."""
    assert stamped(tsa, "--to", "anchors") == 0
    capsys.readouterr()
    execute(["audit", "-o", "jsonl"])
    (private_world / "ledger.jsonl").write_text(capsys.readouterr().out)
    execute(["audit", "verifier"])
    (private_world / "verify.py").write_text(capsys.readouterr().out)
    shutil.rmtree(Path(place.store).parent)
    ours = ["verify", "ledger.jsonl", "--anchor", "anchors", "--tsa-ca", str(tsa.ca)]
    assert execute(ours) == 0
    assert "existed at" in capsys.readouterr().out

    def alone(*options: str) -> str:
        argv = [sys.executable, "-I", "-S", "verify.py", *options, "ledger.jsonl", "anchors"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    assert "not checked here: openssl ts -verify" in alone()
    command = alone("--time-stamps", ".").splitlines()[-1].partition(": ")[2]
    argv = command.replace("AUTHORITY.pem", str(tsa.ca)).split()
    assert subprocess.run(argv, capture_output=True).returncode == 0
    argv[argv.index("-digest") + 1] = "00" * 32
    assert subprocess.run(argv, capture_output=True).returncode != 0


def test_a_stamp_is_of_its_checkpoint_only(
    tsa: Authority, private_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Moved to a later checkpoint it is an integrity failure, with and without a trusted authority."""
    assert stamped(tsa, "--to", "old") == 0
    assert execute(["agents", "add", "billing"]) == 0
    assert execute(["audit", "checkpoint", "--to", "new"]) == 0
    old, new = (json.loads((private_world / name).read_text()) for name in ("old", "new"))
    (private_world / "moved").write_text(json.dumps(new | {"time_stamp": old["time_stamp"]}) + "\n")
    for more in ([], ["--tsa-ca", str(tsa.ca)]):
        assert execute(["verify", "--anchor", "moved", *more]) == ExitCode.INTEGRITY
    assert f"the time stamp over entry {new['seq']} (moved)" in capsys.readouterr().err


def test_a_stamp_of_an_authority_that_is_not_trusted_is_refused(
    tsa: Authority, place: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When it comes nothing is kept; when it is checked again the verification fails."""
    other = make(tmp_path / "other")
    assert execute(["audit", "checkpoint", "--tsa", tsa.url, "--tsa-ca", str(other)]) == ExitCode.USAGE
    assert "does not hold" in capsys.readouterr().err
    assert receipts(place) == []
    assert stamped(tsa) == 0
    assert execute(["verify", "--tsa-ca", str(other)]) == ExitCode.INTEGRITY


def test_a_changed_stamp_in_the_store_is_an_integrity_failure(tsa: Authority, place: Settings) -> None:
    """A bit of the signature, at the end."""
    assert stamped(tsa) == 0
    with sqlite3.connect(place.store) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{trigger}"')
        (whole,) = receipts(place)
        raw.execute("UPDATE checkpoint_export SET receipt = ?", [whole[:-1] + bytes([whole[-1] ^ 1])])
    raw.close()
    assert execute(["verify", "--tsa-ca", str(tsa.ca)]) == ExitCode.INTEGRITY


def of_another_nonce(tsa: Authority) -> Callable[[bytes], bytes]:
    """The answer to an earlier query over the same checkpoint."""

    def answer(query: bytes) -> bytes:
        (tsa.folder / "asked").write_bytes(query)
        digest = _digest(query)
        _query(tsa.folder, digest)
        return reply(tsa.folder, (tsa.folder / "other.tsq").read_bytes())

    return answer


def of_another_hash(tsa: Authority) -> Callable[[bytes], bytes]:
    """An answer with the right nonce over another digest."""
    return lambda query: reply(tsa.folder, query.replace(_digest(query), bytes(32)))


def rejected(tsa: Authority) -> Callable[[bytes], bytes]:
    """A refusal: the digest is of a kind that this authority does not stamp."""
    sha256 = bytes.fromhex("608648016503040201")
    return lambda query: reply(tsa.folder, query.replace(sha256, sha256[:-1] + b"\x04"))


def _digest(query: bytes) -> bytes:
    place = query.index(b"\x04\x20")
    return query[place + 2 : place + 34]


def _query(folder: Path, digest: bytes) -> None:
    argv = ["openssl", "ts", "-query", "-digest", digest.hex(), "-sha256", "-cert", "-out", "other.tsq"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        pytest.param(of_another_nonce, "its nonce is wrong", id="another nonce"),
        pytest.param(of_another_hash, "is not over the checkpoint", id="another hash"),
        pytest.param(rejected, "granted no time stamp", id="rejected"),
        pytest.param(lambda _tsa: lambda _q: b"<html>sorry</html>", "does not hold", id="garbage"),
        pytest.param(lambda _tsa: lambda _q: b"", "does not hold", id="nothing"),
        pytest.param(lambda tsa: lambda q: reply(tsa.folder, q)[:-9], "does not hold", id="cut"),
        pytest.param(lambda tsa: lambda q: reply(tsa.folder, q)[:-1] + b"\x00", "does not hold", id="bad signature"),
        pytest.param(lambda _tsa: lambda _q: bytes(300 << 10), "more than", id="too long"),
    ],
)
def test_an_answer_that_is_not_the_stamp_is_said_and_nothing_is_kept(
    tsa: Authority,
    place: Settings,
    lie: Callable[[Authority], Callable[[bytes], bytes]],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit 2, one sentence, no line of an anchor."""
    answer = lie(tsa)
    tsa.answers = lambda query: (200, answer(query), {})
    assert stamped(tsa) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert said in shown.err
    assert (shown.out, receipts(place)) == ("", [])


@pytest.mark.parametrize("status", [301, 302, 307, 308, 404, 503])
def test_another_status_is_no_stamp_and_no_redirect_is_followed(
    tsa: Authority, place: Settings, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even to the same machine, and not if the body were a stamp."""
    tsa.answers = lambda query: (status, reply(tsa.folder, query), {"location": f"{tsa.url}/elsewhere"})
    assert stamped(tsa) == ExitCode.USAGE
    assert f"answered {status}" in capsys.readouterr().err
    assert (len(tsa.asked), receipts(place)) == (1, [])


def test_an_authority_that_does_not_answer_is_given_up(
    tsa: Authority, place: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The time limit is for the whole answer."""
    monkeypatch.setattr(time_stamping.stamp, "__kwdefaults__", {"timeout_s": 0.3})

    def slow(query: bytes) -> tuple[int, bytes, dict[str, str]]:
        time.sleep(1)
        return tsa.honest(query)

    tsa.answers = slow
    assert stamped(tsa) == ExitCode.USAGE
    assert "no time stamp" in capsys.readouterr().err
    assert receipts(place) == []


@pytest.mark.parametrize("url", ["http://tsa.example/tsr", "ftp://127.0.0.1/", "tsa", "http://127.0.0.1:1/"])
def test_an_authority_elsewhere_is_asked_over_tls_only(tsa: Authority, place: Settings, url: str) -> None:
    """Exit 2, nothing kept."""
    assert execute(["audit", "checkpoint", "--tsa", url, "--tsa-ca", str(tsa.ca)]) == ExitCode.USAGE
    assert receipts(place) == []


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", None])
def test_certificates_that_are_none_are_a_usage_error(tsa: Authority, private_world: Path, content: str | None) -> None:
    """Before anything is asked; one option without the other too."""
    if content is not None:
        (private_world / "ca").write_text(content)
    assert execute(["audit", "checkpoint", "--tsa", tsa.url, "--tsa-ca", "ca"]) == ExitCode.USAGE
    assert execute(["audit", "checkpoint", "--tsa", tsa.url]) == ExitCode.USAGE
    assert tsa.asked == []


def test_what_the_authority_was_asked_is_the_checkpoint_and_no_more(
    tsa: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """A digest, a nonce; the answer repeats both."""
    assert stamped(tsa) == 0
    (query,) = tsa.asked
    assert len(query) < 100
    answer = decode_timestamp_response((tsa.folder / "answer").read_bytes())
    assert answer.tst_info.message_imprint.message == _digest(query)
