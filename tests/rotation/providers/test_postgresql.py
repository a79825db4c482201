"""PostgreSQL: a real server is the witness."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from samples.servers.postgres import Server
from tests.fakes.canaries import forms
from tests.fakes.fixtures import postgres

__all__ = ["postgres"]


@pytest.mark.xdist_group("postgres")
def test_postgresql_takes_the_verifier_and_never_sees_the_password(postgres: Server, tmp_path: Path) -> None:
    """The new value logs in, the old one does not, and no statement that the server saw holds the new password."""
    provider = provider_catalog.get("postgresql")
    old = Secret(postgres.add_role("watched"))
    account = Account(credential="db", settings={}, admin=Secret(postgres.admin_uri))
    assert provider.generate is not None
    assert provider.set_value is not None
    assert provider.revoke is not None
    new = provider.generate(old)
    with psycopg.connect(postgres.admin_uri, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET log_statement = 'all'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            with psycopg.connect(old.reveal_text(), autocommit=True) as session:
                for _ in range(2):
                    provider.set_value(account, old, new)
                assert session.execute("SELECT 1").fetchone() == (1,)
                fresh = psycopg.connect(new.reveal_text(), autocommit=True)
                for _ in range(2):
                    provider.revoke(account, None, old)
                with pytest.raises(psycopg.OperationalError):
                    session.execute("SELECT 1")
                assert fresh.execute("SELECT 1").fetchone() == (1,)
                fresh.close()
        finally:
            admin.execute("ALTER SYSTEM RESET log_statement")
            admin.execute("SELECT pg_reload_conf()")
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'watched'").fetchone()
        data = admin.execute("SHOW data_directory").fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$4096:")
    assert provider.probe(account, new).liveness is Liveness.ALIVE
    assert provider.probe(account, old).liveness is Liveness.DEAD
    assert data is not None
    log = (Path(data[0]).parent / "server.log").read_bytes()
    assert b"ALTER ROLE" in log
    password = new.reveal_text().split(":")[2].split("@")[0]
    assert [form for form, needle in forms(password).items() if needle in log] == []


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("postgresql://watcher:{password}@127.0.0.1:{port}/postgres", Liveness.DEAD, id="password refused"),
        pytest.param("postgresql://watcher:{password}@127.0.0.1:9/postgres", Liveness.UNKNOWN, id="nobody listens"),
    ],
)
def test_postgresql_is_believed_only_about_the_password(uri: str, expected: Liveness, postgres: Server) -> None:
    """A server that cannot be reached has not refused anything."""
    account = Account(credential="db", settings={}, admin=None)
    assert (
        provider_catalog.get("postgresql")
        .probe(account, Secret(uri.format(port=postgres.port, password="wrong")))
        .liveness
        is expected
    )


@pytest.mark.xdist_group("postgres")
def test_postgresql_honours_what_the_uri_asks_of_the_connection(postgres: Server) -> None:
    """`sslmode=require` on a server without TLS does not fall back to a connection in the clear."""
    value = postgres.add_role("tls_only") + "?sslmode=require"
    account = Account(credential="db", settings={}, admin=None)
    assert provider_catalog.get("postgresql").probe(account, Secret(value)).liveness is Liveness.UNKNOWN


@pytest.mark.xdist_group("postgres")
def test_postgresql_keeps_what_an_operator_wrote_about_the_role(postgres: Server) -> None:
    """Only the line that is ours is replaced, however often the password is set; the sessions of the old one end all the same."""
    provider = provider_catalog.get("postgresql")
    old = Secret(postgres.add_role("commented"))
    account = Account(credential="db", settings={}, admin=Secret(postgres.admin_uri))
    assert provider.generate is not None
    assert provider.set_value is not None
    assert provider.revoke is not None
    words = "Owner: the orders' team.\nDo not drop"
    with psycopg.connect(postgres.admin_uri, autocommit=True) as admin:
        admin.execute("COMMENT ON ROLE commented IS 'Owner: the orders'' team.\nDo not drop'")
        with psycopg.connect(old.reveal_text(), autocommit=True) as session:
            for _ in range(2):
                new = provider.generate(old)
                provider.set_value(account, old, new)
            provider.revoke(account, None, old)
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        asked = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = 'commented'"
        said = admin.execute(asked).fetchone()
    assert said is not None
    assert said[0].startswith(f"{words}\nkeysweep: password set at 2")
    assert said[0].count("keysweep") == 1


def test_postgresql_says_at_once_that_an_administrator_is_not_let_in(postgres: Server) -> None:
    """A role that may not log in any more: nothing that passes, so that nobody waits until a deadline."""
    provider = provider_catalog.get("postgresql")
    old, shut = Secret(postgres.add_role("kept")), postgres.add_role("shut")
    with psycopg.connect(postgres.admin_uri, autocommit=True) as admin:
        admin.execute("ALTER ROLE shut NOLOGIN")
    assert provider.generate is not None
    assert provider.set_value is not None
    with pytest.raises(ProviderError) as refused:
        provider.set_value(Account(credential="db", settings={}, admin=Secret(shut)), old, provider.generate(old))
    assert refused.value.trouble is Trouble.REFUSED
