"""`keysweep vault`: slots and the master key, as people use them."""

from __future__ import annotations

import json
import random
import re
import secrets
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.fakes.program import keysweep

PASSPHRASE = "correct horse battery staple"


def private(folder: Path, content: str = PASSPHRASE, name: str = "passphrase") -> Path:
    """A private file."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(content)
    return path


def slots(**environ: str) -> list[dict[str, object]]:
    """What `vault slots -o json` lists."""
    done = keysweep("vault", "slots", "-o", "json", environ=environ)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "keysweep.dev/slots/v1"
    found: list[dict[str, object]] = document["slots"]
    return found


def test_a_new_store_has_one_slot(place: Settings) -> None:
    """Its key file."""
    (only,) = slots()
    assert (only["kind"], only["label"]) == ("key-file", "")


def test_the_list_is_for_people_too(place: Settings) -> None:
    """A table, with what opens now where that is asked for."""
    done = keysweep("vault", "slots", "--test")
    assert re.search(r"^SLOT +KIND +ADDED +SEEN TO OPEN +NOW$", done.stdout, re.M)
    assert re.search(r"^[0-9a-f]{8} +key-file .* opens$", done.stdout, re.M)
    assert "generation 1" in done.stderr


def test_a_passphrase_opens_what_a_lost_key_file_does_not(place: Settings, tmp_path: Path) -> None:
    """Break-glass, from the first command to the last."""
    environ = {"KEYSWEEP_PASSPHRASE_FILE": str(private(tmp_path))}
    done = keysweep("vault", "add-slot", "passphrase", "--label", "safe", environ=environ)
    assert done.returncode == 0, done.stderr
    assert PASSPHRASE not in done.stdout + done.stderr
    assert keysweep("vault", "rotate-master").returncode == 0
    place.key_file.unlink()
    assert [slot["kind"] for slot in slots(**environ)] == ["key-file", "passphrase"]
    lost = str(slots(**environ)[0]["id"])
    assert keysweep("vault", "remove-slot", lost, environ=environ).returncode == 0
    assert keysweep("verify", environ=environ).returncode == 0
    assert keysweep("verify").returncode == 6


def test_the_last_slot_is_not_removed(place: Settings) -> None:
    """Exit 2, and it says what to do."""
    done = keysweep("vault", "remove-slot", str(slots()[0]["id"]))
    assert done.returncode == 2
    assert "last slot" in done.stderr
    assert "keysweep vault add-slot" in done.stderr


def test_a_second_key_file_is_made_where_it_is_wanted(place: Settings, tmp_path: Path) -> None:
    """Private, beside nothing else, and seen to open at once."""
    spare = tmp_path / "safe" / "spare.key"
    done = keysweep("vault", "add-slot", "key-file", "--out", spare, "--label", "spare")
    assert done.returncode == 0, done.stderr
    assert spare.stat().st_mode & 0o777 == 0o600
    assert slots()[1]["tested_at"] is not None
    assert keysweep("verify", "--key-file", spare).returncode == 0
    assert keysweep("vault", "rekey-slot", "spare", "--key-file", spare).returncode == 0
    assert keysweep("verify", "--key-file", spare).returncode == 0
    assert keysweep("verify").returncode == 0
    assert len(spare.read_bytes().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("add-slot", "key-file"), "--out", id="no place for a key file"),
        pytest.param(("add-slot", "passphrase", "--out", "x"), "--out", id="a place for what is no file"),
        pytest.param(("add-slot", "aws-kms"), "--kms-key", id="no key of KMS"),
        pytest.param(
            ("add-slot", "systemd-credential"), "systemd gives this process no credential", id="no credential"
        ),
        pytest.param(("add-slot", "passphrase"), "PASSPHRASE_FILE", id="nobody to ask"),
        pytest.param(("remove-slot", "nothing"), "keysweep vault slots", id="no such slot"),
        pytest.param(("rekey-slot", ""), "keysweep vault slots", id="no name"),
        pytest.param(("add-slot", "tpm"), "key-file", id="no such kind"),
    ],
)
def test_what_cannot_be_done_says_what_can(place: Settings, arguments: tuple[str, ...], says: str) -> None:
    """Exit 2, nothing changed."""
    done = keysweep("vault", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(slots()) == 1


def test_a_label_is_no_key(place: Settings, tmp_path: Path) -> None:
    """Pasted in the wrong place, it is neither stored nor repeated."""
    value = generate(next(r for r in load_ruleset().rules if r.id == "anthropic-api-key"), random.Random(1))
    done = keysweep("vault", "add-slot", "key-file", "--out", tmp_path / "x.key", "--label", value)
    assert done.returncode == 2
    assert value not in done.stdout + done.stderr
    assert len(slots()) == 1


def test_a_new_passphrase_takes_the_place_of_the_old(place: Settings, tmp_path: Path) -> None:
    """Both come from files, and never from the command line."""
    old, new = private(tmp_path), private(tmp_path, "another passphrase altogether", "new")
    keysweep("vault", "add-slot", "passphrase", "--label", "p", environ={"KEYSWEEP_PASSPHRASE_FILE": str(old)})
    place.key_file.rename(tmp_path / "away.key")
    both = {"KEYSWEEP_PASSPHRASE_FILE": str(old), "KEYSWEEP_NEW_PASSPHRASE_FILE": str(new)}
    done = keysweep("vault", "rekey-slot", "p", environ=both)
    assert done.returncode == 0, done.stderr
    assert keysweep("verify", environ={"KEYSWEEP_PASSPHRASE_FILE": str(old)}).returncode == 6
    assert keysweep("verify", environ={"KEYSWEEP_PASSPHRASE_FILE": str(new)}).returncode == 0


def test_a_store_begins_with_a_passphrase(tmp_path: Path) -> None:
    """`init --passphrase`: no key file is made, and the advice is to add a second way."""
    environ = {
        "KEYSWEEP_STORE": str(tmp_path / "s" / "store.db"),
        "KEYSWEEP_KEY_FILE": str(tmp_path / "s" / "store.key"),
        "KEYSWEEP_PASSPHRASE_FILE": str(private(tmp_path)),
    }
    done = keysweep("init", "--passphrase", environ=environ)
    assert done.returncode == 0, done.stderr
    assert "keysweep vault add-slot" in done.stderr
    assert not Path(environ["KEYSWEEP_KEY_FILE"]).exists()
    assert keysweep("init", "--passphrase", environ=environ).returncode == 0
    assert keysweep("vault", "slots", environ=environ).returncode == 0
    assert keysweep("init", "--passphrase", "--kms-key", "x", environ=environ).returncode == 2


def test_a_report_of_before_still_verifies(place: Settings, tmp_path: Path) -> None:
    """It was signed with the key of its time."""
    report = tmp_path / "report.json"
    done = keysweep("report", "-o", report)
    assert done.returncode == 0, done.stderr
    assert keysweep("vault", "rotate-master").returncode == 0
    done = keysweep("verify", report)
    assert done.returncode == 0, done.stderr
    later = tmp_path / "later.json"
    assert keysweep("report", "-o", later).returncode == 0
    assert keysweep("verify", later).returncode == 0


def test_findings_are_known_after_a_new_master_key(place: Settings, tmp_path: Path) -> None:
    """A scan before and a scan after see one finding; its former name is still answered."""
    value = secrets.token_hex(20)
    assert keysweep("keys", "add", "db", "--provider", "custom", stdin=value).returncode == 0
    (tmp_path / "scanned").mkdir()
    (tmp_path / "scanned" / "leak.env").write_text(f"API_SECRET={value}\n")

    def scanned() -> dict[str, object]:
        done = keysweep("scan", tmp_path / "scanned", "-o", "json")
        (finding,) = json.loads(done.stdout)["findings"]
        found: dict[str, object] = finding
        return found

    before = scanned()
    assert keysweep("vault", "rotate-master").returncode == 0
    after = scanned()
    assert before["credential"] == after["credential"]
    assert before["fingerprint"] != after["fingerprint"]
    from keysweep.rotation.vault.unlock import unlock
    from keysweep.scanner import history

    opened = unlock(place)
    with opened.database.read() as connection:
        assert history.get(connection, str(before["id"])).id == after["id"]
        assert len(history.mapped(connection)) == 1
    opened.close()
