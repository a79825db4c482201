"""Settings: flag over environment over file over default; a wrong one is named; the scanned folder is never asked."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.foundation.settings import RotationSettings, Settings, load_settings


def load(directory: Path, *, environ: dict[str, str] | None = None, **flags: object) -> Settings:
    """Load with a data folder that is easy to recognise."""
    return load_settings(environ=environ or {}, directory=directory, data_dir=Path("/data"), **flags)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the caller works."""
    folder = tmp_path / "caller"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("flag", "variable", "file", "expected"),
    [
        pytest.param("flag.db", "env.db", "file.db", "flag.db", id="a flag wins over all"),
        pytest.param(None, "env.db", "file.db", "env.db", id="the environment wins over the file"),
        pytest.param(None, None, "file.db", "{folder}/file.db", id="the file wins; its paths start at the file"),
        pytest.param(None, "", "file.db", "{folder}/file.db", id="an empty variable says nothing"),
        pytest.param(None, None, "postgresql+psycopg://h/d", "postgresql+psycopg://h/d", id="a URL is no path"),
        pytest.param(None, None, None, "/data/store.db", id="else the user's data folder"),
    ],
)
def test_precedence_of_the_store(
    folder: Path, flag: str | None, variable: str | None, file: str | None, expected: str
) -> None:
    """The most particular source decides."""
    if file is not None:
        (folder / "keysweep.toml").write_text(f'store = "{file}"\n')
    found = load(folder, environ={} if variable is None else {"KEYSWEEP_STORE": variable}, store=flag)
    assert expected.format(folder=folder) == found.store


@pytest.mark.parametrize(
    ("flag", "variable", "file", "expected"),
    [
        pytest.param("flag.key", "env.key", "file.key", "flag.key", id="a flag wins over all"),
        pytest.param(None, "env.key", "file.key", "env.key", id="the environment wins over the file"),
        pytest.param(None, None, "file.key", "{folder}/file.key", id="the file wins over the default"),
        pytest.param(None, None, None, "/data/store.key", id="else the user's data folder"),
    ],
)
def test_precedence_of_the_key_file(
    folder: Path, flag: str | None, variable: str | None, file: str | None, expected: str
) -> None:
    """The same order for the other path."""
    if file is not None:
        (folder / "keysweep.toml").write_text(f'key_file = "{file}"\n')
    environ = {} if variable is None else {"KEYSWEEP_KEY_FILE": variable}
    found = load(folder, environ=environ, key_file=Path(flag) if flag else None)
    assert Path(expected.format(folder=folder)) == found.key_file


def test_the_settings_file_is_looked_for_in_order(folder: Path, tmp_path: Path) -> None:
    """`--config`, then KEYSWEEP_CONFIG, then ./keysweep.toml, then [tool.keysweep] of ./pyproject.toml."""
    paths = [tmp_path / "flag.toml", tmp_path / "env.toml", folder / "keysweep.toml", folder / "pyproject.toml"]
    for path in paths:
        table = "tool.keysweep.report" if path.name == "pyproject.toml" else "report"
        path.write_text(f'[{table}]\norganisation = "{path.name}"\n')
    environ = {"KEYSWEEP_CONFIG": str(paths[1])}
    assert load(folder, environ=environ, config=paths[0]).report.organisation == "flag.toml"
    assert load(folder, environ=environ).report.organisation == "env.toml"
    assert load(folder).report.organisation == "keysweep.toml"
    paths[2].unlink()
    assert load(folder).report.organisation == "pyproject.toml"
    paths[3].unlink()
    assert load(folder).config is None


def test_a_pyproject_without_our_table_is_no_settings_file(folder: Path) -> None:
    """Most projects have one."""
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert load(folder).config is None


