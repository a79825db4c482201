"""The tests behind the controls: whole populations, never samples."""

from __future__ import annotations

from keysweep.reports import completeness
from keysweep.reports.controls import Result
from keysweep.reports.evidence import TARGET_S, Evidence
from keysweep.reports.open_items import Kind, open_items, past_limit


def age_within_policy(evidence: Evidence) -> Result | None:
    """Compare the age of every credential with its limit."""
    keys = [key for key in evidence.keys if key.version is not None]
    if not keys:
        return None
    overdue = [key for key in keys if key.overdue]
    limit = evidence.policy.max_age_days
    return Result(
        tested=len(keys),
        deviations=len(overdue),
        performed=f"Age of {len(keys)} credentials against the policy of {limit} days",
        note=", ".join(key.name for key in overdue[:3]) + (" …" if len(overdue) > 3 else ""),
    )


def never_overdue(evidence: Evidence) -> Result | None:
    """Look for values that were past their limit at any moment of the period, those replaced since among them."""
    if not evidence.uses:
        return None
    spells = evidence.spells
    return Result(
        tested=len(evidence.uses),
        deviations=len(spells),
        performed=f"{len(evidence.uses)} values in use in the period, held against their limit on every day",
        note=f"{sum(u.until is not None for u in spells)} replaced since" if spells else "",
    )


def nothing(evidence: Evidence) -> Result | None:  # noqa: ARG001  the shape of a test
    """Return no result: the requirement does not apply."""
    return None


def lists_agree(evidence: Evidence) -> Result | None:
    """Hold the inventory against the providers' own lists, both ways; a provider without a current list is a deviation."""
    rows = completeness.by_provider(evidence)
    if not completeness.was_held_against_any(rows):
        return None
    without = [row.provider for row in rows if not row.compared]
    unknown, absent = sum(row.unknown for row in rows), sum(row.not_there for row in rows)
    return Result(
        tested=len(rows) + sum(row.in_use for row in rows) + unknown,
        deviations=len(without) + absent + unknown,
        performed=f"{len(rows)} providers and their keys, inventory against the provider's list, both ways",
        note="; ".join(
            filter(
                None,
                (
                    f"{unknown} unknown here" if unknown else "",
                    f"{absent} not there" if absent else "",
                    f"no list: {len(without)}" if without else "",
                ),
            )
        ),
    )


def has_owner(evidence: Evidence) -> Result | None:
    """Look for an owner of every credential that an agent uses."""
    keys = [key for key in evidence.keys if key.agents]
    if not keys:
        return None
    ownerless = [key for key in keys if not key.owner]
    return Result(
        tested=len(keys),
        deviations=len(ownerless),
        performed=f"Owner stated for {len(keys)} credentials that agents use",
    )


def one_agent_each(evidence: Evidence) -> Result | None:
    """Look for credentials that several agents share."""
    keys = [key for key in evidence.keys if key.agents]
    if not keys:
        return None
    shared = [key for key in keys if len(key.agents) > 1]
    return Result(
        tested=len(keys), deviations=len(shared), performed=f"{len(keys)} credentials, each used by one agent only"
    )


def leaks_ended(evidence: Evidence) -> Result | None:
    """Look for leaked values that are still alive at the freeze."""
    if not evidence.exposures:
        return None
    alive = [e for e in evidence.exposures if e.dead_at is None]
    return Result(
        tested=len(evidence.exposures),
        deviations=len(alive),
        performed=f"{len(evidence.exposures)} exposures, proven dead by the freeze",
        note=f"{len(alive)} still live" if alive else "",
    )


def contained_in_time(evidence: Evidence) -> Result | None:
    """Compare each forced rotation, from acceptance to proof of death, with the target."""
    forced = [r for r in evidence.rotations if r.mode == "forced"]
    if not forced:
        return None
    late = [r for r in forced if not _in_order(r.at_ms("prove-dead"), TARGET_S * 1000)]
    return Result(
        tested=len(forced),
        deviations=len(late),
        performed=f"{len(forced)} forced rotations, proven dead within {TARGET_S} s of acceptance",
    )


