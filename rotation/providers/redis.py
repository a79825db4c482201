"""Redis users (ACL, Redis 6 or newer): we choose the password, and for a while the user has both.

The server gets SHA-256 hashes only, as it keeps them itself.  Open connections outlive their password, and the server does not say
which one opened them: `revoke` takes the old one away and then closes every connection that began before; agents on the new one
connect again.  ACLs live in memory: they are written to the server's ACL file or configuration each time, else the old password
would come back with the next start; a server that can do neither is refused unless the setting `persist=elsewhere` says that
somebody else keeps them.  A value is `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://` over TLS; without a user it is
that of `default`.  Each node of a cluster has ACLs of its own, and only the one that is named is served.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Facts, Kind, Liveness, Provider, ProviderError, Trouble, Verdict
from keysweep.rotation.resp import Connection, Reply, ServerError, connected
from keysweep.rotation.server_uri import ServerUri, administering, read, with_new_password

_SCHEMES = ("redis", "rediss")
_WRONG_PASSWORD = "WRONGPASS"  # noqa: S105  an error code of Redis
_REFUSED = frozenset({_WRONG_PASSWORD, "NOAUTH", "NOPERM"})
_BUSY = frozenset({"LOADING", "BUSY", "MASTERDOWN", "READONLY", "TRYAGAIN", "OOM"})
_CLIENT = re.compile(r"\bid=(\d+) .*\buser=(\S+)")


def probe(account: Account, secret: Secret) -> Verdict:
    """Log in: a PONG is alive, `WRONGPASS` is dead; `NOAUTH`, `LOADING`, `BUSY` and anything else is unknown."""
    try:
        wanted = read(secret, *_SCHEMES)
        with _connected(wanted, account.timeout_s) as connection:
            _log_in(connection, wanted)
            if connection.command("ACL", "WHOAMI") != _user(wanted):
                return Verdict(liveness=Liveness.UNKNOWN, code="anonymous")
    except ServerError as error:
        if error.code == "NOPERM":
            return Verdict(liveness=Liveness.ALIVE, code="NOPERM")  # logged in, and may not ask who it is
        dead = error.code == _WRONG_PASSWORD
        return Verdict(liveness=Liveness.DEAD if dead else Liveness.UNKNOWN, code=error.code)
    except ProviderError as error:
        return Verdict(liveness=Liveness.UNKNOWN, code=error.trouble.value)
    return Verdict(liveness=Liveness.ALIVE, code="login")


def set_value(account: Account, old: Secret, new: Secret) -> None:  # noqa: ARG001  the user keeps it beside the new one
    """Add the new password to what the user is let in by."""
    wanted = read(new, *_SCHEMES)
    with _administering(account) as connection:
        _persist(connection, account)  # before anything changes: a server that cannot is refused
        if _facts(connection, wanted) is None:
            msg = "the server has no such user"
            raise ProviderError(msg, trouble=Trouble.NOT_FOUND)
        connection.command("ACL", "SETUSER", _user(wanted), f"#{_digest(wanted)}")
        _persist(connection, account)


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  a user has no key id
    """Take the password from the user, then close every connection that may have been opened with it."""
    if not secret:
        return
    gone = read(secret, *_SCHEMES)
    with _administering(account) as connection:
        if (passwords := _facts(connection, gone)) is None:
            return  # nor has it a connection: the server closes them with the user
        if _digest(gone) in passwords:
            connection.command("ACL", "SETUSER", _user(gone), f"!{_digest(gone)}")
            _persist(connection, account)
    with _administering(account) as connection:  # every connection with a lower number than this one began before that
        own = connection.command("CLIENT", "ID")
        for number, user in _CLIENT.findall(str(connection.command("CLIENT", "LIST"))):
            if user == _user(gone) and int(number) < int(str(own)):
                connection.command("CLIENT", "KILL", "ID", number)


def _facts(connection: Connection, uri: ServerUri) -> list[str] | None:
    """Return the hashes of a user's passwords, None for a user that is not there."""
    match connection.command("ACL", "GETUSER", _user(uri)):
        case None:
            return None
        case [*parts]:
            found: dict[str, Reply] = {str(name): value for name, value in zip(parts[::2], parts[1::2], strict=True)}
            passwords = found.get("passwords")
            if isinstance(passwords, list):
                return [str(one) for one in passwords]
        case _:
            pass
    msg = "what the server says of the user is not what Redis documents"
    raise ProviderError(msg, trouble=Trouble.UNREADABLE)


def _persist(connection: Connection, account: Account) -> None:
    """Have the server write its ACLs down."""
    if account.settings.get("persist") == "elsewhere":
        return
    for words in (("ACL", "SAVE"), ("CONFIG", "REWRITE")):
        try:
            connection.command(*words)
        except ServerError as error:
            if error.code in _REFUSED | _BUSY:
                raise
        else:
            return
    msg = "the server cannot write its ACLs down: the old password would come back with its next start"
    raise ProviderError(msg, trouble=Trouble.REJECTED)


@contextmanager
def _administering(account: Account) -> Iterator[Connection]:
    uri = read(administering(account), *_SCHEMES)
    try:
        with _connected(uri, account.timeout_s) as connection:
            _log_in(connection, uri)
            yield connection
    except ServerError as error:
        if error.code in _REFUSED:
            msg, trouble = "the administering user may not do this", Trouble.REFUSED
        elif error.code in _BUSY:
            msg, trouble = f"the server is busy ({error.code})", Trouble.BUSY
        else:
            msg, trouble = f"the server refused ({error.code})", Trouble.REJECTED
        raise ProviderError(msg, trouble=trouble) from None


@contextmanager
def _connected(uri: ServerUri, timeout_s: float) -> Iterator[Connection]:
    tls = None
    try:
        if uri.scheme == "rediss":
            tls = ssl.create_default_context(cafile=uri.options.get("ssl_ca_certs"))
            if "ssl_certfile" in uri.options:
                tls.load_cert_chain(uri.options["ssl_certfile"], uri.options.get("ssl_keyfile"))
    except OSError:
        msg = "the certificates that the URI names cannot be read"
        raise ProviderError(msg, trouble=Trouble.REJECTED) from None
    with connected(uri.host, uri.port or 6379, timeout_s=timeout_s, tls=tls) as connection:
        yield connection


def _log_in(connection: Connection, uri: ServerUri) -> None:
    connection.command("AUTH", _user(uri), uri.password)


def _user(uri: ServerUri) -> str:
    return uri.user or "default"


def _digest(uri: ServerUri) -> str:
    """Return what the server keeps of a password."""
    return hashlib.sha256(uri.password.encode()).hexdigest()


PROVIDER = Provider(
    title="Redis (ACL users)",
    facts=Facts(
        kind=Kind.SET_VALUE,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(0),
        needs_admin=True,
        tag_limit=0,
        proven_on="a real Redis server (7.0)",
    ),
    probe=probe,
    generate=with_new_password,
    set_value=set_value,
    revoke=revoke,
)
