"""One scan from its options to its exit code."""

from __future__ import annotations

import gc
import os

from keysweep.commands import _scan_setup as setup
from keysweep.commands._invocation import Invocation
from keysweep.commands._scan_options import ScanOptions
from keysweep.commands._scan_store import open_if_there
from keysweep.commands._scan_verdict import emit, verdict
from keysweep.foundation.errors import UsageError


def perform(invocation: Invocation, asked: ScanOptions) -> int:
    """Scan, write the outputs and return the exit code.

    Raises:
        UsageError: options that do not go together, a target that is not there, an output that cannot be written.
        DeniedError: there is a store and it cannot be unlocked.
    """
    if asked.jobs > 1 and (asked.verify or asked.write_baseline):
        msg = "--verify and --write-baseline need one process"
        raise UsageError(msg, hint="leave --jobs out")
    forms = setup.output_forms(asked.outputs)
    sources = setup.sources(asked)
    opened = None if asked.no_map else open_if_there(invocation)
    try:
        accepted = setup.baseline(asked.baseline, asked.write_baseline)
        verifier = setup.verifier(invocation) if asked.verify else None
        tools = setup.toolbox(opened, asked, verifier=verifier, accepted=accepted)
        gc.freeze()
        gc.enable()
        result = setup.run(sources, tools, opened, asked.targets or (".",), invocation=invocation, jobs=asked.jobs)
    finally:
        if opened is not None:
            opened.close()
    if asked.write_baseline is not None and accepted is not None:
        setup.write(asked.write_baseline, accepted.text())
    emit(result._replace(exit_zero=asked.exit_zero), forms, color=invocation.color)
    demanding = os.environ.get("CI", "").lower() == "true" if asked.strict is None else asked.strict
    code = verdict(result, fail_on=asked.fail_on, strict=demanding)
    return 0 if asked.exit_zero or (asked.write_baseline is not None and code == 1) else code
