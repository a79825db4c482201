"""Providers' lists and what is open as data frames."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keysweep.foundation.clock import to_text
from keysweep.reports import completeness
from keysweep.reports import open_items as opened
from keysweep.reports.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd


def lists(evidence: Evidence) -> pd.DataFrame:
    """Return one row a list, and one a provider without any."""
    import pandas as pd

    columns = ["provider", "standing", "account", "method", "read_at", "failed_at", "failure", "listed", "matched", "unknown",
               "in_use_here", "not_there"]  # fmt: skip
    rows: list[list[object]] = []
    for row in completeness.by_provider(evidence):
        ours = [row.in_use, row.not_there]
        if not row.lists:
            rows.append([row.provider, row.standing.value, "", "", "", "", "", None, None, None, row.in_use, None])
        rows += [
            [row.provider, row.standing.value, one.account, one.method, _text(one.read_at), _text(one.failed_at), one.failure,
             *((one.listed, one.matched, one.unknown) if one.read_at else (None, None, None)), *ours]
            for one in row.lists
        ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype(dict.fromkeys(("listed", "matched", "unknown", "in_use_here", "not_there"), "Int64"))


def listed_keys(evidence: Evidence) -> pd.DataFrame:
    """Return one row a key of each list."""
    import pandas as pd

    columns = ["provider", "account", "key_id", "name", "hint", "owner", "accepted", "created_at", "last_used_at", "first_listed",
               "credential", "version"]  # fmt: skip
    rows = [
        [one.provider, one.account, key.key_id, key.name, key.hint, key.owner, key.active, _text(key.created_at),
         _text(key.last_used_at), _text(key.first_seen), key.credential, key.number]
        for one in evidence.lists
        for key in one.keys
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"version": "Int64"})


def open_items(evidence: Evidence) -> pd.DataFrame:
    """Return one row an open item, in the order of the report."""
    import pandas as pd

    columns = ["kind", "item", "reference", "state", "why", "open_since", "days", "due_at", "limit", "past_limit", "decides",
               "next_command"]  # fmt: skip
    freeze = evidence.end
    rows = [
        [one.kind.value, one.subject, one.reference, one.state, one.why, _text(one.since), one.days(freeze), _text(one.due_at),
         one.limit, one.past(freeze) is not None, one.decides, one.command]
        for one in opened.open_items(evidence)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _text(moment: datetime | None) -> str:
    return to_text(moment) if moment else ""
