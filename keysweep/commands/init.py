"""`keysweep init`: make a store and its key file; asks nothing."""

from __future__ import annotations

from pathlib import Path

import click

from keysweep.commands._invocation import Invocation

_STARTER = """\
# Settings of keysweep; see docs/settings.md.  Flags and KEYSWEEP_* variables win over this file.
store = {store}
key_file = {key_file}

[report]
organisation = ""
risk_analysis = ""
max_age_days = 90
"""


@click.command()
@click.pass_obj
def COMMAND(invocation: Invocation) -> None:  # noqa: N802  the folder's index looks for this name
    """Make a store and a key file (mode 0600); what exists is kept.

    With --config FILE a starter settings file is written too.
    """
    from keysweep.rotation.vault.unlock import Made, initialise

    config = invocation.options.get("config")
    fresh = Path(str(config)) if config and not Path(str(config)).exists() else None
    if fresh is not None:
        del invocation.options["config"]
    settings = invocation.settings
    made = initialise(settings)
    if fresh is not None:
        _write_starter(fresh, settings.store, settings.key_file)
        click.echo(f"Wrote {fresh}.", err=True)
    if not invocation.quiet:
        store = settings.store.split("@")[-1]
        said = "The store is ready" if made is Made.CREATED else "The store was there already"
        click.echo(f"{said}: {store}", err=True)
        click.echo(
            f"Its key file: {settings.key_file}  (keep a copy elsewhere: without it the store is lost)", err=True
        )


def _write_starter(path: Path, store: str, key_file: Path) -> None:
    import os

    from keysweep.foundation.errors import UsageError

    absolute = store if "://" in store else str(Path(store).resolve())
    text = _STARTER.format(store=_toml(absolute), key_file=_toml(str(key_file.resolve())))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise UsageError(msg) from error


def _toml(text: str) -> str:
    """Write a TOML string; unlike JSON's it has no surrogate pairs."""
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
