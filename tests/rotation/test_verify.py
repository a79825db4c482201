"""Live verification: three answers, one host, and no key anywhere else, whatever the server does."""

from __future__ import annotations

import importlib.util
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from keysweep.commands._behind_gates import low_confidence
from keysweep.foundation.errors import MissingExtraError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.secret import Secret
from keysweep.rotation import verify
from keysweep.rotation.providers import ProviderError, Trouble
from keysweep.rotation.verify import LiveCheck
from keysweep.rules.model import Confidence, RuleId, Severity
from keysweep.scanner.finding import Match
from keysweep.scanner.live import Live
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors
from tests.scanner.making import Blobs, blob, key, look, rulebook
from tests.scanner.running import keysweep

__all__ = ["vendors"]
OPENAI = key("openai-project-key")
FINGERPRINTS = Fingerprinter(b"k" * 32)


class Server(ThreadingHTTPServer):
    """A server of this machine that does what a test says, and remembers who asked."""

    daemon_threads = True

    def __init__(self, act: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.seen: list[dict[str, str]] = []
        seen = self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                act(self)

            do_POST = do_GET  # noqa: N815  the library's name

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """The client went away: that is what is tested."""


@contextmanager
def serving(act: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Server]:
    server = Server(act)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def says(status: int, body: str, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(len(body.encode())), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return act


def match(value: str = OPENAI, provider: str = "openai") -> Match:
    return Match(
        rule=RuleId("a-rule"),
        provider=provider,
        severity=Severity.HIGH,
        confidence=Confidence.SHAPE,
        prefix="",
        start=0,
        end=len(value),
        secret=Secret(value),
    )


def check(url: str, *, provider: str = "openai", timeout_s: float = 1.0) -> LiveCheck:
    return LiveCheck({provider: {"base_url": url}}, timeout_s=timeout_s, sleep=lambda _: None)


def answer(check: LiveCheck, asked: Match) -> Live:
    return check.live(asked, FINGERPRINTS.of(asked.secret))


@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
def test_the_vendors_say_alive_and_dead(vendors: Vendors, vendor: str) -> None:
    """As the simulators, which speak the vendors' API, tell them."""
    live, ended = vendors.seed(vendor, "one").value, vendors.seed(vendor, "two", status="archived").value
    asked = check(vendors.url, provider=vendor)
    assert answer(asked, match(live, vendor)) is Live.ALIVE
    assert answer(asked, match(ended, vendor)) is Live.DEAD


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, '{"data": []}', Live.ALIVE, id="the vendor's answer"),
        pytest.param(401, '{"error": {"code": "invalid_api_key"}}', Live.DEAD, id="the vendor's refusal"),
        pytest.param(200, "<html>welcome</html>", Live.UNKNOWN, id="200 for everything"),
        pytest.param(401, "<html>log in to the proxy</html>", Live.UNKNOWN, id="the refusal of somebody else"),
        pytest.param(
            403, '{"error": {"code": "unsupported_country"}}', Live.UNKNOWN, id="refused before it was looked at"
        ),
        pytest.param(429, "{}", Live.UNKNOWN, id="busy"),
        pytest.param(500, "", Live.UNKNOWN, id="broken"),
    ],
)
def test_what_an_answer_means(status: int, body: str, expected: Live) -> None:
    """A status alone proves nothing."""
    with serving(says(status, body)) as server:
        assert answer(check(server.url), match()) is expected
        assert server.seen[0]["authorization"] == f"Bearer {OPENAI}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """The key would go where the server says."""
    with serving(says(200, '{"data": []}')) as other, serving(says(status, "", location=f"{other.url}/x")) as server:
        assert answer(check(server.url), match()) is Live.UNKNOWN
        assert len(server.seen) == 1
        assert other.seen == []


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100_000):
        handler.wfile.write(b'"data" ' * 10_000)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """Bytes come often enough for every read, and never end."""
    for byte in b"HTTP/1.1 200 OK\r\nx-a: " + b"y" * 200:
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)


def dripping_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        time.sleep(0.05)


@pytest.mark.parametrize("act", [endless, dripping, dripping_body])
def test_no_server_holds_the_scan_up(act: Callable[[BaseHTTPRequestHandler], None]) -> None:
    """Neither with a body without end nor with a byte now and then: a call has a time limit as a whole, and a size."""
    with serving(act) as server:
        before = time.monotonic()
        assert answer(check(server.url, timeout_s=0.5), match()) is Live.UNKNOWN
        assert time.monotonic() - before < 3


@pytest.mark.parametrize(
    "base",
    [
        pytest.param("http://127.0.0.1.example.net:{port}", id="a name that begins like this machine"),
        pytest.param("http://127.0.0.1@example.net:{port}", id="this machine as a user"),
        pytest.param("https://proxy.example.net", id="another host"),
        pytest.param("ftp://127.0.0.1:{port}", id="no web address"),
        pytest.param("http://[broken", id="no address"),
        pytest.param("", id="none"),
    ],
)
def test_settings_move_a_question_to_this_machine_only(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other host in the settings is not what the prefix proves."""
    called: list[str] = []

    def record(_method: str, url: str, **_: object) -> object:
        called.append(url)
        raise ProviderError("no network here", trouble=Trouble.BUSY)

    monkeypatch.setattr(verify, "request", record)
    assert answer(check(base.format(port=1)), match()) is Live.UNKNOWN
    assert called == ["https://api.openai.com/v1/models"]


