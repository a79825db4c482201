"""`keysweep daemon`: unlock the store once, and answer agents and scans that hold nothing of it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from keysweep.commands._invocation import Invocation, say


@click.command()
@click.option(
    "--socket",
    "path",
    type=click.Path(path_type=Path),
    allow_from_autoenv=False,
    help="Where it listens (default: KEYSWEEP_SOCKET, daemon.socket of the settings, or the user's runtime folder).",
)
@click.option(
    "--shared",
    is_flag=True,
    help="Let other users of this machine connect: what each may ask for is said by the store.",
)
@click.pass_obj
def COMMAND(invocation: Invocation, path: Path | None, *, shared: bool) -> None:  # noqa: N802  the folder's index looks for this name
    """Hold the store open, and answer `keysweep resolve`, `keysweep scan` and `keysweep doctor` over a socket.

    Who asks is told by the kernel.  Its own user and root may ask for every agent, another user for agents whose setting `users`
    names it.  Every value that is given, and every refusal, is in the ledger.
    """
    from keysweep.rotation.daemon.answers import Answers
    from keysweep.rotation.daemon.listening import listening, notify
    from keysweep.rotation.daemon.serve import Server

    wanted = path or _default(invocation.settings.daemon.socket)
    with listening(wanted.absolute(), os.environ, shared=shared) as (listener, where), invocation.vault() as opened:
        answers = Answers(opened, invocation.settings.daemon.scanners, look_after=lambda: invocation.look_after(opened))

        def ready() -> None:
            notify(os.environ, "READY=1")
            if not invocation.quiet:
                say(f"Answering at {where}.  Let those who ask know: KEYSWEEP_SOCKET={where}")

        Server(listener, answers, answers.rest).run(ready)
        notify(os.environ, "STOPPING=1")
        answers.finish()


def _default(configured: str) -> Path:
    """Return where to listen if no option says it."""
    from keysweep.foundation.folders import data_folder

    if configured:
        return Path(configured)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "").strip()
    return (Path(runtime) / "keysweep" if runtime else data_folder() / "daemon") / "daemon.sock"
