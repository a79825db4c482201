"""Every OCR engine: words with places in reading order, within a time limit, and no network."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.commands._invocation import Invocation
from keysweep.scanner import ocr
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.ocr import OcrFailedError, OcrTimeoutError
from keysweep.scanner.ocr.shapes import OcrShapes
from keysweep.scanner.ocr.tesseract import Tesseract, find_engine
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.readers.image import image_reader
from samples.inputs.terminal import render_terminal
from tests.scanner.making import PLAIN, Blobs, blob, key, look, rulebook, ruleset
from tests.scanner.running import store_with

FOLDER = Path(ocr.__file__).parent
NO_ENGINES = {"confusable", "shapes"}
BINARY = shutil.which("tesseract") or "tesseract"
"""A real one: the set-up installs it."""
SIZES = [14, 16, 18, 24]


def screenshot(secret: str, size: int = 16) -> bytes:
    lines = ["$ env | grep KEY", f"ANTHROPIC_API_KEY={secret}", "$ claude --continue", "Resuming the last session ..."]
    return render_terminal(lines, font_size=size)


def test_every_engine_is_under_contract() -> None:
    """A new file in the folder must be added here."""
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} - NO_ENGINES == {"tesseract"}
    assert find_engine() is not None


def test_words_come_in_reading_order_with_their_places() -> None:
    """Line by line, from left to right, inside the image, each with how sure the engine is."""
    words = Tesseract(BINARY).words(render_terminal(["alpha beta gamma", "delta epsilon"], columns=40, font_size=28))
    assert [word.text for word in words] == ["alpha", "beta", "gamma", "delta", "epsilon"]
    assert [word.line for word in words] == [1, 1, 1, 2, 2]
    lefts = [word.box.left for word in words]
    assert lefts[:3] == sorted(lefts[:3])
    assert words[0].box.top < words[3].box.top
    assert all(0 <= word.certainty <= 1 and word.box.width > 0 for word in words)


def program(text: str) -> str:
    path = Path("engine").resolve()
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_an_engine_that_hangs_is_killed_in_time() -> None:
    """A hostile image costs its time limit, no more, and is on record."""
    started = time.monotonic()
    with pytest.raises(OcrTimeoutError):
        Tesseract(program("exec sleep 300"), timeout_s=0.2).words(b"")
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("text", ["exit 1", "kill -9 $$", ": > /dev/null; exit 139"])
def test_an_engine_that_dies_is_a_failure(text: str) -> None:
    """Not an image without text."""
    with pytest.raises(OcrFailedError):
        Tesseract(program(text)).words(b"")


def test_an_engine_that_is_not_there_is_a_failure() -> None:
    """It was removed since."""
    with pytest.raises(OcrFailedError):
        Tesseract(str(Path("none").resolve())).words(b"")


@pytest.mark.parametrize(
    ("engine", "gap"), [("exec sleep 300", Gap.OCR_TIMEOUT), ("exit 1", Gap.OCR_FAILED)], ids=["hangs", "dies"]
)
def test_an_unread_image_is_a_gap(engine: str, gap: Gap) -> None:
    """Never clean."""
    log = CoverageLog()
    reader = image_reader(Tesseract(program(engine), timeout_s=0.2))
    assert list(reader.segments(blob(screenshot("x")), log)) == []
    assert (log.files, [skip.reason for skip in log.close().skipped]) == (0, [gap])


def test_odd_lines_of_an_engine_are_passed_over() -> None:
    """What is no word of its table is nothing."""
    table = "level\\n5\\tx\\n\\n4\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t1\\t1\\t90\\tline\\n5\\t1\\t1\\t1\\t1\\t1\\t0\\t0\\t1\\t1\\t-1\\t \\n"
    good = "5\\t1\\t1\\t1\\t1\\t1\\t3\\t4\\t5\\t6\\t-1\\tword\\n"
    words = Tesseract(program(f"cat > /dev/null; printf '{table}{good}'")).words(b"")
    assert [(word.text, word.certainty) for word in words] == [("word", 0.0)]


STORED = {f"agent-{number}": key("anthropic-api-key", seed=number) for number in range(6)}


@pytest.fixture
def look_ours() -> Iterator[object]:
    """Return a scan of an image with a store that holds six keys of one vendor."""
    store_with(**{name: ("anthropic", value) for name, value in STORED.items()})
    with Invocation().vault() as opened:

        def scan(image: bytes) -> ScanResult:
            return look(
                Blobs((blob(image, "shot.png"),)),
                readers=(image_reader(Tesseract(BINARY)), PLAIN),
                detectors=(rulebook(), OcrShapes(ruleset())),
                known=opened.known_keys(),
                fingerprinter=opened.fingerprinter,
            )

        yield scan


@pytest.mark.parametrize("size", SIZES)
def test_a_screenshot_names_the_right_credential_of_many(size: int, look_ours: object) -> None:
    """A key of 108 characters, wrapped by the terminal, in several sizes of type: this one, and none of its siblings."""
    name = f"agent-{SIZES.index(size)}"
    (finding,) = look_ours(screenshot(STORED[name], size)).findings  # type: ignore[operator]
    assert finding.credential is not None
    assert (finding.credential.name, finding.credential.match) == (name, "ocr")
    assert 0.3 < finding.credential.certainty < 1.0
    (place,) = finding.occurrences
    assert (place.path, place.via, place.line) == ("shot.png", ("ocr",), None)
    assert place.box is not None
    left, top, width, height = place.box
    assert 0 <= top < height * 6
    assert width > 40 * size // 2
    assert left >= 0


@pytest.mark.parametrize("size", SIZES)
def test_a_screenshot_of_a_strangers_key_is_nobodys(size: int, look_ours: object) -> None:
    """It is found by its shape, as a guess, and mapped to nothing."""
    findings = look_ours(screenshot(key("anthropic-api-key", seed=99), size)).findings  # type: ignore[operator]
    assert [finding.credential for finding in findings] == [None]
    assert (findings[0].rule, findings[0].confidence) == ("anthropic-api-key", "generic")


def test_a_screenshot_without_a_key_is_clean(look_ours: object) -> None:
    """Words are words."""
    lines = ["$ ls -la /var/log", "total 48", "drwxr-xr-x 2 root root 4096 Nov 24 03:00 .", "$ make test", "42 passed"]
    result = look_ours(render_terminal(lines, font_size=18))  # type: ignore[operator]
    assert (result.findings, result.coverage.complete) == ((), True)
