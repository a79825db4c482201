"""MariaDB accounts: we choose the password, and for a while the account has both, by methods that are joined with OR.

The server gets hashes only, so that no log of statements holds a password.  Open sessions outlive their password, and the server
does not say which one opened them: `revoke` takes the old one away and then ends every session that began before; agents on the
new one log in again.  Other methods of the account (`unix_socket`, `pam`) stay, other password methods (`ed25519`) go with the old.
A value is `mysql://USER:PASSWORD@HOST:PORT/DATABASE`, as the scanner's rule for both servers calls it.  A MySQL server is refused:
its statements differ.  Settings: `account_host` where the user has accounts for several hosts (`%`, `10.0.%`), of which the others
are not changed.  The administering account needs CREATE USER, PROCESS, CONNECTION ADMIN and SELECT on `mysql.global_priv`.
On a cluster, sessions at other nodes are not ended.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Facts, Kind, Liveness, Provider, ProviderError, Trouble, Verdict
from keysweep.rotation.server_uri import ServerUri, administering, read, with_new_password

_SCHEMES = ("mysql", "mariadb")
_WRONG_PASSWORD = frozenset({1045, 1698})
"""Access denied; the second one where the last method that was tried takes no password."""
_REFUSED = _WRONG_PASSWORD | {1044, 1142, 1227, 4151}
_BUSY = frozenset({1040, 1053, 1203, 2003})
"""Too many connections, going down, nobody listens: nothing was done."""
_LOST = frozenset({2006, 2013, 2014, 2055})
_NO_SUCH_SESSION = 1094
_NATIVE = "mysql_native_password"
_PASSWORDS = frozenset({_NATIVE, "mysql_old_password", "ed25519", "caching_sha2_password", "sha256_password", "parsec"})
_PLUGIN = re.compile(r"\w+")
_END_S = 2.0
"""For sessions to end once they are told to."""


class _Method(NamedTuple):
    """One way to log in to an account."""

    plugin: str
    digest: str


_NOBODYS = _Method(_NATIVE, "invalid")
"""What the server takes for a password that no input fits: for an account that is let in by nothing else."""


class _Name(NamedTuple):
    """One account."""

    user: str
    host: str


def probe(account: Account, secret: Secret) -> Verdict:
    """Log in: success as that user is alive, errors 1045 and 1698 (access denied) are dead, anything else is unknown."""
    import pymysql

    try:
        wanted = read(secret, *_SCHEMES)
        with _login(wanted, account.timeout_s) as cursor:
            cursor.execute("SELECT CURRENT_USER()")
            user = str(cursor.fetchone()[0]).rpartition("@")[0]
    except ProviderError as error:
        return Verdict(liveness=Liveness.UNKNOWN, code=error.trouble.value)
    except (pymysql.Error, OSError, ValueError) as error:
        code = _code(error)
        return Verdict(
            liveness=Liveness.DEAD if code in _WRONG_PASSWORD else Liveness.UNKNOWN, code=str(code or "no-connection")
        )
    if user != wanted.user:
        return Verdict(liveness=Liveness.UNKNOWN, code="anonymous")  # whoever has no password gets in, too
    return Verdict(liveness=Liveness.ALIVE, code="login")


def set_value(account: Account, old: Secret, new: Secret) -> None:  # noqa: ARG001  the account keeps it beside the new one
    """Add the new password to what the account is let in by."""
    wanted = read(new, *_SCHEMES)
    with _administering(account) as cursor:
        _may_see_sessions(cursor)
        name = _named(cursor, account, wanted.user)
        before = _methods(cursor, name)
        if (added := _of(wanted)) not in before:
            _let_in_by(cursor, name, [added, *(one for one in before if one != _NOBODYS)])


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  an account has no key id
    """Take the password from the account, then end every session that may have been opened with it."""
    if not secret:
        return
    wanted = read(secret, *_SCHEMES)
    with _administering(account) as cursor:
        _may_see_sessions(cursor)
        name = _named(cursor, account, wanted.user)
        before = _methods(cursor, name)
        gone = _of(wanted)
        kept = [one for one in before if one != gone and (one.plugin == _NATIVE or one.plugin not in _PASSWORDS)]
        if kept != before:
            _let_in_by(cursor, name, kept or [_NOBODYS])
    with _administering(account) as cursor:  # every session with a lower number than this one began before that
        _end_sessions(cursor, wanted.user)


def _end_sessions(cursor: Any, user: str) -> None:
    import pymysql

    cursor.execute("SELECT CONNECTION_ID()")
    own = int(cursor.fetchone()[0])
    until = time.monotonic() + _END_S
    while True:
        cursor.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s AND ID < %s", (user, own))
        open_ones = [int(number) for (number,) in cursor.fetchall()]
        if not open_ones:
            return
        if time.monotonic() > until:
            msg = f"{len(open_ones)} sessions of the old password do not end"
            raise ProviderError(msg, trouble=Trouble.UNCERTAIN)
        for number in open_ones:
            try:
                cursor.execute("KILL CONNECTION %s", (number,))
            except pymysql.Error as error:
                if _code(error) != _NO_SUCH_SESSION:
                    raise
        time.sleep(0.02)


def _named(cursor: Any, account: Account, user: str) -> _Name:
    """Return the account that the value is for.

    Raises:
        ProviderError: it cannot be told, or there is none.
    """
    cursor.execute("SELECT VERSION()")
    if "MariaDB" not in str(cursor.fetchone()[0]):
        msg = "the server is not MariaDB"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    cursor.execute("SELECT Host FROM mysql.global_priv WHERE User = %s ORDER BY Host", (user,))
    hosts = [str(host) for (host,) in cursor.fetchall()]
    if (stated := account.settings.get("account_host")) is not None:
        hosts = [host for host in hosts if host == stated]
    if len(hosts) != 1:
        msg = f"the server has {len(hosts)} accounts for that user; the setting account_host says which"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return _Name(user, hosts[0])


def _methods(cursor: Any, name: _Name) -> list[_Method]:
    """Return what an account is let in by, in the server's order."""
    cursor.execute("SELECT Priv FROM mysql.global_priv WHERE User = %s AND Host = %s", name)
    match json.loads(cursor.fetchone()[0]):
        case {"auth_or": [*several], **first}:
            found = [one or first for one in several]  # an empty one stands for the first
        case only:
            found = [only]
    methods = [_Method(str(one.get("plugin", "")), str(one.get("authentication_string", ""))) for one in found]
    if not all(_PLUGIN.fullmatch(one.plugin) for one in methods):
        msg = "the account has no method to log in by that can be read"
        raise ProviderError(msg, trouble=Trouble.UNREADABLE)
    return methods


