"""The command line: from arguments to an exit code.  This file is the one place where errors become exit codes."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from keysweep.commands import _scan_lean
from keysweep.commands._scan_options import ScanOptions
from keysweep.foundation.errors import ExitCode, KeysweepError, MissingExtraError

_EXTRAS = {
    "PIL": "ocr",
    "httpx2": "rotate",
    "nacl": "rotate",
    "psycopg": "rotate",
    "rfc3161_client": "timestamp",
    "jinja2": "report",
    "pandas": "report",
    "weasyprint": "report",
    "websockets": "rotate",
}
"""Which extra brings a package that the base lacks."""


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with one of the fixed exit codes."""
    arguments = sys.argv[1:] if args is None else args
    plain = _scan_lean.read(arguments, os.environ)
    if plain is None:
        sys.exit(_ended(arguments, None))
    gc.disable()  # all that start-up makes lives to the end; the scan itself turns it on again
    code = _ended(arguments, plain)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a plain scan has closed what it opened: to take the interpreter down costs a tenth of a small one


def execute(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:] if args is None else args
    return _ended(arguments, _scan_lean.read(arguments, os.environ))


def _ended(arguments: list[str], plain: ScanOptions | None) -> int:
    try:
        return _run(arguments, plain)
    except KeysweepError as error:
        return _report(error)
    except SystemExit as stop:  # ours carry an ExitCode; click ends with a bare 1 when nobody reads the output
        return stop.code if isinstance(stop.code, ExitCode) else ExitCode.INCOMPLETE
    except BrokenPipeError:
        _forget_the_reader()
        return ExitCode.INCOMPLETE
    except KeyboardInterrupt:
        _say("Interrupted; what was done is kept.")
        return ExitCode.INTERRUPTED
    except ModuleNotFoundError as error:
        return _report_missing(error)
    except Exception as error:  # noqa: BLE001  the error boundary: a bug ends with code 70 and never with a secret
        return _report_bug(error)


def _run(arguments: list[str], plain: ScanOptions | None) -> int:
    if arguments[:1] == ["resolve"]:
        from keysweep.commands import _resolve_lean

        if (asked := _resolve_lean.read(arguments, os.environ)) is not None:
            return _resolve_lean.ask(asked)
    if plain is not None:
        from keysweep.commands._invocation import Invocation
        from keysweep.commands._scan_perform import perform

        return perform(Invocation(), plain)
    from keysweep.commands import _tree

    return _tree.run(arguments)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _forget_the_reader() -> None:
    """Let what is still buffered go nowhere, so that the end of the process does not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: KeysweepError) -> int:
    _say(f"Error: {error.message}.")
    if error.hint:
        _say(f"Next: {error.hint}")
    return error.exit_code


def _report_missing(error: ModuleNotFoundError) -> int:
    """Name the extra that brings a package which is not installed; any other missing module is a bug."""
    package = str(error.name).partition(".")[0]
    if package not in _EXTRAS:
        return _report_bug(error)
    return _report(MissingExtraError(feature="this", extra=_EXTRAS[package]))


def _report_bug(error: Exception) -> int:
    """Print where it happened, without the message and the values, which might hold key material."""
    import traceback

    for frame in traceback.extract_tb(error.__traceback__):
        _say(f"  {frame.filename}:{frame.lineno} in {frame.name}")
    _say(f"Bug: {type(error).__name__}.  Please report the lines above.")
    return ExitCode.BUG
