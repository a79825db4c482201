"""Settings: `keysweep.toml`, then the environment, then flags, into frozen values.

The file is looked for where the caller works, never in the scanned target (see docs/settings.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar

from keysweep.foundation.errors import UsageError
from keysweep.foundation.folders import CONFIG_NAME, SHARED_CONFIG_NAME, STORE_NAME

POLICIES = ("swap", "revoke-first", "observe")
"""What `rotation.forced_policy` and `rotate --policy` may be; `rotation.engine.steps.Policy` says what each of them is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """What a report says about the organisation; every field may be empty and is then printed as not stated."""

    organisation: str = ""
    prepared_by: str = ""
    risk_analysis: str = ""
    """Identifier of the targeted risk analysis that sets the age limit."""
    approved_by: str = ""
    max_age_days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSettings:
    """Deadlines of a rotation, in seconds."""

    deadline_s: float = 60.0
    revoke_after_s: float = 30.0
    """Forced mode: the old key dies this long after triage even if an agent is not up."""
    stop_grace_s: float = 10.0
    """Planned mode: time an agent gets between SIGTERM and SIGKILL."""
    forced_stop_grace_s: float = 3.0
    settle_s: float = 1.0
    """An agent that was restarted on a new key must have run this long to count as holding it."""
    expiry_margin_days: float = 7.0
    """A key that its provider ends is due so many days before, or a tenth of its life before if that is shorter."""
    forced_policy: str = "swap"
    """In which order a compromised key goes: one of `POLICIES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Where checkpoints of the ledger go by themselves, and how often."""

    anchor: str = ""
    """A file, or `syslog:...`, as `keysweep audit checkpoint --to` has it; empty for nowhere."""
    anchor_entries: int = 100
    anchor_minutes: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSettings:
    """The resident process, and who may ask it."""

    socket: str = ""
    """Where it is asked; empty where each command opens the store itself."""
    scanners: str = ""
    """Users, separated by commas, that may ask it whose keys are, beside its own and root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one run."""

    store: str = field(repr=False)
    """Path of the SQLite file, or a SQLAlchemy URL, which may hold a password: never printed."""
    key_file: Path
    config: Path | None = None
    """The file these came from, if any."""
    providers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Public settings of a provider by its name: `base_url`, `project_id`.  Never a key."""
    rotation: RotationSettings = field(default_factory=RotationSettings)
    events: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By sender of events: `secret_file`, whose lines its signatures are checked with, and what its trigger reads."""
    report: ReportSettings = field(default_factory=ReportSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)


def load_settings(
    *,
    environ: Mapping[str, str],
    directory: Path,
    data_dir: Path,
    config: Path | None = None,
    store: str | None = None,
    key_file: Path | None = None,
) -> Settings:
    """Return the settings of one run: flag over environment over file over default.

    Args:
        environ: the process's environment.
        directory: where the caller works; `keysweep.toml` or `[tool.keysweep]` of `pyproject.toml` is read there.
        data_dir: the user's data folder, for the defaults.
        config: an explicit settings file.
        store: `--store`.
        key_file: `--key-file`.

    Raises:
        UsageError: the file cannot be read, or holds an unknown or ill-typed setting.
    """
    named = config or (Path(environ["KEYSWEEP_CONFIG"]) if environ.get("KEYSWEEP_CONFIG") else None)
    path, table = _find(named, directory)
    known = {"store", "key_file", "providers", "rotation", "events", "report", "audit", "daemon"}
    if unknown := sorted(set(table) - known):
        msg = f"{path}: unknown setting {unknown[0]!r}"
        raise UsageError(msg, hint=f"known: {', '.join(sorted(known))}")
    base = path.parent if path else directory
    chosen_store = store or environ.get("KEYSWEEP_STORE") or _relative(path, base, table.get("store"))
    chosen_key = key_file or environ.get("KEYSWEEP_KEY_FILE") or _relative(path, base, table.get("key_file"))
    return Settings(
        store=chosen_store or str(data_dir / STORE_NAME),
        key_file=Path(chosen_key) if chosen_key else data_dir / "store.key",
        config=path,
        providers=_texts(path, "providers", table.get("providers", {})),
        rotation=_with_policy(path, _section(RotationSettings, path, "rotation", table.get("rotation", {}))),
        events=_events(path, base, table.get("events", {})),
        report=_section(ReportSettings, path, "report", table.get("report", {})),
        audit=_beside(base, _section(AuditSettings, path, "audit", table.get("audit", {}))),
        daemon=_reached(environ, base, _section(DaemonSettings, path, "daemon", table.get("daemon", {}))),
    )