def test_nothing_is_looked_for_above_or_below_the_callers_folder(folder: Path) -> None:
    """A target below the caller, or a folder above, cannot bring settings."""
    target = folder / "target"
    target.mkdir()
    for place in (target, folder.parent):
        (place / "keysweep.toml").write_text('[report]\norganisation = "planted"\n')
    assert load(folder).config is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("stoer = 'x'", "'stoer'", id="a misspelt setting"),
        pytest.param("[scan]\nfail_on = 'none'", "'scan'", id="an unknown section"),
        pytest.param("store = 3", "store", id="a store that is a number"),
        pytest.param("key_file = ['a']", "key_file", id="a key file that is a list"),
        pytest.param("rotation = 3", "[rotation]", id="a section that is no table"),
        pytest.param("[rotation]\ndeadlin_s = 3", "deadlin_s", id="a misspelt setting of a section"),
        pytest.param("[rotation]\ndeadline_s = '60'", "deadline_s", id="a number as text"),
        pytest.param("[rotation]\ndeadline_s = true", "deadline_s", id="a number as truth"),
        pytest.param("[rotation]\ndeadline_s = -1", "deadline_s", id="a negative deadline"),
        pytest.param("[rotation]\ndeadline_s = nan", "deadline_s", id="a deadline that is no number"),
        pytest.param("[rotation]\nrevoke_after_s = inf", "revoke_after_s", id="a key that would never die"),
        pytest.param("[report]\nmax_age_days = 90.5", "max_age_days", id="half a day"),
        pytest.param("[report]\nmax_age_days = -90", "max_age_days", id="a negative age"),
        pytest.param("[report]\norganisation = 3", "organisation", id="text as a number"),
        pytest.param("[report]\n__class__ = 'x'", "__class__", id="an attribute that is no setting"),
        pytest.param("[providers.openai]\nretries = 3", "[providers.", id="a provider's setting that is no text"),
        pytest.param("providers = 3", "[providers.", id="providers that are no table"),
        pytest.param("store = ", "not valid TOML", id="no TOML"),
    ],
)
def test_a_wrong_setting_is_named(folder: Path, text: str, names: str) -> None:
    """Nothing is guessed and nothing ignored: exit 2, with the file and the setting."""
    path = folder / "keysweep.toml"
    path.write_text(text + "\n")
    with pytest.raises(UsageError) as caught:
        load(folder)
    assert names in caught.value.message
    assert str(path) in caught.value.message
    assert caught.value.exit_code == 2


def test_bytes_that_are_no_text_are_refused(folder: Path) -> None:
    """A binary file is not a settings file."""
    (folder / "keysweep.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not valid TOML"):
        load(folder)


def test_a_named_file_that_is_not_there_is_an_error(folder: Path) -> None:
    """Only the files that are looked for may be absent."""
    missing = folder / "missing.toml"
    with pytest.raises(UsageError, match="cannot read"):
        load(folder, config=missing)
    with pytest.raises(UsageError, match="cannot read"):
        load(folder, environ={"KEYSWEEP_CONFIG": str(missing)})


def test_a_whole_number_of_seconds_is_a_duration(folder: Path) -> None:
    """`deadline_s = 45` is what people write; what is not said keeps its default."""
    (folder / "keysweep.toml").write_text("[rotation]\ndeadline_s = 45\n[providers.openai]\nproject_id = 'p'\n")
    found = load(folder)
    assert RotationSettings(deadline_s=45) == found.rotation
    assert found.providers == {"openai": {"project_id": "p"}}


def test_the_password_of_a_store_is_not_printable(folder: Path) -> None:
    """Settings that end up in a message or a traceback do not show it."""
    password = secrets.token_urlsafe(12)
    loaded = load_settings(
        environ={"KEYSWEEP_STORE": f"postgresql+psycopg://keysweep:{password}@db.example/keysweep"},
        directory=folder,
        data_dir=folder,
    )
    assert loaded.store.endswith("@db.example/keysweep")
    assert password not in f"{loaded} {loaded!r}"
