"""An agent that calls a model in a loop with the key of its environment, and reports only how that went.

`python llm_agent.py VENDOR BASE_URL VARIABLE REPORT`: REPORT gets a JSON line whenever the answer's status changes.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_PAUSE_S = 0.1


def _status(vendor: str, base_url: str, key: str) -> int:
    if vendor == "anthropic":
        path, headers = "/v1/messages", {"x-api-key": key, "anthropic-version": "2023-06-01"}
    else:
        path, headers = "/v1/chat/completions", {"Authorization": f"Bearer {key}"}
    body = json.dumps({"model": "sim-1", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}).encode()
    request = urllib.request.Request(base_url + path, body, {**headers, "content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main() -> None:
    """Work until told to stop."""
    vendor, base_url, variable, report = sys.argv[1:5]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    key, last = os.environ[variable], None
    while True:
        status = _status(vendor, base_url, key)
        if status != last:
            last = status
            with Path(report).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"at": time.time(), "pid": os.getpid(), "status": status}) + "\n")
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
