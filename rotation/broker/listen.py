"""Where the broker listens: a port of this machine's own network, or a socket in a folder; never where others reach it."""

from __future__ import annotations

from typing import NamedTuple, Self

from keysweep.foundation.errors import UsageError
from keysweep.rotation.http import LOOPBACK

DEFAULT = "127.0.0.1:7466"


class Address(NamedTuple):
    """A port of this machine, or the path of a socket."""

    host: str
    """Empty for a socket."""
    port: int
    """0 for any that is free."""
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `127.0.0.1:PORT` or `unix:/PATH`.

        Raises:
            UsageError: it is neither, or others would reach it.
        """
        if text.startswith("unix:/") and len(text) > len("unix:/"):
            return cls("", 0, text.removeprefix("unix:"))
        host, separator, port = text.rpartition(":")
        host = host.strip("[]")
        if host not in LOOPBACK or not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
            msg = "the broker listens at 127.0.0.1:PORT or unix:/PATH"
            raise UsageError(msg)
        return cls(host, int(port), "")

    @property
    def url(self) -> str:
        """How clients name it; those of a socket are told of it by other means."""
        return f"http://{self.authority}"

    @property
    def authority(self) -> str:
        """As it stands in the header `Host`."""
        return "localhost" if self.path else f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def is_meant(self, host: bytes) -> bool:
        """Whether the header `Host` of a request names this address: a page of the web that was tricked here names another."""
        if self.path:
            return True
        return host.lower() in {f"{name}:{self.port}".encode() for name in ("127.0.0.1", "localhost", "[::1]")}
