"""What every command shares: the settings of this run, and the store."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keysweep.foundation.settings import Settings
    from keysweep.rotation.vault.unlock import OpenVault


def say(line: str) -> None:
    """Tell a person something that is no result."""
    sys.stderr.write(f"{line}\n")


class Invocation:
    """One run of the program; click hands it to each command (`@click.pass_obj`)."""

    def __init__(self) -> None:
        self.options: dict[str, object] = {}
        """Values of the shared options that were given."""

    @cached_property
    def settings(self) -> Settings:
        """The settings of this run.

        Raises:
            UsageError: the settings file is unreadable or wrong.
        """
        from keysweep.foundation.folders import data_folder
        from keysweep.foundation.settings import load_settings

        return load_settings(
            environ=os.environ,
            directory=Path.cwd(),
            data_dir=data_folder(),
            config=self._path("config"),
            store=str(self.options["store"]) if self.options.get("store") else None,
            key_file=self._path("key_file"),
        )

    @property
    def socket(self) -> str:
        """Where the daemon is asked; empty where none is named, or the command line says which store to open."""
        return "" if self.options.keys() & {"store", "key_file"} else self.settings.daemon.socket

    @property
    def color(self) -> bool | None:
        """False where colour was turned off, True where it was asked for, None to let the terminal decide."""
        if self.options.get("no_color") or os.environ.get("NO_COLOR"):
            return False
        return True if os.environ.get("FORCE_COLOR") else None

    @property
    def quiet(self) -> bool:
        """Only results and errors are wanted."""
        return bool(self.options.get("quiet"))

    @contextmanager
    def vault(self) -> Iterator[OpenVault]:
        """Open the store for the length of a block.

        Raises:
            StoreMissingError: there is no store.
            DeniedError: it cannot be unlocked.
        """
        from keysweep.commands._passphrase import asking
        from keysweep.foundation.errors import DeniedError
        from keysweep.foundation.hardening import harden
        from keysweep.rotation.vault.match_file import is_match_file
        from keysweep.rotation.vault.unlock import unlock

        self.configure()
        if is_match_file(self.settings.key_file):
            msg = "a match-only key recognises leaked keys in a scan and opens nothing"
            raise DeniedError(msg, hint="name the store's own key file with --key-file or KEYSWEEP_KEY_FILE")
        harden()
        opened = unlock(self.settings, ask=asking())
        try:
            yield opened
            self.look_after(opened)
        finally:
            opened.close()

    def look_after(self, opened: OpenVault) -> None:
        """Note how far the ledger is, and take a checkpoint off where the settings ask for it; a failure is said and ends nothing."""
        from keysweep.foundation.errors import KeysweepError
        from keysweep.foundation.folders import state_folder
        from keysweep.rotation.vault.watch import carry_off, is_as_seen

        try:
            if not is_as_seen(opened, state_folder()):
                say("Warning: the ledger is not the one that this machine has seen.  Next: keysweep verify")
            carry_off(opened)
        except KeysweepError as error:
            say(f"Warning: {error.message}.")

    @property
    def actor(self) -> str:
        """Who acts, for the ledger."""
        import getpass

        try:
            return f"cli:{getpass.getuser()}"
        except (KeyError, OSError):
            return f"cli:uid-{os.getuid()}"

    def configure(self) -> None:
        """Apply what concerns the whole process: the log."""
        from keysweep.foundation.redaction import configure_logging

        verbose = self.options.get("verbose")
        configure_logging(verbosity=-1 if self.quiet else int(verbose) if isinstance(verbose, int) else 0)

    def _path(self, name: str) -> Path | None:
        value = self.options.get(name)
        return Path(str(value)) if value else None
