"""Inputs for measuring speed: text of the kinds that agents leave behind, made from a seed, with generated keys in it.

Each function writes below a folder and returns how many keys it planted.  Source text comes from the Python files of the running
environment, so that no text of others is committed.
"""

from __future__ import annotations

import base64
import json
import random
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from keysweep.rules.model import Rule
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import expand

MB = 1 << 20
_LEVELS = ("INFO", "INFO", "INFO", "DEBUG", "WARNING", "ERROR")
_MODULES = ("gateway.http", "agent.loop", "mcp.client", "tools.shell", "memory.store", "billing.usage")
_VERBS = ("accepted", "forwarded", "retried", "finished", "queued", "rejected", "scheduled")
_TOOLS = ("Bash", "Read", "Edit", "Grep", "WebFetch", "Task")


def logs(folder: Path, size: int, *, seed: int = 1) -> int:
    """Write log lines in files of 10 MB, with a key in about one line of 40,000."""
    chance = random.Random(seed)
    keys, planted = _keys(chance), 0
    for number in range(max(size // (10 * MB), 1)):
        with (folder / f"agent-{number:03}.log").open("w", encoding="utf-8") as file:
            written = 0
            while written < min(size, 10 * MB):
                line = _log_line(chance)
                if chance.random() < 1 / 40_000:
                    line += f" header Authorization: Bearer {next(keys)}"
                    planted += 1
                written += file.write(line + "\n")
    return planted


def transcripts(folder: Path, size: int, *, seed: int = 2) -> int:
    """Write agent sessions as JSON Lines in files of 3 MB: source code in tool results, shell output, some images, some keys."""
    chance = random.Random(seed)
    keys, planted, written = _keys(chance), 0, 0
    sources = [path.read_text("utf-8", "replace") for path in _sources(limit=400)]
    number = 0
    while written < size:
        with (folder / f"session-{number:04}.jsonl").open("w", encoding="utf-8") as file:
            filled = 0
            while filled < 3 * MB:
                text = _tool_output(chance, sources)
                if chance.random() < 0.01:
                    text += f"\n$ env\nAPI_KEY={next(keys)}\nHOME=/home/agent\n"
                    planted += 1
                filled += file.write(json.dumps(_record(chance, text)) + "\n")
                if chance.random() < 0.004:
                    filled += file.write(json.dumps(_image(chance)) + "\n")
        written += filled
        number += 1
    return planted


def source_tree(folder: Path, size: int) -> int:
    """Copy Python files of this environment, again under other names until *size* is reached; no key is planted."""
    written, round_ = 0, 0
    while written < size:
        for path in _sources():
            target = folder / f"copy{round_}" / path.relative_to(_library())
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            written += path.stat().st_size
            if written >= size:
                return 0
        round_ += 1
    return 0


def dense(folder: Path, *, count: int = 5_000, seed: int = 3) -> int:
    """Write one file of little but keys."""
    chance = random.Random(seed)
    keys = _keys(chance)
    (folder / "dense.txt").write_text("\n".join(next(keys) for _ in range(count)) + "\n", encoding="utf-8")
    return count


def one_line(folder: Path, size: int, *, seed: int = 4) -> int:
    """Write one line of JSON-like text without a line break, with a key at its end."""
    chance = random.Random(seed)
    with (folder / "line.json").open("w", encoding="utf-8") as file:
        written = file.write('{"events":[')
        while written < size:
            written += file.write(json.dumps(_log_line(chance)) + ",")
        file.write(json.dumps(next(_keys(chance))) + "]}")
    return 1


def tiny(folder: Path, *, seed: int = 5) -> int:
    """Write one small settings file with one key."""
    (folder / ".env").write_text(f"LOG_LEVEL=info\nAPI_KEY={next(_keys(random.Random(seed)))}\n", encoding="utf-8")
    return 1


def _keys(chance: random.Random) -> Iterator[str]:
    """Yield keys of formats with a public prefix, without end."""
    rules: list[Rule] = [rule for rule in load_ruleset().rules if len(rule.prefix) >= 3 and rule.alphabet]
    while True:
        rule = chance.choice(rules)
        yield expand(rule.examples[0], chance)


def _log_line(chance: random.Random) -> str:
    moment = f"2026-11-{chance.randrange(1, 29):02}T{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}Z"
    return (
        f"{moment} {chance.choice(_LEVELS)} {chance.choice(_MODULES)} request_id={chance.getrandbits(128):032x} "
        f"user={chance.randrange(10**6)} {chance.choice(_VERBS)} in {chance.random() * 900:.1f} ms, {chance.randrange(20_000)} tokens"
    )


def _tool_output(chance: random.Random, sources: list[str]) -> str:
    text = chance.choice(sources)
    start = chance.randrange(max(len(text) - 4000, 1))
    return text[start : start + chance.randrange(200, 8000)]


def _record(chance: random.Random, text: str) -> dict[str, object]:
    call = f"toolu_{chance.getrandbits(140):028x}"
    return {
        "type": chance.choice(("user", "assistant")),
        "uuid": f"{chance.getrandbits(128):032x}",
        "timestamp": "2026-11-24T03:00:00.000Z",
        "message": {
            "role": "user",
            "content": [
                {
                    "type": "tool_use",
                    "id": call,
                    "name": chance.choice(_TOOLS),
                    "input": {"command": "cat settings.py"},
                },
                {"type": "tool_result", "tool_use_id": call, "content": text},
            ],
        },
    }


def _image(chance: random.Random) -> dict[str, object]:
    """A record with a base64 image, whose bytes are noise behind a PNG signature."""
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + chance.randbytes(chance.randrange(20_000, 120_000))).decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    return {"type": "user", "message": {"role": "user", "content": [{"type": "image", "source": source}]}}


def _library() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def _sources(*, limit: int | None = None) -> list[Path]:
    found = sorted(
        path for path in _library().rglob("*.py") if "site-packages" not in path.parts and path.stat().st_size
    )
    return found[:limit]
