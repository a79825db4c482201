"""From a finding to a decision: only a whole value acts by itself, everything else asks a person or changes nothing."""

from __future__ import annotations

import pytest

from keysweep.rotation.credential import State
from keysweep.rotation.incident.correlate import Suspicion
from keysweep.rotation.incident.incident import Cause
from keysweep.rotation.incident.policy import Decision, Reason, Response, decide
from keysweep.scanner.known import MatchKind

_WHOLE = (MatchKind.EXACT, MatchKind.PART)
_SHOWN = tuple(kind for kind in MatchKind if kind not in _WHOLE)
_LIVE = (State.CURRENT, State.PENDING, State.RETIRING)
_DEAD = (State.RETIRED, State.DISCARDED)


def _suspicion(match: MatchKind) -> Suspicion:
    return Suspicion(
        credential="claude", number=1, match=match, certainty=1.0, cause=Cause.FINDING, reference="finding"
    )


def _rows(
    matches: tuple[MatchKind, ...],
    states: tuple[State, ...],
    confirmed: tuple[bool, ...],
    response: Response,
    reason: Reason,
    sentence: str,
) -> list[object]:
    return [
        pytest.param(
            match,
            state,
            sure,
            Decision(response=response, reason=reason),
            id=f"{sentence} ({match.value}, {state.value}{', confirmed' if sure else ''})",
        )
        for match in matches
        for state in states
        for sure in confirmed
    ]


_BOTH = (False, True)
_TABLE = [
    *_rows(_WHOLE, _LIVE, _BOTH, Response.ROTATE, Reason.CONFIRMED_LEAK, "a whole value is rotated at once"),
    *_rows(_SHOWN, _LIVE, (False,), Response.ASK, Reason.INEXACT_MATCH, "a resemblance only proposes"),
    *_rows(_SHOWN, _LIVE, (True,), Response.ROTATE, Reason.PERSON_CONFIRMED, "a person may confirm a resemblance"),
    *_rows(tuple(MatchKind), _DEAD, _BOTH, Response.NOTHING, Reason.ALREADY_DEAD, "a dead key is never rotated again"),
    *_rows(
        tuple(MatchKind),
        (State.STANDBY,),
        _BOTH,
        Response.ASK,
        Reason.UNUSED_STANDBY,
        "nothing serves on a standby, so a person replaces it",
    ),
]


@pytest.mark.parametrize(("match", "state", "confirmed", "expected"), _TABLE)
def test_decision(match: MatchKind, state: State, confirmed: bool, expected: Decision) -> None:
    """The decision follows from how the value was seen, where its version stands, and whether a person said so."""
    assert expected == decide(_suspicion(match), state, confirmed=confirmed)


def test_the_table_is_whole() -> None:
    """Every combination has a row, so a new way of matching or a new state must be decided here."""
    assert len(_TABLE) == len(MatchKind) * len(State) * 2
