"""`keysweep doctor`: what works here, and what to do about what does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from tests.fakes.program import keysweep


def checks(**environ: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Exit code and the checks by name."""
    done = keysweep("doctor", "--json", environ=environ)
    return done.returncode, {check["name"]: check for check in json.loads(done.stdout)}


def test_a_machine_with_everything_is_well(place: Settings) -> None:
    """Exit 0; each part is named with what it is for."""
    code, found = checks()
    assert code == 0
    expected = {
        "git",
        "tesseract",
        "hyperscan",
        "PIL",
        "psycopg",
        "httpx2",
        "weasyprint",
        "sqlite",
        "memory",
        "store",
        "key file",
    }
    assert expected == set(found)
    assert "core dumps off" in str(found["memory"]["says"])
    del found["memory"]  # swap is this machine's own affair
    assert all(check["ok"] for check in found.values()), found


def test_what_scanning_needs_is_told_from_what_it_does_not(place: Settings, tmp_path: Path) -> None:
    """Without git the exit code is 2; without Tesseract only images are not read."""
    folder = tmp_path / "bin"
    folder.mkdir()
    code, found = checks(PATH=str(folder))
    assert code == 2
    assert (found["git"]["ok"], found["git"]["needed"]) == (False, True)
    git = shutil.which("git")
    assert git is not None
    (folder / "git").symlink_to(git)
    code, found = checks(PATH=str(folder))
    assert code == 0
    assert (found["tesseract"]["ok"], found["tesseract"]["needed"]) == (False, False)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda place: place.key_file.chmod(0o644), "chmod 600", id="a key file that others may read"),
        pytest.param(lambda place: place.key_file.unlink(), "cannot read the key file", id="a key file that is gone"),
        pytest.param(lambda place: Path(place.store).unlink(), "keysweep init", id="no store"),
        pytest.param(lambda place: Path(place.store).chmod(0o644), "chmod 600", id="a store that others may read"),
    ],
)
def test_a_store_that_does_not_open_is_explained(place: Settings, spoil, says: str) -> None:
    """With the command that mends it; scanning works without, so the exit code is 0."""
    spoil(place)
    code, found = checks()
    assert code == 0
    assert not found["store"]["ok"]
    assert says in str(found["store"]["says"])


def test_people_get_a_table(place: Settings) -> None:
    """One line a check."""
    lines = keysweep("doctor").stdout.splitlines()
    assert lines[0].split() == ["STATE", "WHAT", "SAYS"]
    assert {line.split()[0] for line in lines[1:]} == {"ok"}
