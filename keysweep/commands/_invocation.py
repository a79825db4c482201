"""What every command shares: the options before or behind its name, and the settings they give."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keysweep.foundation.settings import Settings
    from keysweep.rotation.vault.unlock import OpenVault


@dataclass
class Invocation:
    """One run of the program; click hands it to each command (`@click.pass_obj`)."""

    options: dict[str, object] = field(default_factory=dict)
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
        from keysweep.rotation.vault.unlock import unlock

        self.configure()
        opened = unlock(self.settings)
        try:
            yield opened
        finally:
            opened.close()

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


def shared_options(*, hidden: bool) -> list[click.Parameter]:
    """Return fresh options `--config --store --key-file -q -v --no-color`, which fill the `Invocation`.

    Args:
        hidden: leave them out of the help text; for the copies behind a command's name.
    """

    def keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
        if value not in (None, False, 0):
            ctx.ensure_object(Invocation).options[str(parameter.name)] = value
            if hidden:
                ctx.ensure_object(Invocation).configure()

    def option(*names: str, **attributes: object) -> click.Option:
        return click.Option(
            list(names),
            expose_value=False,
            callback=keep,
            hidden=hidden,
            allow_from_autoenv=False,
            **attributes,  # type: ignore[arg-type]
        )

    return [
        option("--config", type=click.Path(), help="Settings file (default: keysweep.toml where you are)."),
        option("--store", help="Store: a path, or postgresql+psycopg://..."),
        option("--key-file", type=click.Path(), help="Key file that unlocks the store."),
        option("-q", "--quiet", is_flag=True, help="Only results and errors."),
        option("-v", "--verbose", count=True, help="Say more; twice for debugging."),
        option("--no-color", is_flag=True, help="No colour, as with NO_COLOR=1."),
    ]
