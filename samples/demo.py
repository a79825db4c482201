"""`make demo`: the whole loop on generated keys, with real parts, and every printed number measured in this run.

Three agents run with injected keys; the keys leak into a log, a repository's history and a screenshot; keysweep finds them, knows whose they
are, forces their rotation, proves the old ones dead, and writes the evidence.  `python -m samples.demo [FOLDER]`; the folder is `out`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from samples.inputs.logs import write_agent_log
from samples.inputs.repository import make_repository
from samples.inputs.terminal import render_terminal
from samples.world import ROOT, World, demo_world, wait_for

_PLACES = ("agent.log", "git:mcp-server", "terminal.png")
_AGENTS = ("orders", "support", "mcp-postgres")
_COLOR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
_BOLD, _DIM, _GREEN = "1;34", "2", "1;32"
_LIMIT_S = 60.0


def main(arguments: Sequence[str] = (), *, watch: Callable[[World], None] | None = None) -> int:
    """Run the loop; 0 if every step did what it promises.

    Args:
        arguments: the folder to work in.
        watch: called with the world once it stands; a test learns the planted keys from it, which are written nowhere.
    """
    started = time.monotonic()
    out = Path(arguments[0]).resolve() if arguments else ROOT / "out"
    if _COLOR:
        os.environ["FORCE_COLOR"] = "1"
    shutil.rmtree(out / "demo", ignore_errors=True)
    _step(1, "A vault, and the keys of three agents")
    with demo_world(out / "demo") as world:
        if watch is not None:
            watch(world)
        _show("keysweep keys list", world.run("keys", "list"))
        agents = _start_agents(world)
        try:
            took = _loop(world, out / "key-age.pdf")
        finally:
            for process in agents:
                process.terminate()
            codes = [process.wait(15) for process in agents]
    if any(codes):
        msg = f"the agents ended with {codes}"
        raise RuntimeError(msg)
    _say(
        f"\nLeaks found, three keys replaced, the old ones proven dead: {_paint(f'{took:.2f} s', _GREEN)} of {_LIMIT_S:.0f} s."
    )
    _say(f"The whole demo: {time.monotonic() - started:.1f} s; agents and servers have stopped.")
    _say(f"Look at {_shown(out / 'key-age.pdf')}.")
    return 0


def _start_agents(world: World) -> list[subprocess.Popen[bytes]]:
    _step(2, "The agents run; each key is in its agent's environment only")
    report = {name: world.folder / f"{name}.jsonl" for name in _AGENTS}
    llm = "samples.agents.llm_agent"
    commands = {
        "orders": (llm, "openai", world.vendors, "OPENAI_API_KEY", str(report["orders"])),
        "support": (llm, "anthropic", world.vendors, "ANTHROPIC_API_KEY", str(report["support"])),
        "mcp-postgres": ("samples.agents.mcp_postgres", "DATABASE_URL", str(report["mcp-postgres"])),
    }
    for name in _AGENTS:
        _say(_paint(f"$ keysweep run --agent {name} -- python {commands[name][0].rpartition('.')[2]}.py &", _DIM))
    agents = [world.agent(name, *commands[name]) for name in _AGENTS]
    try:
        wait_for(lambda: all(path.exists() for path in report.values()), "the agents")
    except BaseException:
        for process in agents:
            process.terminate()
            process.wait(15)
        raise
    _show("keysweep agents status", world.run("agents", "status"))
    return agents


def _loop(world: World, report: Path) -> float:
    """Leak, find, replace, prove, report; return the seconds from the start of the scan to the last proof of death."""
    _step(3, "The keys leak: a log line, a commit since deleted, a screenshot")
    _leak(world)
    started = time.monotonic()
    _show(f"keysweep scan {' '.join(_PLACES)}", world.run("scan", *_PLACES, expect=(1,)))

    _step(4, "Forced rotation: mint, deliver, see the agent on it, revoke, prove dead")
    _show("keysweep rotate --compromised --yes", world.run("rotate", "--compromised", "--yes"))
    found = json.loads(world.run("scan", "terminal.png", "-o", "json", expect=(1,)))["findings"]
    seen = next(finding["id"] for finding in found if finding["credential"])
    _say("\nA screenshot only resembles a key, so a person names the finding:")
    _show(f"keysweep rotate --finding {seen} --yes", world.run("rotate", "--finding", seen, "--yes"))
    took = time.monotonic() - started
    _check(world)
    if took > _LIMIT_S:
        msg = f"{took:.1f} s is over the limit of {_LIMIT_S:.0f} s"
        raise RuntimeError(msg)

    _step(5, "The same places, scanned again: found, and harmless")
    _show(f"keysweep scan {' '.join(_PLACES)}", world.run("scan", *_PLACES, expect=(1,)))

    _step(6, "The evidence")
    _show(f"keysweep report -o {_shown(report)}", world.run("report", "-o", str(report)))
    _show(f"keysweep verify {_shown(report)}", world.run("verify", str(report)))
    return took


def _leak(world: World) -> None:
    write_agent_log(world.folder / "agent.log", world.keys.openai)
    make_repository(world.folder / "mcp-server", f"DATABASE_URL={world.keys.postgresql}")
    screen = [
        "$ env | grep ANTHROPIC",
        f"ANTHROPIC_API_KEY={world.keys.anthropic}",
        "$ claude --version",
        "2.1.4",
        "$ ",
    ]
    (world.folder / "terminal.png").write_bytes(render_terminal(screen))


def _check(world: World) -> None:
    """Ask the agents and the providers, not keysweep: every agent serves, every old key is refused."""
    _say("\nAsked directly, not through keysweep:")
    for name in _AGENTS:
        lines = (world.folder / f"{name}.jsonl").read_text().splitlines()
        last = json.loads(lines[-1])
        if last["status"] not in {200, "serving"}:
            msg = f"agent {name} does not serve: {last['status']}"
            raise RuntimeError(msg)
        since = time.strftime("%H:%M:%S", time.gmtime(last["at"]))
        _say(f"  agent     {name:<14}works: {last['status']} since {since} UTC")
    for provider, refused in world.old_keys_refused().items():
        if not refused:
            msg = f"{provider} still accepts the old key"
            raise RuntimeError(msg)
        _say(f"  provider  {provider:<14}{_paint('refuses the old key', _GREEN)}")


def _step(number: int, title: str) -> None:
    head = f"{number}  {title}"
    _say(f"\n{_paint(head, _BOLD)}\n{_paint('─' * len(head) if _wide() else '-' * len(head), _DIM)}")


def _show(command: str, output: str) -> None:
    _say(_paint(f"$ {command}", _DIM) + (f"\n{output.rstrip()}" if output.strip() else ""))


def _say(text: str) -> None:
    print(text, flush=True)


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if _COLOR else text


def _wide() -> bool:
    """Return whether the output can take a rule of box characters."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _shown(path: Path) -> str:
    """Return a path as a person would type it from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
