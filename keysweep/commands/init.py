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
@click.option("--passphrase", "kind", flag_value="passphrase", help="Open it with a passphrase instead of a key file.")
@click.option("--keyring", "kind", flag_value="keyring", help="Open it by the keyring of this machine.")
@click.option("--systemd-credential", "name", metavar="NAME", help="Open it by a systemd credential.")
@click.option("--kms-key", metavar="ID", help="Open it by a key in AWS KMS.")
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation, kind: str | None, name: str | None, kms_key: str | None
) -> None:
    """Make a store and a key file (mode 0600); what exists is kept.

    Another way to open it can be named instead of the key file, and more can be added later with `keysweep vault add-slot`.
    With --config FILE a starter settings file is written too.
    """
    from dataclasses import replace

    from keysweep.commands._passphrase import asking
    from keysweep.foundation.hardening import harden
    from keysweep.rotation.vault.unlock import Made, initialise, means_of

    config = invocation.options.get("config")
    fresh = Path(str(config)) if config and not Path(str(config)).exists() else None
    if fresh is not None:
        del invocation.options["config"]
    settings = invocation.settings
    harden()
    chosen = _kind(kind, name, kms_key)
    means = replace(means_of(settings, ask=asking()), wanted={"name": name or "", "key_id": kms_key or ""})
    made = initialise(settings, kind=chosen, means=means)
    if fresh is not None:
        _write_starter(fresh, settings.store, settings.key_file)
        click.echo(f"Wrote {fresh}.", err=True)
    if not invocation.quiet:
        store = settings.store.split("@")[-1]
        said = "The store is ready" if made is Made.CREATED else "The store was there already"
        click.echo(f"{said}: {store}", err=True)
        if chosen != "key-file":
            click.echo("Add a second way to open it, in case this one is lost: keysweep vault add-slot", err=True)
            return
        click.echo(
            f"Its key file: {settings.key_file}  (keep a copy elsewhere: without it the store is lost)", err=True
        )


def _kind(kind: str | None, name: str | None, kms_key: str | None) -> str:
    from keysweep.foundation.errors import UsageError

    named = [one for one in (kind, name and "systemd-credential", kms_key and "aws-kms") if one]
    if len(named) > 1:
        msg = "a store begins with one way to open it"
        raise UsageError(msg, hint="keysweep vault add-slot adds more")
    return named[0] if named else "key-file"


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
