"""MariaDB: a real server is the witness."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from keysweep.rotation.providers.mysql import PROVIDER, probe, revoke, set_value
from keysweep.rotation.server_uri import with_new_password
from samples.servers.mariadb import Server, running_mariadb
from tests.fakes.canaries import forms
from tests.rotation.providers.whole import MODES, Given, stored

pytestmark = pytest.mark.xdist_group("mariadb")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Server]:
    """A real server; every test makes an account of its own."""
    with running_mariadb() as server:
        yield server


def account(server: Server, **settings: str) -> Account:
    """Return an account that administers the server."""
    return Account(credential="db", settings=settings, admin=Secret(server.admin_uri), timeout_s=5.0)


def live(session: pymysql.Connection) -> bool:
    """Whether an open session is still served."""
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT 1")
    except pymysql.Error:
        return False
    return True


def let_in_by(server: Server, user: str) -> str:
    """Return what the server says an account is let in by."""
    with server.login() as admin, admin.cursor() as cursor:
        cursor.execute("SELECT Priv FROM mysql.global_priv WHERE User = %s", (user,))
        return str(cursor.fetchall())


@pytest.mark.parametrize("mode", MODES, ids=["planned", "forced"])
def test_a_rotation_leaves_one_password_and_no_session_of_the_old_one(
    mode: list[str], mariadb: Server, tmp_path: Path
) -> None:
    """The agent holds the new value, the old one is refused, and a session that it had opened is closed."""
    old = mariadb.add_user(f"agent_{secrets.token_hex(4)}")
    store = stored(tmp_path, Given(provider="mysql", value=old, admin=mariadb.admin_uri, variable="DATABASE_URL"))
    session = mariadb.login(old)
    with store.agent() as held:
        store.rotate(*mode)
        assert held()["DATABASE_URL"] == store.current_value() != old
    assert not live(session)
    assert live(mariadb.login(store.current_value()))
    with pytest.raises(pymysql.OperationalError) as refused:
        mariadb.login(old)
    assert refused.value.args[0] == 1045


def test_both_passwords_work_until_the_old_one_is_revoked(mariadb: Server) -> None:
    """Each call may be repeated; a session that begins behind the revocation is not ended, and no statement holds a password."""
    old = Secret(mariadb.add_user("overlap"))
    new = with_new_password(old)
    for _ in range(2):
        set_value(account(mariadb), old, new)
    assert [probe(account(mariadb), value).liveness for value in (old, new)] == [Liveness.ALIVE] * 2
    revoke(account(mariadb), None, old)
    session = mariadb.login(new.reveal_text())
    with pytest.raises(ProviderError) as stuck:
        revoke(Account(credential="db", settings={}, admin=new), None, old)
    assert stuck.value.trouble is Trouble.REFUSED
    assert live(session)
    assert [probe(account(mariadb), value).liveness for value in (old, new)] == [Liveness.DEAD, Liveness.ALIVE]
    password = new.reveal_text().split(":")[2].split("@")[0]
    statements = mariadb.log.read_bytes()
    assert b"ALTER USER 'overlap'@'%'" in statements
    assert [form for form, needle in forms(password).items() if needle in statements] == []


def test_what_else_an_account_is_let_in_by_stays(mariadb: Server) -> None:
    """A socket login of the same account is nobody's password; another password method would keep the old one alive."""
    old = Secret(mariadb.add_user("mixed"))
    password = old.reveal_text().split(":")[2].split("@")[0]
    with mariadb.login() as admin, admin.cursor() as cursor:
        cursor.execute(
            "ALTER USER mixed@'%%' IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD(%s)", (password,)
        )
    new = with_new_password(old)
    set_value(account(mariadb), old, new)
    revoke(account(mariadb), None, old)
    assert let_in_by(mariadb, "mixed").count("unix_socket") == 1
    assert let_in_by(mariadb, "mixed").count("mysql_native_password") == 1
    assert [probe(account(mariadb), value).liveness for value in (old, new)] == [Liveness.DEAD, Liveness.ALIVE]


def test_an_account_whose_only_password_is_revoked_lets_nobody_in(mariadb: Server) -> None:
    """Containment without a new value: not even an empty password is accepted."""
    old = Secret(mariadb.add_user("contained"))
    for _ in range(2):
        revoke(account(mariadb), None, old)
    assert probe(account(mariadb), old).liveness is Liveness.DEAD
    with pytest.raises(pymysql.OperationalError):
        pymysql.connect(host="127.0.0.1", port=mariadb.port, user="contained", ssl_disabled=True)


