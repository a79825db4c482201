"""The outputs of a scan of samples/inputs: the log, the repository, the screenshot, with generated keys of a fixed seed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.scanner import output
from keysweep.scanner.known import CredentialMatch, KnownState, MatchKind, NoKnownKeys
from keysweep.scanner.ocr.shapes import OcrShapes
from keysweep.scanner.output import Look
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.readers.image import image_reader
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.sources.files import Files
from keysweep.scanner.sources.git import Git
from samples.inputs.logs import write_agent_log
from samples.inputs.repository import make_repository
from tests.scanner.making import assert_absent, example, key, look, rulebook, ruleset

ANTHROPIC = key("anthropic-api-key", seed=20)
OPENAI = key("openai-service-account-key", seed=21)
DATABASE = example("postgresql-uri", seed=22).key.decode()
FINGERPRINTER = Fingerprinter(b"golden".ljust(32, b"."))
WHEN = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)


class TwoKeys(NoKnownKeys):
    """An inventory that is told: the fake of the KnownKeys seam.  The OpenAI key is current, the database's retired."""

    def digest(self) -> str | None:
        return str(Fingerprint(b"\7" * 32))

    def owner(self, fingerprint: Fingerprint, parts: object = ()) -> CredentialMatch | None:
        told = {
            FINGERPRINTER.of_bytes(OPENAI.encode()): ("triage-bot", "openai", 3, KnownState.CURRENT, None),
            FINGERPRINTER.of_bytes(DATABASE.encode()): ("orders-db", "postgresql", 1, KnownState.RETIRED, WHEN),
        }
        if fingerprint not in told:
            return None
        name, provider, number, state, dead = told[fingerprint]
        return CredentialMatch(
            name=name,
            provider=provider,
            version=number,
            state=state,
            match=MatchKind.EXACT,
            certainty=1.0,
            dead_since=dead,
        )

    def resembling(self, text: bytes) -> tuple[()]:
        return ()


@pytest.fixture
def result() -> ScanResult:
    """Scan the sample inputs, an image that nobody may read among them."""
    write_agent_log(Path("agent.log"), OPENAI, lines=60)
    make_repository(Path("orders"), f"DATABASE_URL={DATABASE}")
    Path("orders/.git/config").write_text("[core]\n\tbare = false\n")  # git's own differs from system to system
    Path("notes.md").write_text(f"# Keys\n\nThe old one was `{ANTHROPIC}`, ask Dana.\nAgain: {ANTHROPIC}\n")
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno image")

    class NoWords:
        def words(self, png: bytes) -> tuple[()]:
            return ()

    scanned = look(
        Files(Path()),
        Git(Path("orders")),
        readers=(image_reader(NoWords()), PLAIN),
        detectors=(rulebook(), OcrShapes(ruleset())),
        known=TwoKeys(),
        fingerprinter=FINGERPRINTER,
        rules="sha256:" + "0" * 64,
    )
    return scanned._replace(wall_s=0.25, started_at=WHEN)


def rendered(name: str, result: ScanResult) -> str:
    text = output.get(name).render(result, Look(columns=100))
    for secret in (ANTHROPIC, OPENAI, DATABASE):
        assert_absent(secret, text.encode(), f"the {name} output")
    return text.replace(f'"{version("keysweep")}"', '"0.0.0"')


@pytest.mark.parametrize("name", output.names())
def test_output(name: str, result: ScanResult, golden: Callable[[str, str], None]) -> None:
    """Each format, byte for byte; versions are left out."""
    golden(f"scan.{name}", rendered(name, result))


def test_text_in_colour_is_the_same_text(result: ScanResult, golden: Callable[[str, str], None]) -> None:
    """Colour adds escapes and nothing else; nothing depends on it alone."""
    text = output.get("text").render(result, Look(color=True, columns=100))
    assert re.sub(r"\x1b\[[0-9;]*m", "", text) == rendered("text", result)


def test_text_at_sixty_columns(result: ScanResult, golden: Callable[[str, str], None]) -> None:
    """A narrow terminal."""
    golden("scan-60.text", output.get("text").render(result, Look(columns=60)))


def test_the_expected_json_is_the_contract() -> None:
    """The file that reviewers see is valid itself."""
    import jsonschema

    root = Path(__file__).parent
    schema = json.loads((root.parent / "scanner/scan-v1.schema.json").read_text())
    jsonschema.validate(json.loads((root / "expected/scan.json").read_text()), schema)
