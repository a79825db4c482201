"""Redis: a real server is the witness, and redis-py an independent client of it."""

from __future__ import annotations

import hashlib
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from keysweep.rotation.providers.redis import probe, revoke, set_value
from keysweep.rotation.server_uri import with_new_password
from samples.servers.redis import Server, running_redis
from tests.fakes.canaries import forms
from tests.fakes.command_line import command
from tests.rotation.providers.whole import MODES, Given, stored

pytestmark = pytest.mark.xdist_group("redis")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A real server; every test makes a user of its own."""
    with running_redis() as started:
        yield started


def account(server: Server, **settings: str) -> Account:
    """Return an account that administers the server."""
    return Account(credential="cache", settings=settings, admin=Secret(server.admin_uri), timeout_s=5.0)


def live(connection: redis.Redis) -> bool:
    """Whether an open connection is still served."""
    connection.connection.retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
    try:
        connection.connection.send_command("PING")
        return connection.connection.read_response() in {b"PONG", "PONG"}
    except redis.ConnectionError:
        return False


def refused(server: Server, uri: str) -> bool:
    """Whether redis-py is told that the password is wrong."""
    try:
        server.login(uri).ping()
    except redis.AuthenticationError:
        return True
    return False


@pytest.mark.parametrize("mode", MODES, ids=["planned", "forced"])
def test_a_rotation_leaves_one_password_and_no_connection_of_the_old_one(
    mode: list[str], server: Server, tmp_path: Path
) -> None:
    """The agent holds the new value, the old one is refused, and a connection that it had opened is closed."""
    old = server.add_user(f"agent-{secrets.token_hex(4)}")
    store = stored(tmp_path, Given(provider="redis", value=old, admin=server.admin_uri, variable="REDIS_URL"))
    connection = server.login(old)
    assert live(connection)
    with store.agent() as held:
        store.rotate(*mode)
        assert held()["REDIS_URL"] == store.current_value() != old
    assert not live(connection)
    assert server.login(store.current_value()).ping()
    assert refused(server, old)


def test_a_rotation_that_is_rolled_back_leaves_the_old_password_alone(server: Server, tmp_path: Path) -> None:
    """The agent does not start on the new value: the user has its old password again, and the new one is taken from it."""
    name = f"picky-{secrets.token_hex(4)}"
    old = server.add_user(name)
    given = Given(provider="redis", value=old, admin=server.admin_uri, variable="REDIS_URL")
    store = stored(tmp_path, given, deadline_s=1.5, settle_s=0.4)
    digest = hashlib.sha256(old.encode()).hexdigest()
    script = f'[ "$(printf %s "$REDIS_URL" | sha256sum)" = "{digest}  -" ] || exit 3; exec sleep 600'
    with store.agent("sh", "-c", script) as held:
        ended = command(store.environ, store.folder, "rotate", "it", "--yes")
        assert ended.code == 4, ended.output
        assert held()["REDIS_URL"] == store.current_value() == old
    assert not refused(server, old)
    with server.login() as admin:
        assert len(admin.acl_getuser(name)["passwords"]) == 1


def test_both_passwords_work_until_the_old_one_is_revoked(server: Server) -> None:
    """Each call may be repeated; a connection that begins behind the revocation is not closed, nor one of another user."""
    old, other = Secret(server.add_user("overlap")), server.login(server.add_user("other"))
    new = with_new_password(old)
    for _ in range(2):
        set_value(account(server), old, new)
    assert [probe(account(server), value).liveness for value in (old, new)] == [Liveness.ALIVE] * 2
    revoke(account(server), None, old)
    connection = server.login(new.reveal_text())
    assert live(connection)
    with pytest.raises(ProviderError) as stuck:
        revoke(Account(credential="cache", settings={}, admin=new, timeout_s=5.0), None, old)
    assert stuck.value.trouble is Trouble.REFUSED
    assert live(connection)
    assert live(other)
    assert [probe(account(server), value).liveness for value in (old, new)] == [Liveness.DEAD, Liveness.ALIVE]


def test_the_server_writes_it_down(server: Server) -> None:
    """A restart brings neither the old password back nor loses the new one."""
    old = Secret(server.add_user("durable"))
    new = with_new_password(old)
    set_value(account(server), old, new)
    revoke(account(server), None, old)
    line = next(line for line in server.users.read_text().splitlines() if line.startswith("user durable "))
    assert line.count(" #") == 1
    assert hashlib.sha256(new.reveal_text().split(":")[2].split("@")[0].encode()).hexdigest() in line


def test_a_server_that_cannot_write_its_users_down_is_refused() -> None:
    """The old password would come back with its next start; unless somebody else keeps the users."""
    with running_redis(durable=False) as server:
        old = Secret(server.add_user("fleeting"))
        new = with_new_password(old)
        with pytest.raises(ProviderError) as refusal:
            set_value(account(server), old, new)
        assert refusal.value.trouble is Trouble.REJECTED
        assert probe(account(server), new).liveness is Liveness.DEAD
        set_value(account(server, persist="elsewhere"), old, new)
        assert probe(account(server), new).liveness is Liveness.ALIVE


def test_a_user_that_is_gone_is_success(server: Server) -> None:
    """The server closes its connections with it; but no new password can be given to it."""
    old = Secret(server.add_user("gone"))
    with server.login() as admin:
        admin.execute_command("ACL", "DELUSER", "gone")
    revoke(account(server), None, old)
    assert probe(account(server), old).liveness is Liveness.DEAD
    with pytest.raises(ProviderError) as missing:
        set_value(account(server), old, with_new_password(old))
    assert missing.value.trouble is Trouble.NOT_FOUND


def test_the_default_user_needs_no_name(server: Server) -> None:
    """`redis://:PASSWORD@HOST` is the user `default`."""
    password = server.admin_uri.split(":")[2].split("@")[0]
    value = f"redis://:{password}@127.0.0.1:{server.port}"
    assert probe(account(server), Secret(value)).liveness is Liveness.ALIVE
    assert probe(account(server), Secret(value.replace(password, "x" + password))).liveness is Liveness.DEAD


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", Liveness.DEAD, id="wrong"),
        pytest.param(b"-NOAUTH Authentication required.\r\n", Liveness.UNKNOWN, id="asked without a login"),
        pytest.param(b"-LOADING Redis is loading the dataset in memory\r\n", Liveness.UNKNOWN, id="starting"),
        pytest.param(b"-BUSY Redis is busy running a script.\r\n", Liveness.UNKNOWN, id="a script runs"),
        pytest.param(b"-READONLY You can't write against a read only replica.\r\n", Liveness.UNKNOWN, id="a replica"),
        pytest.param(b"-ERR unknown command 'AUTH'\r\n", Liveness.UNKNOWN, id="an older server"),
        pytest.param(b"-ERR WRONGPASS\r\n", Liveness.UNKNOWN, id="the word in another error"),
        pytest.param(b"HTTP/1.1 401 Unauthorized\r\n\r\n", Liveness.UNKNOWN, id="something else listens there"),
        pytest.param(b"", Liveness.UNKNOWN, id="the connection is closed"),
        pytest.param(b"$9999999999\r\n", Liveness.UNKNOWN, id="an answer without an end"),
        pytest.param(b"*1\r\n" * 3000, Liveness.UNKNOWN, id="an answer that nests"),
    ],
)
def test_only_the_servers_own_refusal_means_dead(answer: bytes, expected: Liveness) -> None:
    """Anything else is neither yes nor no."""
    with answering(answer) as port:
        value = Secret("redis://agent:" + secrets.token_urlsafe(16) + f"@127.0.0.1:{port}/0")
        alone = Account(credential="cache", settings={}, admin=None, timeout_s=2.0)
        assert probe(alone, value).liveness is expected


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    """The limit is for the whole call."""
    with answering(None) as port:
        value = Secret("redis://agent:" + secrets.token_urlsafe(16) + f"@127.0.0.1:{port}/0")
        quick = Account(credential="cache", settings={}, admin=None, timeout_s=0.2)
        assert probe(quick, value).code == "uncertain"
    away = Secret("redis://agent:" + secrets.token_urlsafe(16) + "@127.0.0.1:9/0")
    assert probe(quick, away).code == "busy"


def test_no_password_in_the_clear_where_the_value_asks_for_tls(server: Server) -> None:
    """This server has no TLS: the login does not fall back."""
    value = server.add_user("tls-only").replace("redis://", "rediss://")
    quick = Account(credential="cache", settings={}, admin=None, timeout_s=0.2)
    assert probe(quick, Secret(value)).liveness is Liveness.UNKNOWN


def test_errors_hold_no_password(server: Server) -> None:
    """Neither the message nor what it came from."""
    wrong, old = Secret(server.admin_uri.replace("default:", "default:x")), Secret(server.add_user("quiet"))
    with pytest.raises(ProviderError) as refusal:
        set_value(Account(credential="cache", settings={}, admin=wrong), old, with_new_password(old))
    assert refusal.value.trouble is Trouble.REFUSED
    assert refusal.value.__cause__ is None
    said = f"{refusal.value!r} {refusal.value.__context__!r}".encode()
    secret_part = wrong.reveal_text().split(":")[2].split("@")[0]
    assert [form for form, needle in forms(secret_part).items() if needle in said] == []


@contextmanager
def answering(said: bytes | None) -> Iterator[int]:
    """Answer one connection with the same bytes whatever it says, or with silence; yields the port."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            sock, _ = listening.accept()
            with sock:
                if said is None:
                    done.wait(5)
                    return
                sock.recv(4096)
                sock.sendall(said)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        done.set()
        thread.join(5)
