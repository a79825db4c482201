"""The store that a scan asks whose a leaked key is: opened as far as the key file allows, and told what the scan saw."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keysweep.commands._invocation import Invocation
from keysweep.foundation.folders import CONFIG_NAME, SHARED_CONFIG_NAME, STORE_NAME, data_folder

if TYPE_CHECKING:
    from keysweep.rotation.daemon.asking import Resident
    from keysweep.rotation.vault.match_only import OpenMatch
    from keysweep.rotation.vault.unlock import OpenVault
    from keysweep.scanner.pipeline import ScanResult


def open_if_there(invocation: Invocation) -> OpenVault | OpenMatch | Resident | None:
    """Open the store if there is one, as far as the key file opens it; without one, keys are found but not mapped.

    Where a daemon is named it is asked instead: then no store is opened and no key file is read.

    Raises:
        DeniedError: there is one and it cannot be unlocked, or the daemon does not answer.
    """
    if _nothing_is_set(invocation) and not (data_folder() / STORE_NAME).exists():
        return None
    if socket := invocation.socket:
        from keysweep.rotation.daemon.asking import resident

        return resident(Path(socket))
    settings = invocation.settings
    if "://" not in settings.store and not Path(settings.store).exists():
        return None
    invocation.configure()
    from keysweep.foundation.database.connect import StoreMissingError
    from keysweep.foundation.hardening import harden
    from keysweep.rotation.vault.match_file import is_match_file

    harden(lock=False)  # a scan maps files of any size: locked, they could not leave memory again

    try:
        if is_match_file(settings.key_file):
            from keysweep.rotation.vault.match_only import open_for_matching

            return open_for_matching(settings)
        from keysweep.commands._passphrase import asking
        from keysweep.rotation.vault.unlock import unlock

        return unlock(settings, ask=asking())
    except StoreMissingError:
        return None


def _nothing_is_set(invocation: Invocation) -> bool:
    """Whether nobody said anything about a store, so that the settings need not be read to know which one is meant."""
    said = invocation.options or any(name.startswith("KEYSWEEP_") for name in os.environ)
    return not said and not Path(CONFIG_NAME).exists() and _says_nothing(Path(SHARED_CONFIG_NAME))


def _says_nothing(shared: Path) -> bool:
    """Whether a file of settings for many programs has none for us; its TOML is parsed only if it may."""
    try:
        return b"keysweep" not in shared.read_bytes()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def in_full(opened: OpenVault | OpenMatch | Resident | None) -> OpenVault | None:
    """Return the store if it is open in full, None if there is none or it answers exact matches only."""
    if opened is None or opened.database is None:
        return None
    from keysweep.rotation.vault.unlock import OpenVault

    return opened if isinstance(opened, OpenVault) else None


def record(
    opened: OpenVault | OpenMatch | Resident, result: ScanResult, targets: tuple[str, ...], *, actor: str
) -> None:
    """Keep what was found, and say so in the ledger; a match-only key can only say that it was used, a daemon that it was asked."""
    found, mapped = len(result.findings), sum(finding.credential is not None for finding in result.findings)
    if "keysweep.rotation.daemon.asking" in sys.modules:
        from keysweep.rotation.daemon.asking import Resident
        from keysweep.rotation.daemon.protocol import Finished

        if isinstance(opened, Resident):
            opened.finished(Finished(found, mapped, result.coverage.files, result.coverage.complete))
            return
    from keysweep.rotation.vault.match_only import OpenMatch

    if isinstance(opened, OpenMatch):
        opened.record_use(findings=found, mapped=mapped)
        return
    vault = in_full(opened)
    if vault is None:
        return
    from keysweep.scanner import history

    with vault.database.write() as connection:
        history.record(
            connection,
            result,
            targets,
            vault.clock(),
            renewed=lambda found: vault.ring.renewed(connection, found, vault.known.generation),
        )
        vault.ledger.append(
            connection,
            actor=actor,
            action="scan.finished",
            subject=", ".join(targets)[:200].encode("utf-8", "backslashreplace").decode(),
            detail={
                "findings": found,
                "mapped": mapped,
                "asked": sum(finding.live is not None for finding in result.findings),
                "files": result.coverage.files,
                "complete": result.coverage.complete,
                "rules": result.rules,
            },
        )
