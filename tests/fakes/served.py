"""Servers as places where keys live: each kind has a user of its own there, and an administering one that can be refused."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable

import psycopg

from samples.servers import mariadb, moto, postgres, redis
from tests.fakes.vendors import Planted


class Postgres:
    """A role of a real PostgreSQL server, and one that administers it."""

    strangers: frozenset[str] = frozenset()

    def __init__(self, server: postgres.Server) -> None:
        self._server, self._role, self.settings = server, f"agent_{secrets.token_hex(4)}", dict[str, str]()
        self._admin = f"admin_{secrets.token_hex(4)}"

    def plant(self, name: str) -> Planted:
        return Planted(id="", value=self._server.add_role(self._role))

    def administrator(self) -> Planted | None:
        made = self._server.add_role(self._admin)
        self._do("SUPERUSER")
        return Planted(id="", value=made)

    def accepts(self, value: str) -> bool:
        try:
            psycopg.connect(value, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True

    def live(self, known: Iterable[str]) -> set[str]:
        return {self.id_of(value) for value in known if f"//{self._role}:" in value and self.accepts(value)}

    def id_of(self, value: str) -> str:
        return hashlib.sha256(value.encode()).hexdigest()

    def end(self, key_id: str) -> None:
        raise NotImplementedError

    def refuse_admins(self) -> Callable[[], None]:
        self._do("NOLOGIN")
        return lambda: self._do("LOGIN")

    def _do(self, change: str) -> None:
        with psycopg.connect(self._server.admin_uri, autocommit=True) as connection:
            connection.execute(f'ALTER ROLE "{self._admin}" {change}'.encode())


class Redis:
    """A user of a real Redis server, and one that administers it."""

    strangers: frozenset[str] = frozenset()

    def __init__(self, server: redis.Server) -> None:
        self._server, self._user, self.settings = server, f"agent-{secrets.token_hex(4)}", dict[str, str]()
        self._admin = f"admin-{secrets.token_hex(4)}"

    def plant(self, name: str) -> Planted:
        return Planted(id="", value=self._server.add_user(self._user))

    def administrator(self) -> Planted | None:
        made = self._server.add_user(self._admin)
        self._do("+@all")
        return Planted(id="", value=made)

    def accepts(self, value: str) -> bool:
        from redis.exceptions import AuthenticationError

        try:
            with self._server.login(value) as connection:
                return bool(connection.ping())
        except AuthenticationError:
            return False

    def live(self, known: Iterable[str]) -> set[str]:
        with self._server.login() as admin:
            return {str(one) for one in admin.acl_getuser(self._user)["passwords"]}

    def id_of(self, value: str) -> str:
        return hashlib.sha256(_password(value)).hexdigest()

    def end(self, key_id: str) -> None:
        raise NotImplementedError

    def refuse_admins(self) -> Callable[[], None]:
        self._do("off")
        return lambda: self._do("on")

    def _do(self, change: str) -> None:
        with self._server.login() as admin:
            admin.execute_command("ACL", "SETUSER", self._admin, change)


class Mariadb:
    """An account of a real MariaDB server, and one that administers it."""

    strangers: frozenset[str] = frozenset()

    def __init__(self, server: mariadb.Server) -> None:
        self._server, self._user, self.settings = server, f"agent_{secrets.token_hex(4)}", dict[str, str]()
        self._admin = f"admin_{secrets.token_hex(4)}"

    def plant(self, name: str) -> Planted:
        return Planted(id="", value=self._server.add_user(self._user))

    def administrator(self) -> Planted | None:
        made = self._server.add_user(self._admin)
        self._do(f"GRANT ALL PRIVILEGES ON *.* TO '{self._admin}'@'%'")
        return Planted(id="", value=made)

    def accepts(self, value: str) -> bool:
        import pymysql

        try:
            self._server.login(value).close()
        except pymysql.OperationalError as error:
            if error.args[0] != 1045:
                raise
            return False
        return True

    def live(self, known: Iterable[str]) -> set[str]:
        with self._server.login() as admin, admin.cursor() as cursor:
            cursor.execute("SELECT Priv FROM mysql.global_priv WHERE User = %s", (self._user,))
            first = json.loads(cursor.fetchone()[0])
        return {str((one or first)["authentication_string"]) for one in first.get("auth_or", [first])}

    def id_of(self, value: str) -> str:
        return "*" + hashlib.sha1(hashlib.sha1(_password(value)).digest()).hexdigest().upper()

    def end(self, key_id: str) -> None:
        raise NotImplementedError

    def refuse_admins(self) -> Callable[[], None]:
        self._do(f"ALTER USER '{self._admin}'@'%' ACCOUNT LOCK")
        return lambda: self._do(f"ALTER USER '{self._admin}'@'%' ACCOUNT UNLOCK")

    def _do(self, statement: str) -> None:
        with self._server.login() as admin, admin.cursor() as cursor:
            cursor.execute(statement)


class Aws:
    """A user of AWS as moto simulates it, and one that administers it."""

    strangers: frozenset[str] = frozenset()

    def __init__(self, server: moto.Server) -> None:
        self._server, self._user, self._admin = server, f"agent-{secrets.token_hex(4)}", f"admin-{secrets.token_hex(4)}"
        self._iam = server.client("iam")
        self._ids: dict[str, str] = {}
        self.settings = {"base_url": server.url, "user_name": self._user}

    def plant(self, name: str) -> Planted:
        return self._planted(self._server.add_user(self._user))

    def administrator(self) -> Planted | None:
        made = self._planted(self._server.add_user(self._admin))
        self._allow("Allow")
        return made

    def accepts(self, value: str) -> bool:
        from botocore.exceptions import ClientError

        key_id = self.id_of(value)
        if key_id is None:
            return False
        try:
            self._server.client("sts", moto.Pair(key_id, value)).get_caller_identity()
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidClientTokenId":
                raise
            return False
        return True

    def live(self, known: Iterable[str]) -> set[str]:
        keys = self._iam.list_access_keys(UserName=self._user)["AccessKeyMetadata"]
        return {key["AccessKeyId"] for key in keys if key["Status"] == "Active"}

    def id_of(self, value: str) -> str | None:
        """Return the id of a key that was planted, or of the one live key that signs with this value."""
        if value not in self._ids:
            for key_id in self.live(()):
                if key_id not in self._ids.values() and self._signs(key_id, value):
                    self._ids[value] = key_id
        return self._ids.get(value)

    def end(self, key_id: str) -> None:
        self._iam.delete_access_key(UserName=self._user, AccessKeyId=key_id)

    def refuse_admins(self) -> Callable[[], None]:
        self._allow("Deny")
        return lambda: self._allow("Allow")

    def _allow(self, effect: str) -> None:
        document = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": "*", "Resource": "*"}]}
        )
        self._iam.put_user_policy(UserName=self._admin, PolicyName="everything", PolicyDocument=document)

    def _signs(self, key_id: str, value: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._server.client("sts", moto.Pair(key_id, value)).get_caller_identity()
        except ClientError:
            return False
        return True

    def _planted(self, pair: moto.Pair) -> Planted:
        self._ids[pair.value] = pair.key_id
        return Planted(id=pair.key_id, value=pair.value)


def _password(uri: str) -> bytes:
    return uri.partition("://")[2].rpartition("@")[0].partition(":")[2].encode()
