"""`make demo`: the whole loop on generated keys, with real parts, and every printed number measured in this run.

Three agents run with injected keys; the keys leak into a log, a repository's history and a screenshot; keysweep finds them, knows whose they
are, forces their rotation, proves the old ones dead, and writes the evidence.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from samples.inputs.logs import write_agent_log
from samples.inputs.repository import make_repository
from samples.inputs.terminal import render_terminal
from samples.world import ROOT, World, demo_world, wait_for

_OUT = ROOT / "out"
_PLACES = ("agent.log", "git:mcp-server", "terminal.png")
_COLOR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
_LIMIT_S = 60.0


def main() -> int:
    """Run the loop; 0 if every step did what it promises."""
    started = time.monotonic()
    folder = _OUT / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    _step(1, "A vault, and the keys of three agents")
    with demo_world(folder) as world:
        _show("keysweep keys list", world.run("keys", "list"))
        agents = _start_agents(world)
        try:
            _loop(world)
        finally:
            for process in agents:
                process.terminate()
            codes = [process.wait(15) for process in agents]
        print(f"\nThe agents ended with {codes}.")
    print(f"The whole demo took {time.monotonic() - started:.1f} s.  Look at out/key-age.pdf.")
    return 0


def _start_agents(world: World) -> list[subprocess.Popen[bytes]]:
    _step(2, "The agents, each under keysweep run: the key is in the agent's environment only")
    folder = world.folder
    commands = {
        "orders": ("samples.agents.llm_agent", "openai", world.vendors, "OPENAI_API_KEY", str(folder / "orders.jsonl")),
        "support": (
            "samples.agents.llm_agent",
            "anthropic",
            world.vendors,
            "ANTHROPIC_API_KEY",
            str(folder / "support.jsonl"),
        ),
        "mcp-postgres": ("samples.agents.mcp_postgres", "DATABASE_URL", str(folder / "mcp-postgres.jsonl")),
    }
    agents = [world.agent(name, *command) for name, command in commands.items()]
    wait_for(lambda: all((folder / f"{name}.jsonl").exists() for name in commands), "the agents")
    _show("keysweep agents status", world.run("agents", "status"))
    return agents


def _loop(world: World) -> None:
    _step(3, "The keys leak: a log line, a commit deleted two commits later, a screenshot")
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
    found_at = time.monotonic()
    _show(f"keysweep scan {' '.join(_PLACES)}", world.run("scan", *_PLACES, expect=(1,)))

    _step(4, "Forced rotation: mint, deliver, attest, revoke, prove dead")
    _show("keysweep rotate --compromised --yes", world.run("rotate", "--compromised", "--yes"))
    seen = json.loads(world.run("scan", "terminal.png", "-o", "json", expect=(1,)))["findings"][0]["id"]
    print("\nA screenshot only resembles a key, so a person names the finding:")
    _show(f"keysweep rotate --finding {seen} --yes", world.run("rotate", "--finding", seen, "--yes"))
    took = time.monotonic() - found_at
    print(f"\nFrom the start of the scan until three old keys were proven dead: {took:.2f} s of {_LIMIT_S:.0f} s.")
    _check_agents(world)

    _step(5, "The same places, scanned again")
    _show(f"keysweep scan {' '.join(_PLACES)}", world.run("scan", *_PLACES, expect=(1,)))

    _step(6, "The evidence")
    report = _OUT / "key-age.pdf"
    world.run("report", "-o", str(report))
    _show("keysweep verify out/key-age.pdf", world.run("verify", str(report)))
    if took > _LIMIT_S:
        msg = f"{took:.1f} s is over the limit of {_LIMIT_S:.0f} s"
        raise RuntimeError(msg)


def _check_agents(world: World) -> None:
    """Ask the agents and the providers, not keysweep: every agent serves, every old key is refused."""
    for name in ("orders", "support", "mcp-postgres"):
        last = _last_line(world.folder / f"{name}.jsonl")
        if last["status"] not in {200, "serving"}:
            msg = f"agent {name} does not serve: {last['status']}"
            raise RuntimeError(msg)
        print(
            f"  {name}: says {last['status']} since {time.strftime('%H:%M:%S', time.gmtime(float(str(last['at']))))} UTC"
        )


def _last_line(path: Path) -> dict[str, object]:
    line: dict[str, object] = json.loads(path.read_text().splitlines()[-1])
    return line


def _step(number: int, title: str) -> None:
    head = f"{number}  {title}"
    print("\n" + (f"\x1b[1;34m{head}\x1b[0m" if _COLOR else head) + "\n" + "-" * min(len(head), 78))


def _show(command: str, output: str) -> None:
    print((f"\x1b[2m$ {command}\x1b[0m" if _COLOR else f"$ {command}") + "\n" + output.rstrip("\n"))


if __name__ == "__main__":
    sys.exit(main())
