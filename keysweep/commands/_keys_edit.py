"""`keysweep keys edit`, `set-id`, `retire`: what is said of a credential, and taking it out of use."""

from __future__ import annotations

import click

from keysweep.commands._invocation import Invocation


@click.command()
@click.argument("name")
@click.option("--owner", help="Who answers for it.")
@click.option("--environment", help="production, staging ...")
@click.option("--class", "policy_class", help="Class of the policy that sets its age limit; '' for the default.")
@click.option("--kind", help="What kind of key it is, where the rules do not know.")
@click.option("--runbook", help="Address or page that says how it is rotated by hand.")
@click.option("--max-age", type=int, metavar="DAYS", help="Age limit of its own, shorter than its policy's; 0: none.")
@click.option("--expires", metavar="AGE|TIME|never", help="When its provider ends it: as 90d, a day, or a time.")
@click.pass_obj
def EDIT(  # noqa: N802  a value for `keys.py`
    invocation: Invocation,
    name: str,
    owner: str | None,
    environment: str | None,
    policy_class: str | None,
    kind: str | None,
    runbook: str | None,
    max_age: int | None,
    expires: str | None,
) -> None:
    """State what is known of a credential anew; what is not named stays."""
    from keysweep.commands._moment import moment
    from keysweep.rotation.amend import Amendment, Never, amend

    with invocation.vault() as opened:
        ends = moment(expires, "--expires", opened.clock(), ahead=True) if expires and expires != "never" else None
        said = Amendment(
            owner=owner,
            environment=environment,
            policy_class=policy_class,
            kind=kind,
            runbook=runbook,
            max_age_days=max_age,
            expires_at=Never.NEVER if expires == "never" else ends,
        )
        changed = amend(opened, name, said, actor=invocation.actor)
    words = ", ".join(what.removeprefix("policy_").replace("_", " ") for what in changed)
    click.echo(f"{name}: {words or 'nothing'} changed.", err=True)


@click.command()
@click.argument("name")
@click.argument("key_id", metavar="ID")
@click.option("--version", "number", type=int, help="Which version; the current one if not stated.")
@click.pass_obj
def SET_ID(invocation: Invocation, name: str, key_id: str, number: int | None) -> None:  # noqa: N802
    """Record the provider's own id of a key, as `keys reconcile` shows it."""
    from keysweep.rotation.amend import set_key_id

    with invocation.vault() as opened:
        ref = set_key_id(opened, name, key_id, number=number, actor=invocation.actor)
    click.echo(f"{name}: the id of version {ref.number} at its provider is recorded.", err=True)


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why; kept in the ledger.")
@click.pass_obj
def RETIRE(invocation: Invocation, name: str, reason: str) -> None:  # noqa: N802  a value for `keys.py`
    """Take a credential out of use: values destroyed, no agent gets it, fingerprints stay.

    It is not ended at its provider.  A process that runs with it keeps it until it is restarted.
    """
    from keysweep.rotation.amend import retire

    with invocation.vault() as opened:
        agents = retire(opened, name, reason=reason, actor=invocation.actor)
    click.echo(f"{name}: out of use; its values are destroyed here, its fingerprints stay.", err=True)
    if agents:
        click.echo(f"No longer handed to: {', '.join(agents)}; restart them.", err=True)
    click.echo("End it at its provider too: whoever has a copy can still use it.", err=True)
