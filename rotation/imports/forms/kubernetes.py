"""Kubernetes Secrets: manifests in YAML or JSON, lists of them, and what `kubectl get secrets -o json` says.

What the cluster makes and replaces itself stays out: tokens of service accounts, releases of Helm.  Sealed and external secrets
hold no value here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.structured import NoTreeError, Tree, parse_json
from keysweep.rotation.inventory import ImportRowError

_ISSUED = {"kubernetes.io/service-account-token", "helm.sh/release.v1", "bootstrap.kubernetes.io/token"}
_ELSEWHERE = {"SealedSecret", "ExternalSecret", "SecretProviderClass", "VaultStaticSecret", "OnePasswordItem"}
_PUBLIC = {"tls.crt", "ca.crt", "ca.pem", "username", "ssh-publickey", "known_hosts"}
_DOCKER = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}


def _recognises(document: Document) -> bool:
    begin = document.text[: 1 << 20]
    if '"kind"' not in begin and "kind:" not in begin:
        return False
    return any(_kind(resource) in {"Secret"} | _ELSEWHERE for tree in document.trees for resource in _resources(tree))


def _read(document: Document) -> Iterator[Placed]:
    for tree in document.trees:
        for resource in _resources(tree):
            kind = _kind(resource)
            if kind in _ELSEWHERE:
                name = "/".join(_where(resource))
                yield name, Left(name=name, reason=Reason.REFERENCE)
            elif kind == "Secret":
                yield from _secret(resource)


def _resources(tree: Tree) -> Iterator[Mapping[str, Tree]]:
    if not isinstance(tree, Mapping):
        return
    match tree.get("items"):
        case list(items) if _kind(tree).endswith("List"):
            yield from (item for item in items if isinstance(item, Mapping))
        case _:
            yield tree


def _kind(resource: Mapping[str, Tree]) -> str:
    return str(resource.get("kind", ""))


def _where(resource: Mapping[str, Tree]) -> tuple[str, ...]:
    match resource.get("metadata"):
        case {"namespace": str(namespace), "name": str(name)}:
            return namespace, name
        case {"name": str(name)}:
            return (name,)
        case _:
            return ("secret",)


def _secret(resource: Mapping[str, Tree]) -> Iterator[Placed]:
    where, kind = _where(resource), str(resource.get("type", "Opaque"))
    data: dict[str, str | bytes | ImportRowError] = {
        name: _decoded(value) for name, value in _table(resource.get("data"))
    }
    data |= dict(_table(resource.get("stringData")))
    for name, value in data.items():
        place = "/".join((*where, name))
        if kind in _ISSUED:
            yield place, Left(name=place, reason=Reason.ISSUED)
        elif isinstance(value, ImportRowError):
            yield place, value
        elif name in _PUBLIC:
            yield place, Left(name=place, reason=Reason.PUBLIC)
        elif _DOCKER.get(kind) == name:
            yield from ((place, item) for item in _registries(where, value))
        else:
            yield place, _given((*where, name), value)


def _table(tree: Tree) -> Iterator[tuple[str, str]]:
    if isinstance(tree, Mapping):
        yield from ((str(name), value) for name, value in tree.items() if isinstance(value, str))


def _decoded(text: str) -> bytes | ImportRowError:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return ImportRowError("the value is not base64", hint="plain text stands under stringData")


def _given(path: tuple[str, ...], value: str | bytes) -> Given:
    variable = path[-1] if path[-1].replace("_", "").isalnum() and path[-1].isupper() else ""
    raw = value.encode() if isinstance(value, str) else value
    return Given(path=path, variable=variable, value=Secret(raw.removesuffix(b"\n")), declared=True)


def _registries(where: tuple[str, ...], value: str | bytes) -> Iterator[Given | ImportRowError]:
    """Yield the passwords of the registries of images in a Docker configuration."""
    try:
        tree = parse_json(value.decode() if isinstance(value, bytes) else value)
    except (NoTreeError, UnicodeDecodeError):
        yield ImportRowError("the Docker configuration in it is not JSON")
        return
    match tree:
        case {"auths": dict(auths)} | dict(auths):
            for registry, entry in auths.items():
                if (password := _password(entry)) is not None:
                    yield Given(
                        path=(*where, str(registry)), value=Secret(password), hints=(str(registry),), declared=True
                    )
        case _:
            pass


def _password(entry: Tree) -> str | bytes | None:
    match entry:
        case {"password": str(password)}:
            return password
        case {"auth": str(both)}:
            decoded = _decoded(both)
            return None if isinstance(decoded, ImportRowError) else decoded.partition(b":")[2]
        case _:
            return None


FORM = Form(rank=10, recognises=_recognises, read=_read)
