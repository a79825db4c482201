"""What the process has imported that commands of a test fork from: all of them, and what most of them need.

Not pandas and what draws pages: they start threads.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

from keysweep import commands

_MORE = (
    *("alembic.command", "httpx2", "platformdirs", "psycopg", "pymysql"),
    *("keysweep.rotation.agents.process", "keysweep.rotation.aws_calls", "keysweep.rotation.guided"),
    *("keysweep.rotation.oauth", "keysweep.rotation.supervisor.serve", "keysweep.rotation.vault.unlock"),
    *(f"keysweep.rotation.providers.{name}" for name in ("anthropic", "openai", "postgresql")),
    *("keysweep.scanner.detectors.rulebook", "keysweep.scanner.pipeline"),
)

for _name in (*(f"keysweep.commands.{found.name}" for found in iter_modules(commands.__path__)), *_MORE):
    with suppress(Exception):  # a command that cannot be imported says so itself, in the process that is asked for it
        import_module(_name)
