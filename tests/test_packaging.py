"""What is installed: one top-level name, everything that is needed in it, nothing that is not, beside anybody's `rules`.

The wheel is installed into an empty environment that sees exactly the dependencies which its metadata declares.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.fakes.program import ROOT

LINKED = ("rules", "scanner", "rotation", "reports")

pytestmark = pytest.mark.xdist_group("packaging")


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@dataclass(frozen=True)
class Built:
    """What a release consists of."""

    sdist: Path
    wheel: Path
    """Built from the sdist, as pip does it."""


def build(project: Path, out: Path, *kinds: str) -> None:
    """Build without a network: the build backend is installed here."""
    done = run(sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", out, project, cwd=out)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The release of this checkout."""
    out = tmp_path_factory.mktemp("built")
    build(ROOT, out)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return Built(sdist, wheel)


def names(wheel: Path) -> set[str]:
    """Every file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(built: Built) -> Message:
    """The wheel's own description."""
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_the_wheel_has_one_top_level_name(built: Built) -> None:
    """`keysweep`, and never a `rules` or `reports` that collides with somebody's."""
    tops = {name.partition("/")[0] for name in names(built.wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"keysweep"}


def test_the_wheel_holds_every_file_of_the_package(built: Built) -> None:
    """Rules, templates, fonts, migrations and type marker: whatever is committed is installed."""
    done = run("git", "ls-files", "-z", "keysweep", *LINKED, cwd=ROOT)
    committed = {
        name for name in done.stdout.split("\0") if name and not (ROOT / name).is_symlink() and (ROOT / name).is_file()
    }
    expected = {
        f"keysweep/{name}" if name.startswith(tuple(f"{room}/" for room in LINKED)) else name for name in committed
    }
    assert len(expected) > 150
    assert expected - names(built.wheel) == set()
    kinds = {Path(name).suffix for name in names(built.wheel)}
    assert {".toml", ".woff2", ".css", ".j2", ".typed"} <= kinds


def test_nothing_else_is_in_the_wheel(built: Built) -> None:
    """No test, sample, cache or build output."""
    assert not [
        name
        for name in names(built.wheel)
        if "__pycache__" in name or "/tests/" in name or "samples" in name.split("/")
    ]


def test_a_wheel_of_the_checkout_is_the_same(built: Built, tmp_path: Path) -> None:
    """Whether the folders are links, as in the checkout, or real, as in the sdist."""
    build(ROOT, tmp_path, "--wheel")
    (wheel,) = tmp_path.glob("*.whl")
    assert names(wheel) == names(built.wheel)


def test_the_sdist_holds_what_a_distributor_needs(built: Built) -> None:
    """Sources, tests, licence and read-me."""
    with tarfile.open(built.sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/test_packaging.py",
        "keysweep/rules/packs/openai.toml",
    } <= found


def test_the_metadata_keeps_the_base_small(metadata: Message) -> None:
    """The base scans and maps; data frames, PDF, images and vendors' clients come with an extra."""
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    base = {one.name.lower() for one in required if one.marker is None or one.marker.evaluate({"extra": ""})}
    assert base == {
        "alembic", "click", "cryptography", "detect-secrets", "gitpython", "hyperscan", "platformdirs", "pyyaml", "sqlalchemy", "zstandard",
    }  # fmt: skip
    assert {"ocr", "rotate", "report", "all", "dev"} <= set(metadata.get_all("Provides-Extra") or [])
    assert metadata["License-Expression"] == "Apache-2.0"


def declared(name: str, seen: dict[str, Distribution]) -> dict[str, Distribution]:
    """What a distribution needs, directly or not, without extras."""
    for text in distribution(name).requires or []:
        one = Requirement(text)
        if (one.marker is None or one.marker.evaluate({"extra": ""})) and one.name.lower() not in seen:
            seen[one.name.lower()] = distribution(one.name)
            declared(one.name, seen)
    return seen


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with our wheel, its declared dependencies, and a stranger who also installs `rules`."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    stranger = folder / "stranger"
    for room in LINKED:
        (stranger / room).mkdir(parents=True)
        (stranger / room / "__init__.py").write_text("OWNER = 'stranger'\n")
    only = ", ".join(f'"{room}"' for room in LINKED)
    (stranger / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "stranger"\nversion = "1"\n'
        f"[tool.hatch.build.targets.wheel]\nonly-include = [{only}]\n"
    )
    build(stranger, folder, "--wheel")
    done = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "--quiet",
        built.wheel, *folder.glob("*.whl"), cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env"), "platbase": str(folder / "env")}))
    for one in declared("keysweep", {}).values():
        tops = {path.parts[0] for path in one.files or [] if path.parts[0] not in {"..", "__pycache__"}}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(one.locate_file(top))))
    return folder / "env" / "bin"


