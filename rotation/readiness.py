"""Whether an agent is ready to work, as it says by HTTP, an open port, a program of its operator or a line that it prints."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from keysweep.foundation.errors import UsageError
from keysweep.rotation import programs
from keysweep.rotation.agents import AgentError
from keysweep.rotation.http import LOOPBACK, request
from keysweep.rotation.trouble import ProviderError

SETTING = "http://127.0.0.1:PORT/PATH, tcp:PORT or exec:COMMAND, which says that the agent is ready"
_LONGEST_S = 1.0
_EXEC_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReady:
    """It answers 2xx."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortReady:
    """It accepts a connection."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramReady:
    """A program ends with 0."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReady:
    """It has printed a line that matches, on standard output or standard error."""

    pattern: re.Pattern[str]


Ready = HttpReady | PortReady | ProgramReady | LineReady


def parse(stated: str) -> Ready:
    """Read how to tell that an agent is ready.

    Raises:
        UsageError: it is none of the four.
    """
    kind, _, rest = stated.partition(":")
    match kind:
        case "https":
            return HttpReady(url=stated)
        case "http" if urlsplit(stated).hostname in LOOPBACK:
            return HttpReady(url=stated)
        case "tcp" if found := re.fullmatch(r"(?:(127\.0\.0\.1|localhost|\[::1\]):)?(\d{1,5})", rest):
            return PortReady(host=(found[1] or "127.0.0.1").strip("[]"), port=int(found[2]))
        case "exec" if rest:
            return ProgramReady(argv=programs.arguments(rest))
        case "line" if rest:
            try:
                return LineReady(pattern=re.compile(rest))
            except re.error:
                pass
        case _:
            pass
    msg = f"{stated!r} does not say how to tell that the agent is ready"
    raise UsageError(msg, hint="http://127.0.0.1:PORT/PATH, tcp:PORT, exec:/PATH/TO/PROGRAM or line:REGEX")


def is_ready(ready: HttpReady | PortReady | ProgramReady) -> bool:
    """Ask once; takes two seconds at most."""
    match ready:
        case HttpReady(url=url):
            try:
                return 200 <= request("GET", url, headers={}, timeout_s=_LONGEST_S).status < 300
            except ProviderError:
                return False
        case PortReady(host=host, port=port):
            try:
                socket.create_connection((host, port), timeout=_LONGEST_S).close()
            except OSError:
                return False
            return True
        case ProgramReady(argv=argv):
            try:
                programs.run(argv, timeout_s=_EXEC_S)
            except AgentError:
                return False
            return True
