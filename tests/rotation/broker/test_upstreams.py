"""Where requests go: one exact host, whose certificate is checked, or none."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keysweep.foundation.errors import UsageError
from keysweep.rotation import instances
from keysweep.rotation.broker import routes
from keysweep.rotation.broker.listen import Address
from keysweep.rotation.broker.routes import Route, Upstream
from keysweep.rotation.credential import CredentialId
from tests.fakes.brokers import AGENT, add_agent, running_broker
from tests.fakes.fixtures import vendors
from tests.fakes.stores import VARIABLES, build_world
from tests.fakes.upstreams import running_upstream
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]

OPENAI, ANTHROPIC = VARIABLES["openai"], VARIABLES["anthropic"]
CREDENTIAL = CredentialId("c")


def leads(provider: str, agent: dict[str, str] | None = None, vendor: dict[str, str] | None = None) -> Route:
    """Return where a variable `KEY` leads."""
    return routes.route("KEY", CREDENTIAL, provider, agent=agent or {}, vendor=vendor or {})


@pytest.mark.parametrize(
    ("provider", "agent", "vendor", "expected"),
    [
        pytest.param("openai", {}, {}, Upstream("https", "api.openai.com", 443, ""), id="the vendor's own host"),
        pytest.param("groq", {}, {}, Upstream("https", "api.groq.com", 443, ""), id="of another vendor"),
        pytest.param(
            "gitlab", {}, {"base_url": "https://git.example/x/"}, Upstream("https", "git.example", 443, "/x"),
            id="else what the settings of the provider say",
        ),
        pytest.param(
            "openai", {"upstream": "OTHER=https://o.example KEY=https://a.example:8443"}, {"base_url": "https://b.example"},
            Upstream("https", "a.example", 8443, ""), id="before that, what those of the agent say",
        ),
    ],
)  # fmt: skip
def test_a_variable_leads_to_one_host(
    provider: str, agent: dict[str, str], vendor: dict[str, str], expected: Upstream
) -> None:
    """Settings first, then what is known of the vendor."""
    assert expected == leads(provider, agent, vendor).upstream


@pytest.mark.parametrize(
    ("provider", "agent", "expected"),
    [
        pytest.param("openai", {}, ("bearer",), id="most vendors"),
        pytest.param("anthropic", {}, ("x-api-key", "bearer"), id="one that takes two"),
        pytest.param("openai", {"header": "KEY=api-key"}, ("api-key",), id="as stated"),
    ],
)
def test_a_key_stands_where_its_vendor_looks(provider: str, agent: dict[str, str], expected: tuple[str, ...]) -> None:
    """Or where the settings say."""
    assert expected == leads(provider, agent).forms


def test_a_vendor_that_nobody_knows_has_no_upstream() -> None:
    """Nothing is guessed."""
    with pytest.raises(UsageError) as refused:
        leads("other")
    assert "upstream=KEY=https://HOST" in str(refused.value.hint)


@pytest.mark.parametrize(
    "settings",
    [
        {"upstream": "https://api.example"}, {"upstream": "KEY=http://api.example"}, {"upstream": "KEY=ftp://api.example"},
        {"upstream": "KEY=https://u:p@api.example"}, {"upstream": "KEY=https://"}, {"upstream": "KEY=https://a.example?x"},
        {"upstream": "KEY=https://a.example/../x"}, {"upstream": "KEY=https://a.example:x"}, {"upstream": "K=https://a.x K=https://b.x"},
        {"header": "KEY=cookie"}, {"listen": "0.0.0.0:1"}, {"authority": "ca.pem"}, {"base_url": "NAME"},
    ],
)  # fmt: skip
def test_settings_that_would_let_a_key_out_are_refused(settings: dict[str, str]) -> None:
    """When the agent is added: without TLS to elsewhere, with a password, or not to be read as one host."""
    with pytest.raises(UsageError):
        routes.check(settings)


@pytest.mark.parametrize(
    ("variable", "provider", "agent", "expected"),
    [
        pytest.param("OPENAI_API_KEY", "openai", {}, ("OPENAI_BASE_URL", "/OPENAI_API_KEY/v1"), id="openai"),
        pytest.param(
            "ANTHROPIC_API_KEY", "anthropic", {}, ("ANTHROPIC_BASE_URL", "/ANTHROPIC_API_KEY"), id="anthropic"
        ),
        pytest.param("A_KEY", "groq", {}, ("A_KEY_BASE_URL", "/A_KEY"), id="another"),
        pytest.param(
            "A_KEY", "groq", {"base_url": "A_KEY=GROQ_URL/openai/v1"}, ("GROQ_URL", "/A_KEY/openai/v1"), id="stated"
        ),
    ],
)
def test_clients_find_the_broker_by_the_variables_that_they_know(
    variable: str, provider: str, agent: dict[str, str], expected: tuple[str, str]
) -> None:
    """With the end that their address has."""
    name, url = routes.base_url(variable, provider, Address.parse("127.0.0.1:1"), agent=agent)
    assert (name, url.removeprefix("http://127.0.0.1:1")) == expected


def test_the_key_goes_to_nobody_whose_certificate_is_not_good(tmp_path: Path, vendors: Vendors) -> None:
    """An authority that nobody knows, or a name that is not the host's: nothing is sent."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai", "anthropic"))
    authority, context = _certificate(tmp_path)
    with running_upstream(context) as upstream:
        port = upstream.port
        with world.open() as opened:
            settings = {"upstream": f"{OPENAI}=https://127.0.0.1:{port} {ANTHROPIC}=https://localhost:{port}"}
            add_agent(opened, "openai", "anthropic", settings=settings)
        with running_broker(world) as broker:
            assert broker.send(broker.request("GET", f"/{OPENAI}/x")).status == 502
        with world.open() as opened, opened.database.write() as connection:
            instances.set_setting(connection, AGENT, "authority", str(authority))
        with running_broker(world) as broker:
            shown = f"X-Api-Key: {broker.placeholders[ANTHROPIC]}"
            assert broker.send(broker.request("GET", f"/{ANTHROPIC}/x", shown, bearer=None)).status == 502
            assert upstream.received == []
            assert broker.send(broker.request("GET", f"/{OPENAI}/x")).status == 200
    assert len(upstream.received) == 1


def test_an_upstream_that_keeps_silent_is_given_up(tmp_path: Path, vendors: Vendors) -> None:
    """After the time that the agent's settings give it."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",))
    over = threading.Event()
    with running_upstream() as upstream:
        upstream.reset(lambda *_: over.wait(60))
        with world.open() as opened:
            upstreams = {"upstream": f"{OPENAI}=http://127.0.0.1:{upstream.port}", "timeout": "0.2"}
            add_agent(opened, "openai", settings=upstreams)
        with running_broker(world) as broker:
            answer = broker.send(broker.request("GET", f"/{OPENAI}/x"))
        over.set()
    assert (answer.status, answer.refused) == (504, "timeout")


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate of 127.0.0.1 that vouches for itself, and what a server shows it with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "upstream")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(hours=1), now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(private + public)
    (folder / "ca.pem").write_bytes(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context
