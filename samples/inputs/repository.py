"""A repository in which a key was committed, and deleted two commits later: it is still in the history."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_AUTHOR = "Dana Ortiz"
_MAIL = "dana@example.test"


def make_repository(path: Path, line: str) -> None:
    """Make a repository at *path* whose second commit adds a `.env` with *line* and whose fourth deletes it."""
    path.mkdir(parents=True)
    _git(path, 0, "init", "--quiet", "--template=", "--initial-branch=main")
    _commit(path, 1, {"README.md": "# mcp-postgres\n\nAn MCP server over the orders database.\n"}, "Start the server")
    _commit(path, 2, {".env": f"LOG_LEVEL=info\n{line}\nPORT=8931\n"}, "Add settings")
    _commit(path, 3, {"server.py": "import os\n\nDSN = os.environ['DATABASE_URL']\n"}, "Read the settings")
    (path / ".env").unlink()
    _commit(path, 4, {".gitignore": ".env\n"}, "Do not track .env")
    _commit(
        path,
        5,
        {"README.md": "# mcp-postgres\n\nAn MCP server over the orders database.  Set DATABASE_URL.\n"},
        "Say so",
    )


def _commit(path: Path, day: int, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (path / name).write_text(text, encoding="utf-8")
    _git(path, day, "add", "--all")
    _git(path, day, "commit", "--quiet", "--no-verify", "--no-gpg-sign", "-m", message)


def _git(path: Path, day: int, *arguments: str) -> None:
    moment = f"2026-11-{10 + day:02}T09:00:00+00:00"
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{role}_NAME": _AUTHOR for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": _MAIL for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": moment for role in ("AUTHOR", "COMMITTER")},
    }
    subprocess.run(["git", *arguments], cwd=path, env=environ, check=True, capture_output=True)
