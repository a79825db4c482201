"""PostgreSQL roles: we choose the password, so a lost answer is simply repeated.

One password a role, so the old one dies for new sessions in the very call that sets the new one.  Sessions that are open go on:
`revoke` ends those that began before the password was changed.  The moment of the change is kept in the role's comment, on the
server and below what stands there, so that a repeated `revoke` after a crash ends the same sessions and not those that logged in with the new password.
A stored value is a URI `postgresql://role:password@host:port/database`; the administering one is a URI of a role that may alter it.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Facts, Kind, Liveness, Provider, ProviderError, Trouble, Verdict
from keysweep.rotation.scram import verifier

_URI = re.compile(
    r"(?P<scheme>postgres(?:ql)?(?:\+\w+)?)://(?P<role>[^:@/]+):(?P<password>[^@]+)@(?P<host>[^/?]+)(?P<rest>.*)",
    re.DOTALL,
)
_WRONG_PASSWORD = "28P01"  # noqa: S105  an error code of PostgreSQL
_NO_ENTRY = ("password authentication failed", "is not permitted to log in", "no pg_hba.conf entry")
"""How a server words that it lets somebody not in: the driver gives no code for a connection that was not made."""
_TIMEOUT_S = 5
_CONNECTION = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "target_session_attrs"})
"""What a URI may ask of the connection: dropping `sslmode` would send a login in the clear."""
_MARK = "keysweep: password set at "


def probe(account: Account, secret: Secret) -> Verdict:
    """Log in: success is alive, `28P01` (password refused) is dead, anything else is unknown."""
    import psycopg

    try:
        with _login(secret, account.timeout_s) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        code = error.sqlstate or _code_in(str(error))
        dead = code == _WRONG_PASSWORD
        return Verdict(liveness=Liveness.DEAD if dead else Liveness.UNKNOWN, code=code or "no-connection")
    except psycopg.Error as error:
        return Verdict(liveness=Liveness.UNKNOWN, code=error.sqlstate or "error")
    return Verdict(liveness=Liveness.ALIVE, code="login")


def generate(current: Secret) -> Secret:
    """Return the same URI with a new random password of 43 URL-safe characters (256 bits)."""
    found = _parse(current)
    password = secrets.token_urlsafe(32)
    return Secret(f"{found['scheme']}://{found['role']}:{password}@{found['host']}{found['rest']}")


def set_value(account: Account, old: Secret, new: Secret) -> None:  # noqa: ARG001  the role has one password, whatever it was
    """Give the role the new password, as a verifier, unless it has it already; and note the moment.

    No agent has the new password yet when this runs or runs again, so every session that began before the noted moment is one of
    the old password.
    """
    import psycopg

    found = _parse(new)
    role = unquote(found["role"])
    name = _quoted(role)
    is_set = probe(account, new).liveness is Liveness.ALIVE
    try:
        with _login(_admin(account), account.timeout_s) as connection:
            if not is_set:
                secret = verifier(unquote(found["password"]).encode())
                connection.execute(f"ALTER ROLE {name} PASSWORD '{secret}'")
            _note_moment(connection, role)
    except psycopg.Error as error:
        raise _trouble(error) from None


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  a role has no key id
    """End the sessions that the old password opened."""
    import psycopg

    if not secret:
        return
    role = unquote(_parse(secret)["role"])
    try:
        with _login(_admin(account), account.timeout_s) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.rolname = a.usename "
                "WHERE a.usename = %s AND a.pid <> pg_backend_pid() AND a.backend_start < "
                "substring(shobj_description(r.oid, 'pg_authid') from %s)::timestamptz",
                (role, f"{_MARK}([^\n]*)"),
            )
    except psycopg.Error as error:
        raise _trouble(error) from None


def _note_moment(connection: Any, role: str) -> None:
    """Note in the role's comment when the password was set: in place of our earlier note, below what the operator wrote there."""
    statement = connection.execute(
        "SELECT format('COMMENT ON ROLE %%I IS %%L', rolname, concat_ws(E'\\n', nullif(regexp_replace("
        "coalesce(shobj_description(oid, 'pg_authid'), ''), %s, '', 'g'), ''), %s || clock_timestamp()::text)) "
        "FROM pg_roles WHERE rolname = %s",
        (f"\n?{_MARK}[^\n]*", _MARK, role),
    ).fetchone()
    if statement is not None:
        connection.execute(statement[0])


def _login(uri: Secret, timeout_s: float) -> Any:
    """Connect afresh; keyword arguments, so that no connection string is ever in an error."""
    import psycopg

    found = _parse(uri)
    host, _, port = found["host"].rpartition(":") if ":" in found["host"] else (found["host"], "", "5432")
    path, _, query = found["rest"].partition("?")
    asked: dict[str, Any] = {name: value for name, value in parse_qsl(query) if name in _CONNECTION}
    return psycopg.connect(
        host=host,
        port=int(port) if port.isdecimal() else 5432,
        user=unquote(found["role"]),
        password=unquote(found["password"]),
        dbname=unquote(path.strip("/")) or "postgres",
        connect_timeout=max(int(min(timeout_s, _TIMEOUT_S)), 2),
        application_name="keysweep",
        autocommit=True,
        **asked,
    )


def _parse(uri: Secret) -> dict[str, str]:
    found = _URI.fullmatch(uri.reveal_text())
    if not found:
        msg = "the stored value is no PostgreSQL URI with a password"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return found.groupdict()


def _admin(account: Account) -> Secret:
    if account.admin is None:
        msg = "no administering role"
        raise ProviderError(msg, trouble=Trouble.REFUSED)
    return account.admin


def _quoted(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'


def _code_in(message: str) -> str:
    """Libpq gives no code for a refused login; it quotes the server's sentence, which is fixed English here."""
    return _WRONG_PASSWORD if "password authentication failed" in message else ""


def _trouble(error: Any) -> ProviderError:
    import psycopg

    code = error.sqlstate or ""
    if code in {"42501", "28000", _WRONG_PASSWORD} or any(text in str(error) for text in _NO_ENTRY):
        return ProviderError("the administering role may not do this", trouble=Trouble.REFUSED)
    if isinstance(error, psycopg.OperationalError):
        return ProviderError("no connection to the database server", trouble=Trouble.UNCERTAIN)
    return ProviderError(f"the database server refused (SQLSTATE {code})", trouble=Trouble.REJECTED)


PROVIDER = Provider(
    title="PostgreSQL (role passwords)",
    facts=Facts(
        kind=Kind.SET_VALUE,
        max_live_keys=1,
        disable_reversible=False,
        old_dies_on_set=True,
        revocation_window=timedelta(0),
        needs_admin=True,
        tag_limit=0,
        proven_on="a real PostgreSQL server",
    ),
    probe=probe,
    generate=generate,
    set_value=set_value,
    revoke=revoke,
)