def test_proxies_of_the_environment_see_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would see the key."""
    with serving(says(200, '{"data": []}')) as proxy, serving(says(200, '{"data": []}')) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert answer(check(server.url), match()) is Live.ALIVE
        assert proxy.seen == []


@pytest.mark.parametrize(
    ("value", "provider"),
    [
        pytest.param("sk-" + "a1B2c3D4" * 6, "openai", id="a prefix that others have too"),
        pytest.param(OPENAI, "anthropic", id="another vendor's key"),
        pytest.param(OPENAI, "nobody", id="a vendor that cannot be asked"),
        pytest.param("glpat-" + "a1B2c3D4e5" * 2, "gitlab", id="a vendor that customers run themselves"),
        pytest.param("sk-proj-\r\nHost: x", "openai", id="a key that would be another header"),
    ],
)
def test_what_proves_no_host_is_sent_nowhere(value: str, provider: str) -> None:
    """Unknown, and no call."""
    with serving(says(200, '{"data": []}')) as server:
        assert answer(check(server.url, provider=provider), match(value, provider)) is Live.UNKNOWN
        assert server.seen == []


def test_each_key_is_asked_about_once() -> None:
    """However often it stands somewhere."""
    with serving(says(200, '{"data": []}')) as server:
        asked = check(server.url)
        assert [answer(asked, match()) for _ in range(3)] == [Live.ALIVE] * 3
        assert len(server.seen) == 1


def test_calls_are_few_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file full of keys is no flood of calls."""
    monkeypatch.setattr(verify, "_MOST", 3)
    pauses: list[float] = []
    with serving(says(200, '{"data": []}')) as server:
        asked = LiveCheck({"openai": {"base_url": server.url}}, now=lambda: 100.0, sleep=pauses.append)
        answers = [answer(asked, match(key("openai-project-key", seed=seed))) for seed in range(5)]
        assert answers == [Live.ALIVE] * 3 + [Live.UNKNOWN] * 2
        assert len(server.seen) == 3
    assert pauses == pytest.approx([0, 0.2, 0.2])


def test_a_vendor_that_does_not_answer_is_left_alone() -> None:
    """Without a network a scan does not wait for every key."""
    with serving(says(200, "")) as server:
        url = server.url
    asked = check(url)
    before = time.monotonic()
    assert {answer(asked, match(key("openai-project-key", seed=seed))) for seed in range(50)} == {Live.UNKNOWN}
    assert time.monotonic() - before < 5


class Asked:
    """A verifier that remembers what it was given."""

    def __init__(self) -> None:
        self.secrets: list[Secret] = []
        self.values: list[bytes] = []

    def live(self, match: Match, fingerprint: object) -> Live:
        self.secrets.append(match.secret)
        self.values.append(match.secret.reveal())
        return Live.ALIVE


def test_the_scan_hands_over_what_is_sure_and_wipes_it() -> None:
    """Guesses and shapes that vendors share are kept; nothing outlives its question."""
    asked = Asked()
    guess = f"GITHUB_CLIENT_SECRET={'aB3' * 3}x9Kq2Lm7Pz4R"
    result = look(
        Blobs((blob(f"{OPENAI}\n{guess}\n".encode()),)),
        verifier=asked,
        detectors=(rulebook(), *low_confidence(rulebook())),
    )
    assert asked.values == [OPENAI.encode()]
    assert [len(secret) for secret in asked.secrets] == [0]
    assert {(f.provider, f.live, f.confidence) for f in result.findings} == {
        ("openai", Live.ALIVE, Confidence.VERIFIED),
        ("github", None, Confidence.GENERIC),
    }


def test_an_accepted_key_is_not_asked_about() -> None:
    """What the user took out of the scan is sent to nobody."""
    asked = Asked()
    look(Blobs((blob(f"{OPENAI}  # keysweep: ignore\n".encode()),)), verifier=asked)
    assert asked.values == []


def test_the_command(vendors: Vendors, caplog: pytest.LogCaptureFixture) -> None:
    """`--verify` raises the confidence, fills `live`, changes no exit code, and says no key at any loudness."""
    live = vendors.seed("openai", "one").value
    Path("a.txt").write_text(f"k={live}\n")
    Path("keysweep.toml").write_text(f'[providers.openai]\nbase_url = "{vendors.url}"\n')
    quiet = keysweep("scan", "a.txt", "-o", "json")
    assert (quiet.code, quiet.json["findings"][0]["live"]) == (1, None)
    with caplog.at_level(logging.DEBUG):
        done = keysweep("-vv", "scan", "a.txt", "-o", "json", "--verify")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert (finding["live"], finding["confidence"]) == ("alive", "verified")
    assert live not in done.out + done.err + caplog.text
    assert "the provider accepts it" in keysweep("scan", "a.txt", "--verify").out


def test_without_the_client_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is scanned."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "httpx2" else found(name, *a))
    with pytest.raises(MissingExtraError):
        LiveCheck({})
    Path("a.txt").write_text("x\n")
    done = keysweep("scan", "a.txt", "--verify")
    assert (done.code, done.out) == (2, "")
    assert "keysweep[rotate]" in done.err


def test_nothing_is_asked_without_the_option(vendors: Vendors) -> None:
    """Off by default."""
    seen: list[object] = []
    vendors.watch(seen.append)
    Path("a.txt").write_text(f"k={vendors.seed('openai', 'one').value}\n")
    Path("keysweep.toml").write_text(f'[providers.openai]\nbase_url = "{vendors.url}"\n')
    assert json.loads(keysweep("scan", "a.txt", "-o", "json").out)["findings"][0]["live"] is None
    assert seen == []
