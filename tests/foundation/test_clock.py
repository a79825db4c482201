"""Times are UTC, say so, and sort as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.clock import from_text, system_clock, to_text

_FIRST = datetime(1970, 1, 2)  # noqa: DTZ001  Hypothesis adds the zone
_LAST = datetime(9998, 12, 31)  # noqa: DTZ001  Hypothesis adds the zone
moments = st.datetimes(min_value=_FIRST, max_value=_LAST, timezones=st.timezones())


@given(moments)
def test_reading_its_text_gives_the_same_moment(moment: datetime) -> None:
    """Nothing is lost: microseconds are kept, the zone becomes UTC."""
    assert moment.astimezone(UTC) == from_text(to_text(moment))


@given(moments, moments)
def test_text_sorts_in_time_order(one: datetime, other: datetime) -> None:
    """So that SQL can compare times that are stored as text."""
    assert (one.astimezone(UTC) < other.astimezone(UTC)) == (to_text(one) < to_text(other))


def test_a_zone_is_turned_into_utc() -> None:
    """The text always ends with Z."""
    noon = datetime(2026, 9, 30, 12, tzinfo=timezone(timedelta(hours=2)))
    assert to_text(noon) == "2026-09-30T10:00:00.000000Z"


@pytest.mark.parametrize("text", ["2026-09-30T12:00:00", "2026-09-30", "yesterday", ""])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    """A guess at the zone would move evidence by hours."""
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        from_text(text)


def test_a_naive_datetime_is_refused() -> None:
    """The same on the way out."""
    with pytest.raises(ValueError, match="zone"):
        to_text(datetime(2026, 9, 30))  # noqa: DTZ001  that is what is tested


def test_the_system_clock_is_aware() -> None:
    """It tells UTC."""
    assert timedelta(0) == system_clock().utcoffset()
