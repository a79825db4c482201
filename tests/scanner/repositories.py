"""Repositories for tests: made by the real git, with dates and authors that are told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Self


class Repo:
    """A repository at a path, under construction."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self._day = 0
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--template=", "--initial-branch=main", *options)

    def git(self, *arguments: str, author: str = "Ada Lee", stdin: bytes | None = None) -> str:
        """Run git here and return what it printed."""
        self._day += 1
        when = f"2026-10-{self._day % 28 + 1:02}T09:00:00+00:00"
        environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.path),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            **{f"GIT_{role}_NAME": author for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_EMAIL": "ada@example.test" for role in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{role}_DATE": when for role in ("AUTHOR", "COMMITTER")},
        }
        done = subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.path,
            env=environ,
            check=True,
            capture_output=True,
            input=stdin,
        )
        return done.stdout.decode().strip()

    def write(self, **files: str | bytes) -> Self:
        """Write files; a name's double underscore is a slash, a single one a dot."""
        for name, content in files.items():
            path = self.path / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def commit(self, message: str = "Work", *, author: str = "Ada Lee", **files: str | bytes) -> str:
        """Write files, commit everything, return the commit's id."""
        self.write(**files)
        self.git("add", "--all", author=author)
        self.git("commit", "--quiet", "--no-verify", "--no-gpg-sign", "--allow-empty", "-m", message, author=author)
        return self.git("rev-parse", "HEAD")

    def loose(self, identifier: str) -> Path:
        """Return the file of a loose object, made writable."""
        path = self.path / ".git/objects" / identifier[:2] / identifier[2:]
        path.chmod(0o644)
        return path
