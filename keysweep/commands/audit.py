"""`keysweep audit`: the ledger, for people and for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table

if TYPE_CHECKING:
    from keysweep.rotation.vault.unlock import OpenVault


@click.group(invoke_without_command=True)
@click.option("--key", help="Only what concerns this credential.")
@click.option("--since", metavar="AGE|TIME", help="Only from then on: 30d, 2026-11-24, or an RFC 3339 time.")
@click.option("--until", metavar="AGE|TIME", help="Only before then.")
@click.option("--action", default="", help="Only this action: key.stored, or a pattern as 'rotation.*'.")
@click.option("--actor", default="", help="Only what this one did: cli:root, or a pattern as 'agent:*'.")
@click.option("--after", type=int, default=0, help="Only entries behind this place.")
@click.option(
    "-o", "form", type=click.Choice(["text", "json", "jsonl"]), default="text", help="jsonl: verifiable export."
)
@click.pass_context
def COMMAND(  # noqa: N802  the folder's index looks for this name
    ctx: click.Context,
    key: str | None,
    since: str | None,
    until: str | None,
    action: str,
    actor: str,
    after: int,
    form: str,
) -> None:
    """What happened, in order."""
    if ctx.invoked_subcommand is not None:
        return
    from keysweep.commands._moment import moment
    from keysweep.foundation.clock import to_text
    from keysweep.foundation.errors import UsageError
    from keysweep.foundation.ledger.asked import Asked
    from keysweep.foundation.ledger.chain import entries, export

    invocation = ctx.ensure_object(Invocation)
    with invocation.vault() as opened, opened.database.read() as connection:
        now = opened.clock()
        asked = Asked(
            since=moment(since, "--since", now) if since else None,
            until=moment(until, "--until", now) if until else None,
            subject=key,
            action=action,
            actor=actor,
        )
        if form == "jsonl":
            if not asked.everything or after:
                msg = "an export that can be verified is the whole ledger"
                raise UsageError(msg, hint="leave the other options out, or use -o json")
            for record in export(connection):
                click.echo(json.dumps(record))
            return
        found = list(asked.among(entries(connection, after=after)))
    if form == "json":
        rows = [json.loads(entry.body()) for entry in found]
        click.echo(json.dumps({"schema": "keysweep.dev/ledger/v1", "entries": rows}, indent=1))
        return
    click.echo(
        table(
            ("SEQ", "AT (UTC)", "WHO", "WHAT", "TO WHAT", "DETAIL"),
            [
                (
                    str(entry.seq),
                    to_text(entry.at)[:23],
                    entry.actor,
                    entry.action,
                    entry.subject,
                    " ".join(f"{name}={value}" for name, value in sorted(entry.detail.items())),
                )
                for entry in found
            ],
        )
    )


@COMMAND.command("checkpoint")
@click.option(
    "--to",
    "where",
    metavar="FILE|syslog|-",
    default="-",
    help="A file that is added to, syslog, syslog:/SOCKET, syslog:udp://HOST:PORT, syslog:tcp://HOST:PORT.",
)
@click.option("--tsa", metavar="URL", help="Have it stamped by this time-stamping authority (RFC 3161) first.")
@click.option(
    "--tsa-ca", type=click.Path(path_type=Path), help="Certificates that the authority's chain must end in, PEM."
)
@click.pass_obj
def _checkpoint(invocation: Invocation, where: str, tsa: str | None, tsa_ca: Path | None) -> None:
    """Sign how long the ledger is and what its head is, and take that elsewhere.

    Whoever keeps it notices a ledger that was cut or rewritten since: keysweep verify --anchor FILE.
    """
    from keysweep.foundation.errors import UsageError
    from keysweep.foundation.ledger import anchor
    from keysweep.rotation.vault import watch

    if (tsa is None) != (tsa_ca is None):
        msg = "--tsa and --tsa-ca belong together: a time stamp is kept once its chain is proven"
        raise UsageError(msg)
    with invocation.vault() as opened:
        stamp = _stamp(opened, tsa, tsa_ca) if tsa and tsa_ca else None
        if where == "-":
            with opened.database.write() as connection:
                taken = watch.signed_now(opened, connection)
            click.echo(anchor.line_of(taken, opened.ring.tenant, stamp))
            return
        taken = watch.export(opened, where, stamp)
    click.echo(f"{where}: entry {taken.seq}, head {taken.head.hex()[:16]}…", err=True)


def _stamp(opened: OpenVault, url: str, ca: Path) -> bytes:
    from keysweep.foundation.ledger.time_stamp import as_signed, authorities, check
    from keysweep.rotation.time_stamping import stamp

    taken, answer = stamp(opened, url, authorities(ca))
    at = check(answer, as_signed(taken), None)
    click.echo(f"{url}: entry {taken.seq} existed at {at:%F %T} UTC", err=True)
    return answer


@COMMAND.command("verifier")
def _verifier() -> None:
    """Print the verifier: one file, standard library only, for whoever wants to read it and run it alone."""
    from keysweep.foundation.ledger import verify

    click.echo(Path(verify.__file__).read_text(encoding="utf-8"), nl=False)
