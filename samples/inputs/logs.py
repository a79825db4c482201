"""An agent's log: JSON lines, and in one of them an error that repeats the request's Authorization header."""

from __future__ import annotations

import json
import random
from pathlib import Path

_EVENTS = ("tool.call", "tool.result", "model.request", "model.response", "memory.write")


def write_agent_log(path: Path, key: str, *, lines: int = 400, seed: int = 7) -> None:
    """Write *lines* records to *path*; two thirds down, one repeats the key inside a nested JSON error."""
    random_ = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            record: dict[str, object] = {
                "time": f"2026-11-24T03:{number // 60 % 60:02}:{number % 60:02}Z",
                "level": "info",
                "event": random_.choice(_EVENTS),
                "request_id": f"req_{random_.getrandbits(96):024x}",
                "tokens": random_.randrange(4096),
            }
            if number == lines * 2 // 3:
                body = {"error": "connect timeout", "request": {"headers": {"Authorization": f"Bearer {key}"}}}
                record |= {"level": "error", "event": "model.error", "message": f"upstream: {json.dumps(body)}"}
            file.write(json.dumps(record) + "\n")
