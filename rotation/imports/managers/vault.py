"""HashiCorp Vault and OpenBao, KV version 2 or 1: every secret below a path, by its fields, in its newest version.

Address and token are those of the `vault` program (`VAULT_ADDR`, `VAULT_TOKEN` or `~/.vault-token`).  Nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from keysweep.foundation.clock import from_text
from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.rotation.imports import Left, Manager, Placed, Reason
from keysweep.rotation.imports.fields import fields_in
from keysweep.rotation.inventory import ImportRowError

_SECONDS = 20
_DEEPEST = 32
_MOST = 100_000


def _read(where: str) -> Iterator[Placed]:
    mount, _, below = where.strip("/").partition("/")
    if not mount:
        msg = "vault: needs the mount of a KV engine"
        raise UsageError(msg, hint="keysweep keys import vault:secret")
    client = _client()
    import hvac.exceptions
    import requests

    try:
        yield from _Reader(client, mount).below(below)
    except (hvac.exceptions.VaultError, requests.RequestException) as error:
        raise _failure(error) from None


class _Reader:
    """One KV engine.

    Args:
        client: of hvac.
        mount: where the engine is.
    """

    def __init__(self, client: Any, mount: str) -> None:
        self._client = client
        self._mount = mount
        self._engine = client.secrets.kv.v2 if self._version() == "2" else client.secrets.kv.v1
        self._seen = 0

    def below(self, path: str) -> Iterator[Placed]:
        """Yield what is in the secret of a path and in all folders below it; each folder is asked for once."""
        waiting = [(path, 0)]
        if path:
            # NOTE: a path may be a secret and a folder; whoever may read what is in the folder need not read the secret.
            own = list(self._secret(path))
            yield from (item for item in own if not isinstance(item[1], ImportRowError) or not self._names(path))
        while waiting:
            folder, depth = waiting.pop()
            for name in self._names(folder):
                full = f"{folder.rstrip('/')}/{name}".lstrip("/")
                self._seen += 1
                if depth > _DEEPEST or self._seen > _MOST:
                    msg = f"vault holds too much below {self._mount}"
                    raise UsageError(msg, hint="import a folder at a time: keysweep keys import vault:secret/FOLDER")
                if name.endswith("/"):
                    waiting.append((full, depth + 1))
                else:
                    yield from self._secret(full)

    def _version(self) -> str:
        """Ask which version the engine has, in the way that every token may; a server that does not tell has version 2."""
        import hvac.exceptions

        try:
            answer = self._client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._mount}")
        except hvac.exceptions.VaultError as error:
            if isinstance(error, hvac.exceptions.Forbidden):
                raise
            return "2"
        options = answer.get("data", {}).get("options") or {}
        return str(options.get("version", "1"))

    def _names(self, folder: str) -> list[str]:
        import hvac.exceptions

        try:
            answer = self._engine.list_secrets(path=folder, mount_point=self._mount)
        except hvac.exceptions.InvalidPath:
            return []
        return sorted(str(name) for name in answer["data"]["keys"])

    def _secret(self, path: str) -> Iterator[Placed]:
        import hvac.exceptions

        name = path
        try:
            answer = self._ask(path)
        except hvac.exceptions.InvalidPath as error:
            # NOTE: a deleted version answers 404 with its metadata; a path that is only a folder answers without.
            body = error.json if isinstance(error.json, dict) else {}
            if (body.get("data") or {}).get("metadata"):
                yield name, Left(name=name, reason=Reason.ARCHIVED)
            return
        except hvac.exceptions.Forbidden:
            yield name, ImportRowError("the token may not read this secret")
            return
        data = answer["data"]
        if "metadata" in data and "data" in data:
            yield from fields_in(name, _as_text(data["data"]), created_at=_moment(data["metadata"].get("created_time")))
        else:
            yield from fields_in(name, _as_text(data))

    def _ask(self, path: str) -> Any:
        if self._engine is self._client.secrets.kv.v2:
            return self._engine.read_secret_version(path=path, mount_point=self._mount, raise_on_deleted_version=True)
        return self._engine.read_secret(path=path, mount_point=self._mount)


def _as_text(tree: object) -> object:
    """Numbers of a JSON answer as the text that they were."""
    match tree:
        case dict():
            return {name: _as_text(value) for name, value in tree.items()}
        case list():
            return [_as_text(value) for value in tree]
        case bool() | None | str():
            return tree
        case _:
            return str(tree)


def _moment(text: object) -> datetime | None:
    try:
        return from_text(f"{str(text)[:19]}Z")
    except ValueError:
        return None


def _client() -> Any:
    try:
        import hvac
    except ImportError:
        msg = "HashiCorp Vault needs hvac"
        raise UsageError(msg, hint="pip install 'keysweep[vault]'") from None
    address = os.environ.get("VAULT_ADDR")
    if not address:
        msg = "VAULT_ADDR does not say where Vault is"
        raise UsageError(msg)
    token = os.environ.get("VAULT_TOKEN") or _token_file()
    if not token:
        msg = "there is no token for Vault"
        raise DeniedError(msg, hint="vault login, or set VAULT_TOKEN")
    return hvac.Client(
        url=address,
        token=token,
        namespace=os.environ.get("VAULT_NAMESPACE"),
        verify=os.environ.get("VAULT_CACERT") or True,
        timeout=_SECONDS,
        allow_redirects=False,
    )


def _token_file() -> str:
    try:
        return (Path.home() / ".vault-token").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError):
        return ""


def _failure(error: Exception) -> Exception:
    """Return our error for one of the library, whose own text may repeat what was sent or answered."""
    import hvac.exceptions
    import requests

    match error:
        case hvac.exceptions.Forbidden() | hvac.exceptions.Unauthorized():
            return DeniedError("Vault refused: the token may not read there")
        case hvac.exceptions.VaultDown():
            return DeniedError("Vault is sealed or in maintenance")
        case hvac.exceptions.VaultError():
            return UsageError(f"Vault answered with an error: {type(error).__name__}")
        case requests.RequestException():
            return UsageError(f"Vault cannot be reached at VAULT_ADDR: {type(error).__name__}")
        case _:
            return error


MANAGER = Manager(read=_read, settings=("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT"))
