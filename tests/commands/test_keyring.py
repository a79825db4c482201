"""A slot in the machine's keyring, against a real Secret Service: GNOME's, on a bus of its own, without a screen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samples.world import wait_for
from tests.fakes.program import keysweep

pytestmark = pytest.mark.skipif(
    not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-daemon")),
    reason="needs the Debian packages gnome-keyring and dbus-daemon",
)


@dataclass
class Desktop:
    """A session bus, a keyring on it, and a store that is to be opened by it."""

    folder: Path
    environ: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], stdin: bytes = b"") -> None:
        """Start a server."""
        process = subprocess.Popen(
            command, env=self.environ, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        self.running[name] = process

    def stop(self, name: str) -> None:
        """End a server."""
        process = self.running.pop(name)
        process.terminate()
        process.wait(10)

    def log_in(self) -> None:
        """Start the keyring and unlock it, as a log-in does."""
        control = self.folder / "control"
        self.start(
            "keyring",
            [
                "gnome-keyring-daemon",
                "--unlock",
                "--components=secrets",
                "--foreground",
                f"--control-directory={control}",
            ],
            stdin=b"the password of this log-in",
        )
        names = [
            "dbus-send",
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus.ListNames",
        ]
        wait_for(
            lambda: b"org.freedesktop.secrets" in subprocess.run(names, env=self.environ, capture_output=True).stdout,
            "the Secret Service",
        )

    def run(self, *arguments: str, expect: int = 0, stdin: str = "", **environ: str) -> str:
        """Run a command in this session; return what it said."""
        done = keysweep(*arguments, environ=self.environ | environ, stdin=stdin)
        assert done.returncode == expect, (arguments, done.stderr)
        return done.stdout + done.stderr

    def entries(self) -> set[str]:
        """The accounts that the service has of us, as a program that is not ours reads them."""
        script = (
            "import secretstorage as s\n"
            "for item in s.get_default_collection(s.dbus_init()).get_all_items():\n"
            "    print(item.get_attributes()['service'], item.get_attributes()['username'])"
        )
        said = subprocess.run(
            [sys.executable, "-c", script], env=self.environ, capture_output=True, check=True, text=True
        ).stdout
        return {line.partition(" ")[2] for line in said.splitlines() if line.startswith("keysweep ")}


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """A session somebody has logged in to."""
    with ExitStack() as stack:
        # Not below the folder of the test: the path of a socket is short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keyring")))
        made = Desktop(
            folder=folder,
            environ={
                **os.environ,
                "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
                "XDG_RUNTIME_DIR": str(folder),
                "KEYSWEEP_STORE": str(tmp_path / "store" / "store.db"),
                "KEYSWEEP_KEY_FILE": str(tmp_path / "store" / "store.key"),
            },
        )
        stack.callback(lambda: [made.stop(name) for name in list(made.running)])
        made.start("bus", ["dbus-daemon", "--session", "--nofork", f"--address=unix:path={folder}/bus"])
        wait_for((folder / "bus").exists, "the session bus")
        made.log_in()
        yield made


def test_a_store_lives_by_the_keyring_alone(desktop: Desktop, tmp_path: Path) -> None:
    """Made, filled, given new keys and opened again after the next log-in; no key file is ever made."""
    desktop.run("init", "--keyring")
    (first,) = desktop.entries()
    desktop.run("keys", "add", "one", "--provider", "custom", stdin="a value that is stored")
    desktop.run("vault", "rotate-master")
    listed = desktop.run("vault", "slots", "-o", "json")
    (slot,) = json.loads(listed[listed.index("{") : listed.rindex("}") + 1])["slots"]
    desktop.run("vault", "rekey-slot", slot["id"])
    (second,) = desktop.entries()
    assert first != second, "the entry of the old key is gone"
    desktop.stop("keyring")
    desktop.log_in()
    assert "opens" in desktop.run("vault", "slots", "--test")
    desktop.run("verify")
    assert not (tmp_path / "store" / "store.key").exists()


def test_who_is_not_in_the_session_is_denied(desktop: Desktop) -> None:
    """Another user, a job, a machine without a keyring: exit 6 and a way out, at once."""
    desktop.run("init", "--keyring")
    said = desktop.run("verify", expect=6, DBUS_SESSION_BUS_ADDRESS=f"unix:path={desktop.folder}/none")
    assert "keyring" in said


def test_a_slot_that_is_removed_leaves_nothing_in_the_keyring(desktop: Desktop, place: object) -> None:
    """And one beside a key file is another way to the same store."""
    desktop.environ |= {name: os.environ[name] for name in ("KEYSWEEP_STORE", "KEYSWEEP_KEY_FILE")}
    desktop.run("vault", "add-slot", "keyring", "--label", "laptop")
    assert len(desktop.entries()) == 1
    desktop.run("verify", "--key-file", "/nowhere")
    desktop.run("vault", "remove-slot", "laptop")
    assert desktop.entries() == set()
