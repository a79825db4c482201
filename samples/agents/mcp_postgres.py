"""An MCP server's database half: it keeps a session open with `DATABASE_URL`, asks in a loop, and reports only how that went.

`python mcp_postgres.py VARIABLE REPORT`: REPORT gets a JSON line whenever that changes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import psycopg

_PAUSE_S = 0.1


def main() -> None:
    """Work until told to stop."""
    variable, report = sys.argv[1:3]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    session: psycopg.Connection | None = None
    last = None
    while True:
        try:
            session = session or psycopg.connect(os.environ[variable], connect_timeout=3, autocommit=True)
            session.execute("SELECT 1")
            status = "serving"
        except psycopg.Error:
            session, status = None, "refused"
        if status != last:
            last = status
            with Path(report).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"at": time.time(), "pid": os.getpid(), "status": status}) + "\n")
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
