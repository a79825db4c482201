"""`keysweep init`: asks nothing, makes what is missing, keeps what is there (reference: README, set-up)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.program import keysweep


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_it_makes_a_store_and_a_private_key_file_in_the_users_folder(private_world: Path) -> None:
    """No option is needed; nothing goes to standard output; the caller's folder stays empty."""
    done = keysweep("init")
    assert (done.returncode, done.stdout) == (0, "")
    folder = Path(os.environ["XDG_DATA_HOME"]) / "keysweep"
    assert mode(folder / "store.db") == 0o600
    assert mode(folder / "store.key") == 0o600
    assert mode(folder) == 0o700
    assert list(private_world.iterdir()) == []


@pytest.mark.parametrize("through", ["flags", "flags behind the command", "environment"])
def test_it_goes_where_it_is_told(tmp_path: Path, through: str) -> None:
    """`--store` and `--key-file`, or KEYSWEEP_STORE and KEYSWEEP_KEY_FILE."""
    store, key = tmp_path / "a" / "s.db", tmp_path / "b" / "k"
    flags = ("--store", store, "--key-file", key)
    match through:
        case "flags":
            done = keysweep(*flags, "init")
        case "flags behind the command":
            done = keysweep("init", *flags)
        case _:
            done = keysweep("init", environ={"KEYSWEEP_STORE": str(store), "KEYSWEEP_KEY_FILE": str(key)})
    assert done.returncode == 0
    assert store.exists()
    assert key.exists()


def test_again_is_a_no_op_with_exit_0(tmp_path: Path) -> None:
    """Nothing that exists is changed: store, key file and settings keep every byte."""
    flags = (
        "--store",
        tmp_path / "s" / "s.db",
        "--key-file",
        tmp_path / "s" / "k",
        "--config",
        tmp_path / "keysweep.toml",
    )
    assert keysweep("init", *flags).returncode == 0
    config = tmp_path / "keysweep.toml"
    config.write_text(config.read_text() + "# a line of mine\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert keysweep("init", *flags).returncode == 0
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["plain", "with space and 'quotes\"", "ünïcödé 🔑"])
def test_the_starter_settings_lead_to_the_store(tmp_path: Path, name: str) -> None:
    """Private, valid TOML, whatever the path is called; with it alone the store opens from anywhere."""
    folder = tmp_path / name
    config = folder / "keysweep.toml"
    assert keysweep("init", "--store", folder / "s.db", "--key-file", folder / "k", "--config", config).returncode == 0
    assert mode(config) == 0o600
    written = tomllib.loads(config.read_text(encoding="utf-8"))
    assert (str(folder / "s.db"), str(folder / "k")) == (written["store"], written["key_file"])
    assert keysweep("keys", "list", "--config", config, cwd=Path("/")).returncode == 0


def test_no_settings_are_written_unasked(private_world: Path, tmp_path: Path) -> None:
    """Only with `--config`."""
    keysweep("init", "--store", tmp_path / "s.db", "--key-file", tmp_path / "k")
    assert not (private_world / "keysweep.toml").exists()


def test_it_needs_no_terminal_and_no_standard_input(tmp_path: Path) -> None:
    """It runs in a build with everything closed."""
    command = [
        sys.executable,
        "-m",
        "keysweep",
        "init",
        "--store",
        str(tmp_path / "s.db"),
        "--key-file",
        str(tmp_path / "k"),
    ]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False, timeout=60
    )
    assert done.returncode == 0


def test_many_at_the_same_time_make_one_store(tmp_path: Path) -> None:
    """Deployments start together; each ends with 0 and the store opens with the key file that is left."""
    flags = ("--store", tmp_path / "s" / "s.db", "--key-file", tmp_path / "s" / "k")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: keysweep("init", *flags), range(4)))
    assert [one.returncode for one in done] == [0] * 4, [one.stderr for one in done]
    assert keysweep("keys", "list", *flags).returncode == 0


@pytest.mark.parametrize(
    ("store", "key"),
    [
        pytest.param("/proc/nowhere/s.db", "{tmp}/k", id="a store where nothing can be made"),
        pytest.param("{tmp}/s.db", "/proc/nowhere/k", id="a key file where nothing can be made"),
        pytest.param("{tmp}", "{tmp}/k", id="a store that is a folder"),
    ],
)
def test_a_place_that_cannot_be_is_said_plainly(tmp_path: Path, store: str, key: str) -> None:
    """Exit 2 or 6 with one sentence; no traceback."""
    done = keysweep("init", "--store", store.format(tmp=tmp_path), "--key-file", key.format(tmp=tmp_path))
    assert done.returncode in {2, 6}
    assert done.stderr.startswith("Error: ")
    assert "Bug" not in done.stderr


def test_a_store_on_a_server_does_not_show_its_password(tmp_path: Path) -> None:
    """Neither when it cannot be reached nor in the hint."""
    password = "swordfish-1"
    done = keysweep(
        "init", "--store", f"postgresql+psycopg://me:{password}@127.0.0.1:1/db", "--key-file", tmp_path / "k"
    )
    assert done.returncode == 6
    assert "swordfish" not in done.stdout + done.stderr
