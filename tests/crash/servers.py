"""The real servers of the kinds that have one, each started when it is needed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from samples.servers.mariadb import running_mariadb
from samples.servers.moto import running_moto
from samples.servers.postgres import running_postgres
from samples.servers.redis import running_redis


def start(kind: str) -> AbstractContextManager[Any]:
    """Return the server of a kind, for the length of a block.

    Raises:
        RuntimeError: it is not installed, or did not start; when the block is entered.
    """
    starts = {"aws": running_moto, "mysql": running_mariadb, "postgresql": running_postgres, "redis": running_redis}
    return starts[kind]()
