"""Tesseract as a subprocess: image on standard input, words on standard output, no temporary file, no network, a time limit."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import final

from keysweep.scanner.finding import Box
from keysweep.scanner.ocr import OcrEngine, OcrFailedError, OcrTimeoutError, Word

_UNIFORM_BLOCK = "6"
"""Page segmentation: one block of text, which a terminal is; the automatic modes drop long words."""


@final
class Tesseract:
    """The `tesseract` program (Apache-2.0).

    Args:
        binary: absolute path.
        timeout_s: for one image.
    """

    def __init__(self, binary: str, *, timeout_s: float = 60.0) -> None:
        self._binary = binary
        self._timeout_s = timeout_s

    def words(self, png: bytes) -> Sequence[Word]:
        """Return the words of an image.

        Raises:
            OcrTimeoutError: it took too long and was killed.
            OcrFailedError: it crashed or refused.
        """
        command = [self._binary, "stdin", "stdout", "-l", "eng", "--psm", _UNIFORM_BLOCK]
        command += ["-c", "load_system_dawg=0", "-c", "load_freq_dawg=0", "-c", "tessedit_create_tsv=1"]
        environ = {"OMP_THREAD_LIMIT": "1", "PATH": os.defpath, "LC_ALL": "C"}
        if prefix := os.environ.get("TESSDATA_PREFIX"):
            environ["TESSDATA_PREFIX"] = prefix
        try:
            done = subprocess.run(
                command, input=png, capture_output=True, timeout=self._timeout_s, env=environ, check=False
            )
        except subprocess.TimeoutExpired as error:
            msg = f"no answer within {self._timeout_s:g} s"
            raise OcrTimeoutError(msg) from error
        except OSError as error:
            raise OcrFailedError(str(error.strerror)) from error
        if done.returncode != 0:
            msg = f"exit code {done.returncode}"
            raise OcrFailedError(msg)
        return tuple(_words(done.stdout.decode("utf-8", "replace")))


def find_engine() -> OcrEngine | None:
    """Return the engine of this machine, None if there is none."""
    binary = shutil.which("tesseract")
    return Tesseract(os.path.realpath(binary)) if binary else None


def _words(tsv: str) -> list[Word]:
    """Read Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, confidence, text."""
    words: list[Word] = []
    lines: dict[tuple[str, ...], int] = {}
    for row in tsv.splitlines()[1:]:
        cells = row.split("\t")
        if len(cells) != 12 or cells[0] != "5" or not cells[11].strip():
            continue
        line = lines.setdefault(tuple(cells[1:5]), len(lines) + 1)
        left, top, width, height = (int(cell) for cell in cells[6:10])
        words.append(
            Word(
                text=cells[11],
                box=Box(left=left, top=top, width=width, height=height),
                line=line,
                certainty=max(float(cells[10]), 0.0) / 100,
            )
        )
    return words
