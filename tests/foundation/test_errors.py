"""Exit codes are a contract: these numbers never change meaning (reference: README, exit codes)."""

from __future__ import annotations

import pytest

from keysweep.foundation.errors import (
    DeniedError,
    ExitCode,
    IntegrityError,
    KeysweepError,
    MissingExtraError,
    UsageError,
)


def test_the_codes_are_fixed() -> None:
    """The whole table, number by number."""
    assert {code.name: code.value for code in ExitCode} == {
        "DONE": 0,
        "FINDINGS": 1,
        "USAGE": 2,
        "INCOMPLETE": 3,
        "ROLLED_BACK": 4,
        "HALF_WAY": 5,
        "DENIED": 6,
        "INTEGRITY": 7,
        "BUG": 70,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(KeysweepError("x"), 2, id="any expected failure"),
        pytest.param(UsageError("x"), 2, id="a wrong request"),
        pytest.param(MissingExtraError("pdf", "report"), 2, id="a missing extra"),
        pytest.param(DeniedError("x"), 6, id="a locked store"),
        pytest.param(IntegrityError("x"), 7, id="tampering"),
    ],
)
def test_a_failure_knows_its_code(error: KeysweepError, code: int) -> None:
    """The error boundary only asks."""
    assert code == error.exit_code


def test_a_missing_extra_says_how_to_install_it() -> None:
    """What happened, and the one next command."""
    error = MissingExtraError("writing a PDF", "report")
    assert str(error) == "writing a PDF needs packages that are not installed"
    assert error.hint == "pip install 'keysweep[report]'"