def attested_before_promotion(evidence: Evidence) -> Result | None:
    """Look for rotations that promoted a version no agent was seen on."""
    done = [r for r in evidence.rotations if r.at_ms("promote") is not None]
    if not done:
        return None
    unseen = [r for r in done if not _in_order(r.at_ms("attest"), r.at_ms("promote"))]
    return Result(
        tested=len(done),
        deviations=len(unseen),
        performed=f"{len(done)} changes, agent seen on the new key before promotion",
    )


def old_values_destroyed(evidence: Evidence) -> Result | None:
    """Look for finished rotations whose old value was not shredded."""
    done = [r for r in evidence.rotations if r.outcome == "done"]
    if not done:
        return None
    kept = [r for r in done if r.at_ms("shred") is None]
    return Result(tested=len(done), deviations=len(kept), performed=f"{len(done)} retired values, last copy destroyed")


def coverage_complete(evidence: Evidence) -> Result | None:
    """Look for scans that did not read everything."""
    if not evidence.scans:
        return None
    gaps = [scan for scan in evidence.scans if not scan.complete]
    return Result(
        tested=len(evidence.scans),
        deviations=len(gaps),
        performed=f"{len(evidence.scans)} scans, everything read",
        note=f"{sum(len(scan.gaps) for scan in gaps)} items not read" if gaps else "",
    )


def followed_up(evidence: Evidence) -> Result | None:
    """Look for open items that are past their limit, among all that came up; leaked keys that are not stored have no limit."""
    items = [item for item in open_items(evidence) if item.kind is not Kind.STRANGER]
    ended = sum(r.outcome in {"done", "rolled-back"} for r in evidence.rotations)
    if not items and not ended:
        return None
    late = past_limit(items, evidence.end)
    return Result(
        tested=len(items) + ended,
        deviations=len(late),
        performed=f"{ended} rotations that ended and {len(items)} open items, held against their limits",
        note=f"{len(items)} open" if items else "",
    )


def triaged(evidence: Evidence) -> Result | None:
    """Look for exposures of stored keys without an incident."""
    if not evidence.exposures:
        return None
    missing = [e for e in evidence.exposures if e.opened_at is None and e.dead_at is None]
    return Result(
        tested=len(evidence.exposures),
        deviations=len(missing),
        performed=f"{len(evidence.exposures)} exposures, incident opened or value already dead",
    )


def changes_logged(evidence: Evidence) -> Result | None:
    """Compare rotations with their entries in the ledger."""
    if not evidence.rotations:
        return None
    started = evidence.events.get("rotation.started", 0)
    missing = abs(len(evidence.rotations) - started)
    return Result(
        tested=len(evidence.rotations),
        deviations=missing,
        performed=f"{len(evidence.rotations)} rotations against {started} ledger entries",
    )


def ledger_whole(evidence: Evidence) -> Result | None:
    """Count the entries of the chain whose head is printed here; the chain is verified before the report is written."""
    if evidence.ledger_seq == 0:
        return None
    return Result(
        tested=evidence.ledger_seq,
        deviations=0,
        performed=f"{evidence.ledger_seq} entries, hash chain recomputed before this report",
    )


def risk_analysis_stated(evidence: Evidence) -> Result | None:
    """Look for the risk analysis that the age limit comes from."""
    if not evidence.policy.risk_analysis:
        return None
    return Result(
        tested=1,
        deviations=0 if evidence.policy.approved_by else 1,
        performed=f"{evidence.policy.risk_analysis} sets {evidence.policy.max_age_days} days",
        note="" if evidence.policy.approved_by else "no approval stated",
    )


def _in_order(first: int | None, then: int | None) -> bool:
    return first is not None and then is not None and first <= then