def test_only_a_refused_password_is_dead(mariadb: Server) -> None:
    """Locked, nobody listening, an anonymous user who is let in instead: none of them says that the password is wrong."""
    value = mariadb.add_user("careful")
    alone = Account(credential="db", settings={}, admin=None, timeout_s=2.0)
    wrong = value.replace("careful:", "careful:x")
    away = value.replace(f":{mariadb.port}/", ":9/")
    stranger = f"mysql://never_there:@127.0.0.1:{mariadb.port}/".replace(":@", ":%20@")
    with mariadb.login() as admin, admin.cursor() as cursor:
        assert probe(alone, Secret(wrong)).code == "1045"
        assert probe(alone, Secret(wrong)).liveness is Liveness.DEAD
        assert probe(alone, Secret(away)).liveness is Liveness.UNKNOWN
        assert probe(alone, Secret("mysql://no-password@host/")).liveness is Liveness.UNKNOWN
        cursor.execute("ALTER USER careful ACCOUNT LOCK")
        assert probe(alone, Secret(value)).liveness is Liveness.UNKNOWN
        cursor.execute("CREATE USER ''@'%%' IDENTIFIED BY ' '")
        try:
            assert probe(alone, Secret(stranger)).code == "anonymous"
        finally:
            cursor.execute("DROP USER ''@'%%'")


def test_a_user_of_several_hosts_is_not_guessed(mariadb: Server) -> None:
    """The setting names the one that is meant; the other keeps its password."""
    old = Secret(mariadb.add_user("twice"))
    mariadb.add_user("twice", "10.0.0.%")
    with pytest.raises(ProviderError) as refused:
        set_value(account(mariadb), old, with_new_password(old))
    assert refused.value.trouble is Trouble.REJECTED
    set_value(account(mariadb, account_host="%"), old, with_new_password(old))
    assert let_in_by(mariadb, "twice").count("auth_or") == 1


def test_an_administering_account_that_cannot_see_sessions_is_refused(mariadb: Server) -> None:
    """Without PROCESS the sessions of the old password would be missed without a word; nothing is changed."""
    half, old = mariadb.add_user("half_admin"), Secret(mariadb.add_user("watched"))
    with mariadb.login() as admin, admin.cursor() as cursor:
        cursor.execute("GRANT CREATE USER, CONNECTION ADMIN ON *.* TO half_admin")
        cursor.execute("GRANT SELECT ON mysql.* TO half_admin")
    before = let_in_by(mariadb, "watched")
    with pytest.raises(ProviderError) as refused:
        set_value(Account(credential="db", settings={}, admin=Secret(half)), old, with_new_password(old))
    assert refused.value.trouble is Trouble.REFUSED
    assert let_in_by(mariadb, "watched") == before
    with mariadb.login() as admin, admin.cursor() as cursor:
        cursor.execute("GRANT PROCESS ON *.* TO half_admin")
    set_value(Account(credential="db", settings={}, admin=Secret(half)), old, with_new_password(old))


def test_no_connection_in_the_clear_where_the_value_asks_for_tls(mariadb: Server) -> None:
    """This server has no TLS: the login does not fall back."""
    value = Secret(mariadb.add_user("tls_only") + "?ssl-mode=REQUIRED")
    assert probe(account(mariadb), value).liveness is Liveness.UNKNOWN


def test_errors_hold_no_password(mariadb: Server) -> None:
    """Neither the message nor what it came from."""
    wrong = Secret(mariadb.admin_uri.replace("root:", "root:x"))
    old = Secret(mariadb.add_user("quiet"))
    with pytest.raises(ProviderError) as refused:
        set_value(Account(credential="db", settings={}, admin=wrong), old, with_new_password(old))
    assert refused.value.trouble is Trouble.REFUSED
    assert refused.value.__cause__ is None
    said = f"{refused.value!r} {refused.value.__context__!r}".encode()
    secret_part = wrong.reveal_text().split(":")[2].split("@")[0]
    assert [form for form, needle in forms(secret_part).items() if needle in said] == []
    assert PROVIDER.facts.old_dies_on_set is False