def _let_in_by(cursor: Any, name: _Name, methods: Sequence[_Method]) -> None:
    clauses = " OR ".join(f"{one.plugin} USING %s" if one.digest else one.plugin for one in methods)
    digests = [one.digest for one in methods if one.digest]
    cursor.execute(f"ALTER USER %s@%s IDENTIFIED VIA {clauses}", (*name, *digests))


def _may_see_sessions(cursor: Any) -> None:
    """Without PROCESS a list of sessions is silently one's own.

    Raises:
        ProviderError: the administering account lacks it.
    """
    cursor.execute("SHOW GRANTS")
    grants = [str(row[0]).partition(" ON *.* ") for row in cursor.fetchall()]
    if not any(rest and re.search(r"\bPROCESS\b|\bALL PRIVILEGES\b", rights) for rights, rest, _ in grants):
        msg = "the administering account lacks PROCESS and cannot see sessions"
        raise ProviderError(msg, trouble=Trouble.REFUSED)


def _of(uri: ServerUri) -> _Method:
    return _Method(_NATIVE, _digest(uri.password.encode()))


def _digest(password: bytes) -> str:
    """Return what the server keeps of a password; the protocol is built on SHA-1."""
    return "*" + hashlib.sha1(hashlib.sha1(password).digest()).hexdigest().upper()  # noqa: S324  as the server does


@contextmanager
def _administering(account: Account) -> Iterator[Any]:
    import pymysql

    try:
        with _login(read(administering(account), *_SCHEMES), account.timeout_s) as cursor:
            yield cursor
    except (pymysql.Error, OSError, ValueError) as error:
        code = _code(error)
        if code in _REFUSED:
            msg, trouble = "the administering account may not do this", Trouble.REFUSED
        elif code in _BUSY:
            msg, trouble = "no connection to the database server", Trouble.BUSY
        elif code in _LOST or code is None:
            msg, trouble = "the connection to the database server was lost", Trouble.UNCERTAIN
        else:
            msg, trouble = f"the database server refused (error {code})", Trouble.REJECTED
        raise ProviderError(msg, trouble=trouble) from None


@contextmanager
def _login(uri: ServerUri, timeout_s: float) -> Iterator[Any]:
    """Connect afresh: encrypted where the server can, and always where the URI asks for it."""
    import pymysql

    connection = pymysql.connect(
        host=uri.host,
        port=uri.port or 3306,
        user=uri.user,
        password=uri.password,
        connect_timeout=timeout_s,
        read_timeout=timeout_s,
        write_timeout=timeout_s,
        autocommit=True,
        program_name="keysweep",
        ssl=_encryption(uri),
    )
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def _encryption(uri: ServerUri) -> ssl.SSLContext | None:
    """Return what the URI asks of the connection; None leaves it to the server."""
    options = {name.replace("-", "_"): value for name, value in uri.options.items()}
    authority, mode = options.get("ssl_ca"), options.get("ssl_mode", options.get("sslmode", "")).lower()
    mode = mode.replace("-", "_") or ("verify_ca" if authority else "")
    if mode in {"", "preferred", "prefer", "disabled", "disable"} and not authority and "ssl_cert" not in options:
        return None
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = mode in {"verify_identity", "verify_full"}
    if mode not in {"verify_ca", "verify_identity", "verify_full"}:
        context.verify_mode = ssl.CERT_NONE
    if "ssl_cert" in options:
        context.load_cert_chain(options["ssl_cert"], options.get("ssl_key"))
    return context


def _code(error: BaseException) -> int | None:
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) and first > 1000 else None


PROVIDER = Provider(
    title="MariaDB (account passwords)",
    facts=Facts(
        kind=Kind.SET_VALUE,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(0),
        needs_admin=True,
        tag_limit=0,
        proven_on="a real MariaDB server (10.11)",
    ),
    probe=probe,
    generate=with_new_password,
    set_value=set_value,
    revoke=revoke,
)