def test_the_environment_is_what_it_claims(installed: Path, tmp_path: Path) -> None:
    """A control: our code comes from the wheel, and no optional package can be imported."""
    program = (
        "import keysweep, importlib.util as u; print(keysweep.__file__); print(*(m for m in %r if u.find_spec(m)))"
    )
    optional = ("pandas", "weasyprint", "jinja2", "PIL", "httpx2", "psycopg", "pytest", "fastapi")
    place, found = run(installed / "python", "-c", program % (optional,), cwd=tmp_path).stdout.splitlines()
    assert Path(place).is_relative_to(installed.parent)
    assert found == ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a leaked key and modules of the names that we use inside."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    rule = next(rule for rule in load_ruleset().rules if rule.id == "anthropic-api-key")
    (folder / "leak.txt").write_text(f"KEY={generate(rule, random.Random(1))}\n")
    for name in (*LINKED, "foundation", "commands", "finding", "model"):
        (folder / f"{name}.py").write_text("open('it-ran', 'w')\nraise SystemExit('hostile')\n")
    return folder


@pytest.mark.parametrize("program", [("keysweep",), ("python", "-m", "keysweep")], ids=["script", "module"])
def test_a_scan_from_a_hostile_folder_finds_the_key_and_runs_nothing(
    installed: Path, folder: Path, program: tuple[str, ...]
) -> None:
    """A `scanner.py` where somebody stands is text to scan, not code to run."""
    done = run(installed / program[0], *program[1:], "scan", ".", cwd=folder)
    assert done.returncode == 1, done.stderr
    assert "anthropic-api-key" in done.stdout
    assert not (folder / "it-ran").exists()


def test_a_stranger_keeps_its_own_names(installed: Path, tmp_path: Path) -> None:
    """Two packages, two `rules`; each program gets its own."""
    program = "import rules, reports, keysweep.rules, keysweep.reports; print(rules.OWNER, reports.OWNER, keysweep.rules.__name__)"
    done = run(installed / "python", "-c", program, cwd=tmp_path)
    assert done.stdout.split() == ["stranger", "stranger", "keysweep.rules"], done.stderr


def test_the_base_makes_a_store_and_maps(installed: Path, folder: Path) -> None:
    """Migrations, vault, ledger and the matching engine work with the declared dependencies alone."""
    where = {"KEYSWEEP_STORE": str(folder / "s" / "s.db"), "KEYSWEEP_KEY_FILE": str(folder / "s" / "k")}
    key = (folder / "leak.txt").read_text().strip().partition("=")[2]
    (folder / "keys.csv").write_text(f"name,provider,value\nours,anthropic,{key}\n")
    assert run(installed / "keysweep", "init", cwd=folder, **where).returncode == 0
    assert run(installed / "keysweep", "keys", "import", "keys.csv", cwd=folder, **where).returncode == 0
    scanned = run(installed / "keysweep", "scan", "leak.txt", cwd=folder, **where)
    assert scanned.returncode == 1
    assert "ours" in scanned.stdout
    assert run(installed / "keysweep", "verify", cwd=folder, **where).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        pytest.param(("report", "-o", "out.pdf"), "report", id="a report"),
        pytest.param(("report", "-o", "out.html"), "report", id="a report as a page"),
        pytest.param(("scan", "--ocr", "leak.txt"), "ocr", id="text in images"),
        pytest.param(("init", "--store", "postgresql+psycopg://h/d"), "rotate", id="a store on PostgreSQL"),
        pytest.param(("rotate", "ours", "--yes", "--reason", "leak"), "rotate", id="a rotation"),
    ],
)
def test_what_needs_an_extra_says_which(installed: Path, folder: Path, arguments: tuple[str, ...], extra: str) -> None:
    """Exit 2 and the command that installs it; no traceback."""
    where = {"KEYSWEEP_STORE": str(folder / "s" / "s.db"), "KEYSWEEP_KEY_FILE": str(folder / "s" / "k")}
    key = (folder / "leak.txt").read_text().strip().partition("=")[2]
    (folder / "keys.csv").write_text(
        "name,provider,value,provider_key_id,state,admin\n"
        f"ours,anthropic,{key},key_1,,\nours,anthropic,{key}x,key_2,standby,\nboss,anthropic,{key}y,key_3,,true\n"
    )
    assert run(installed / "keysweep", "init", cwd=folder, **where).returncode == 0
    assert run(installed / "keysweep", "keys", "import", "keys.csv", cwd=folder, **where).returncode == 0
    done = run(installed / "keysweep", *arguments, cwd=folder, **where)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"keysweep[{extra}]" in done.stderr
    assert "Bug" not in done.stderr