_SectionT = TypeVar("_SectionT", RotationSettings, ReportSettings, AuditSettings, DaemonSettings)


def _beside(base: Path, audit: AuditSettings) -> AuditSettings:
    """Take a file of checkpoints as relative to the settings."""
    if not audit.anchor or audit.anchor.partition(":")[0] == "syslog":
        return audit
    return replace(audit, anchor=str(base / audit.anchor))


def _reached(environ: Mapping[str, str], base: Path, daemon: DaemonSettings) -> DaemonSettings:
    """Take a socket as relative to the settings, unless the environment names one."""
    if given := environ.get("KEYSWEEP_SOCKET"):
        return replace(daemon, socket=given)
    return replace(daemon, socket=str(base / daemon.socket)) if daemon.socket else daemon


def _find(named: Path | None, directory: Path) -> tuple[Path | None, dict[str, object]]:
    if named is not None:
        return named, _read(named)
    if (own := directory / CONFIG_NAME).is_file():
        return own, _read(own)
    if (shared := directory / SHARED_CONFIG_NAME).is_file():
        match _read(shared):
            case {"tool": {"keysweep": dict(table)}}:
                return shared, table
            case _:
                pass
    return None, {}


def _read(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not valid TOML"
        raise UsageError(msg) from error


def _relative(path: Path | None, base: Path, value: object) -> str | None:
    match value:
        case None:
            return None
        case str() if "://" in value:
            return value
        case str():
            return str(base / value)
        case _:
            msg = f"{path}: store and key_file are text"
            raise UsageError(msg)


def _texts(path: Path | None, name: str, table: object) -> Mapping[str, Mapping[str, str]]:
    match table:
        case dict() if all(isinstance(v, dict) and all(isinstance(x, str) for x in v.values()) for v in table.values()):
            return table
        case _:
            msg = f"{path}: every [{name}.NAME] holds text values only"
            raise UsageError(msg)


def _events(path: Path | None, base: Path, table: object) -> Mapping[str, Mapping[str, str]]:
    """Take the files of signing secrets as relative to the settings."""
    return {
        sender: {key: str(base / value) if key == "secret_file" else value for key, value in facts.items()}
        for sender, facts in _texts(path, "events", table).items()
    }


def _with_policy(path: Path | None, rotation: RotationSettings) -> RotationSettings:
    if rotation.forced_policy not in POLICIES:
        msg = f"{path}: [rotation] forced_policy is one of {', '.join(POLICIES)}"
        raise UsageError(msg)
    return rotation


def _section(kind: type[_SectionT], path: Path | None, name: str, table: object) -> _SectionT:
    if not isinstance(table, dict):
        msg = f"{path}: [{name}] is a table"
        raise UsageError(msg)
    known = {field.name: type(field.default) for field in fields(kind)}
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in known or not _fits(value, known[key]):
            msg = f"{path}: [{name}] {key} is unknown or of the wrong type"
            raise UsageError(msg, hint=f"known: {', '.join(known)}")
        values[key] = value
    return kind(**values)  # type: ignore[arg-type]  # checked one by one above


def _fits(value: object, kind: type) -> bool:
    """Whether a setting's value is of its kind; a number is finite and not negative."""
    match value:
        case bool():
            return kind is bool
        case int() | float():
            return kind in {float, type(value)} and math.isfinite(value) and value >= 0
        case _:
            return isinstance(value, kind)
