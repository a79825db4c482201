"""What the egress broker costs: latency and throughput of a small request through it, beside the same request sent directly.

    python -m benchmarks.broker [REQUESTS]

The upstream is a process of its own on this machine that answers at once, the broker is `keysweep broker` in a process of its own, the
client keeps its connections.  Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpcore2

from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import load_settings
from keysweep.rotation import instances
from keysweep.rotation.broker import placeholders
from keysweep.rotation.entry import Entry
from keysweep.rotation.inventory import import_entries
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import initialise, unlock

AGENT, NAME, VARIABLE = "bench", "bench-key", "OPENAI_API_KEY"
AT_ONCE = 16
UPSTREAM = """
import asyncio
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 512\\r\\n\\r\\n" + b" " * 512
async def serve(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def main(requests: int) -> None:
    """Measure, and print one JSON line."""
    with tempfile.TemporaryDirectory() as folder:
        upstream = subprocess.Popen([sys.executable, "-c", UPSTREAM], stdout=subprocess.PIPE, text=True)
        assert upstream.stdout is not None
        direct = f"http://127.0.0.1:{int(upstream.stdout.readline())}"
        environ, placeholder = _store(Path(folder), direct)
        broker = subprocess.Popen(
            [sys.executable, "-m", "keysweep", "broker", "--agent", AGENT, "--listen", "127.0.0.1:0"],
            env={**os.environ, **environ},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert broker.stderr is not None
            through = f"http://{broker.stderr.readline().split()[-1].rstrip('.')}/{VARIABLE}"
            found = {
                name: asyncio.run(_measure(url, placeholder, requests))
                for name, url in (("direct", direct), ("broker", through))
            }
        finally:
            broker.send_signal(signal.SIGTERM)
            broker.wait()
            upstream.kill()
            upstream.wait()
    added = {f"added_{at}_ms": round(found["broker"][at] - found["direct"][at], 3) for at in ("p50", "p95")}
    shown = {f"{name}_{what}": round(value, 3) for name, seen in found.items() for what, value in seen.items()}
    sys.stdout.write(json.dumps({"requests": requests, "at_once": AT_ONCE, **added, **shown}) + "\n")


def _store(folder: Path, upstream: str) -> tuple[dict[str, str], str]:
    """Make a store with one credential, and return what the broker needs in its environment, and the placeholder."""
    (folder / "keysweep.toml").write_text('store = "store/keysweep.db"\nkey_file = "store/keysweep.key"\n')
    (folder / "store").mkdir(mode=0o700)
    environ = {"KEYSWEEP_CONFIG": str(folder / "keysweep.toml")}
    settings = load_settings(environ=environ, directory=folder, data_dir=folder)
    initialise(settings)
    opened = unlock(settings)
    try:
        entry = Entry(name=NAME, provider="openai", value=Secret("made-up-for-this-" * 10))
        for _ in import_entries(opened, [(1, entry)], actor="cli:bench"):
            pass
        with opened.database.write() as connection:
            instances.add_agent(connection, AGENT, "broker", {"upstream": f"{VARIABLE}={upstream}"}, opened.clock())
            instances.bind(connection, AGENT, VARIABLE, store.credential_named(connection, NAME).id)
        return environ, placeholders.renew(opened, AGENT, actor="cli:bench")[VARIABLE].reveal_text()
    finally:
        opened.close()


async def _measure(url: str, placeholder: str, requests: int) -> dict[str, float]:
    """Return latencies in milliseconds of one request after the other, and how many a second go through at once."""
    headers = [(b"Authorization", f"Bearer {placeholder}".encode())]
    async with httpcore2.AsyncConnectionPool(max_connections=AT_ONCE) as pool:

        async def ask() -> float:
            began = time.perf_counter()
            answer = await pool.request("GET", f"{url}/v1/models", headers=headers)
            assert answer.status == 200, answer.status
            return (time.perf_counter() - began) * 1000

        for _ in range(50):
            await ask()
        alone = sorted([await ask() for _ in range(requests)])

        async def several() -> None:
            for _ in range(requests // AT_ONCE):
                await ask()

        began = time.perf_counter()
        await asyncio.gather(*(several() for _ in range(AT_ONCE)))
        rate = requests // AT_ONCE * AT_ONCE / (time.perf_counter() - began)
    return {"p50": statistics.median(alone), "p95": alone[int(len(alone) * 0.95)], "per_s": rate}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
