"""The command line in this process: exit code, standard output, standard error."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from dataclasses import dataclass
from typing import Any

from keysweep import commands


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def keysweep(*arguments: object, stdin: bytes = b"") -> Done:
    """Run the command line as a user without a terminal would."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    given = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = commands.execute([str(argument) for argument in arguments])
    finally:
        sys.stdin = given
    texts = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err)]  # type: ignore[attr-defined]
    return Done(code=int(code), out=texts[0], err=texts[1])


def store_with(**keys: tuple[str, str]) -> None:
    """Make a store where the environment says, with credentials given as `name=(provider, value)`."""
    assert keysweep("init").code == 0
    rows = [
        json.dumps({"name": name, "provider": provider, "value": value}) for name, (provider, value) in keys.items()
    ]
    done = keysweep("keys", "import", "-", "--format", "jsonl", stdin="\n".join(rows).encode())
    assert done.code == 0, done.err
