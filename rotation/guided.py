"""Providers without an API for their keys: a person makes the key and ends the old one, everything between is done and checked here.

The vendor is asked by the harmless question of `verifiers`, so that the new key is seen to work and the old one to be refused, whoever
has pressed the button.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response
from keysweep.rotation.providers import Account, Facts, Kind, Provider, Runbook, Verdict
from keysweep.rotation.questions import fits, questions, seen
from keysweep.rotation.vendor import call, verdict
from keysweep.rotation.verifiers import Question


def guided(
    vendor: str, *, title: str, runbook: Runbook, window: timedelta = timedelta(seconds=3), proven_on: str = ""
) -> Provider:
    """Return the adapter of a vendor that has a question in `verifiers`, and a console.

    Args:
        vendor: name of the file in `verifiers`.
        title: as people call it.
        runbook: what a person does there.
        window: how long a key that was ended may still be accepted.
        proven_on: if it was more than answers that were written down.
    """
    return Provider(
        title=f"{title} (guided)",
        facts=Facts(
            kind=Kind.MANUAL,
            max_live_keys=None,
            disable_reversible=False,
            old_dies_on_set=False,
            revocation_window=window,
            needs_admin=False,
            tag_limit=0,
            proven_on=proven_on or "a simulator that answers as the vendor documents or was seen to",
        ),
        probe=probe_by_question(vendor),
        runbook=runbook,
    )


def probe_by_question(vendor: str) -> Callable[[Account, Secret], Verdict]:
    """Return a `Provider.probe` that asks the vendor's question; a yes or a no needs its words, a status alone is neither."""

    def probe(account: Account, secret: Secret) -> Verdict:
        question = _question(vendor, secret)
        return verdict(
            lambda: _asked(account, question, secret),
            alive=frozenset(sign.status for sign in question.alive),
            dead=lambda answer: _refusal(question, answer),
            sure=lambda answer: seen(question.alive, answer) is not None,
        )

    return probe


def _question(vendor: str, secret: Secret) -> Question:
    """Return the question that is meant for such a key, else the vendor's first one."""
    asked = questions(vendor)
    key = secret.reveal()
    return next((question for question in asked if fits(question, key)), asked[0])


def _asked(account: Account, question: Question, secret: Secret) -> Response:
    parts = urlsplit(question.url)
    base, path = urlunsplit((parts.scheme, parts.netloc, "", "", "")), urlunsplit(("", "", parts.path, parts.query, ""))
    headers = {name: value.replace("{key}", secret.reveal_text()) for name, value in question.headers.items()}
    return call(account, question.method, path, base=base, headers=headers)


def _refusal(question: Question, answer: Response) -> str | None:
    sign = seen(question.dead, answer)
    return " ".join([str(sign.status), *re.findall(r"[\w-]+", sign.text)]) if sign else None
