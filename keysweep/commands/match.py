"""`keysweep match`: keys for runners that recognise leaked values and open nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table

if TYPE_CHECKING:
    from keysweep.rotation.vault.match_key import Given
    from keysweep.rotation.vault.unlock import OpenVault


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """Match-only keys: a runner says whose a leaked key is, and can open none.

    Use one with `keysweep scan --key-file FILE`, or KEYSWEEP_KEY_FILE.  It answers for whole values and their ids, nothing else.
    """


@COMMAND.command("new")
@click.argument("label")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where the key file is written, mode 0600.")
@click.option("--expires", metavar="AGE|TIME", help="Its end: an age as 90d or 12h, or an RFC 3339 time.")
@click.pass_obj
def _new(invocation: Invocation, label: str, out: Path, expires: str | None) -> None:
    """Make a match-only key called LABEL."""
    from keysweep.commands._moment import moment
    from keysweep.foundation.clock import to_text
    from keysweep.rotation.public_text import public_text
    from keysweep.rotation.vault import match_key

    label = public_text(label, what="label")
    with invocation.vault() as opened:
        now = opened.clock()
        end = moment(expires, "--expires", now, ahead=True) if expires else None
        with opened.database.write() as connection:
            identifier = match_key.create(connection, _given(opened), label, out, at=now, expires_at=end)
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="match.created",
                subject=label,
                detail={"id": identifier, "expires": to_text(end) if end else None},
            )
    click.echo(f"{out}: recognises the stored keys, opens none.  End it with: keysweep match revoke {label}", err=True)


@COMMAND.command("list")
@click.option("-o", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def _list(invocation: Invocation, form: str) -> None:
    """Every match-only key, and how often it was used where the store could be written."""
    from keysweep.foundation.clock import to_text
    from keysweep.rotation.vault import match_key

    with invocation.vault() as opened:
        now = opened.clock()
        with opened.database.read() as connection:
            keys = match_key.match_keys(connection)
    rows = [
        {
            "label": key.label,
            "state": key.state(now),
            "created_at": to_text(key.created_at),
            "expires_at": to_text(key.expires_at) if key.expires_at else None,
            "revoked_at": to_text(key.revoked_at) if key.revoked_at else None,
            "uses": key.uses,
            "last_used_at": to_text(key.last_used_at) if key.last_used_at else None,
        }
        for key in keys
    ]
    if form == "json":
        click.echo(json.dumps({"schema": "keysweep.dev/match-keys/v1", "keys": rows}, indent=1))
        return
    header = ("LABEL", "STATE", "CREATED", "EXPIRES", "USES", "LAST USED")
    fields = ("label", "state", "created_at", "expires_at", "uses", "last_used_at")
    click.echo(table(header, [[_shown(row[field]) for field in fields] for row in rows]))


@COMMAND.command("revoke")
@click.argument("label")
@click.pass_obj
def _revoke(invocation: Invocation, label: str) -> None:
    """End the match-only key called LABEL: what it opens is destroyed here."""
    from keysweep.rotation.vault import match_key

    with invocation.vault() as opened:
        with opened.database.write() as connection:
            said = next((key for key in match_key.match_keys(connection) if key.label == label), None)
            identifier = match_key.revoke(connection, label, opened.clock())
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="match.revoked",
                subject=label,
                detail={"id": identifier, "uses": said.uses if said else 0},
            )
        opened.database.forget_log()
    click.echo(f"{label} is worth nothing in this store now.  Copies and lists made before still answer it.", err=True)


@COMMAND.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def _export(invocation: Invocation, file: Path) -> None:
    """Write the signed list of fingerprints and names, for runners that cannot reach the store.

    There it stands for the store: keysweep scan --store FILE --key-file KEY.
    """
    from keysweep.commands._private_file import write_private
    from keysweep.rotation.vault.match_export import make_export

    with invocation.vault() as opened:
        with opened.database.read() as connection:
            text, count = make_export(
                connection,
                opened.fingerprinter,
                tenant=opened.ring.tenant,
                sign=opened.signer.sign,
                public_key=opened.signer.public_key,
                at=opened.clock(),
            )
        write_private(file, text)
        with opened.database.write() as connection:
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="match.exported",
                subject=file.name,
                detail={"values": count},
            )
    click.echo(f"{file}: {count} values, told by their fingerprints.", err=True)


def _given(opened: OpenVault) -> Given:
    from keysweep.rotation.vault import match_key

    return match_key.Given(
        vault=opened.vault,
        tenant=opened.ring.tenant,
        fingerprinters=(opened.fingerprinter,),
        public_key=opened.signer.public_key,
    )


def _shown(value: object) -> str:
    text = "-" if value is None else str(value)
    return f"{text[:10]} {text[11:16]}" if "T" in text and text.endswith("Z") and len(text) == 27 else text
