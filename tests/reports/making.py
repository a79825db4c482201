"""Evidence made by hand: populations, rotations, exposures and scans, without a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from keysweep.reports.document import Document, Section, Table
from keysweep.reports.evidence import (
    Evidence,
    ExposureRow,
    KeyRow,
    Policy,
    RotationRow,
    ScanRow,
    StepRow,
    UseRow,
)
from keysweep.reports.listed import ListedRow, ListRow
from keysweep.reports.open_rows import OpenRotation, StrangerRow
from keysweep.rotation.engine import steps
from keysweep.rotation.engine.steps import Mode, Outcome

START = datetime(2026, 7, 1, tzinfo=UTC)
FREEZE = datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC)
POLICY = Policy(
    max_age_days=90,
    organisation="Halden Payments Ltd",
    prepared_by="Platform Security",
    risk_analysis="TRA-07",
    approved_by="CISO",
    run_by="cli:auditor",
)
HEAD = bytes(range(32))


def key(
    name: str,
    age: int,
    *,
    provider: str = "openai",
    owner: str = "orders team",
    environment: str = "production",
    limit: int = 90,
    agents: Sequence[str] = ("orders",),
    admin: bool = False,
    unused: bool = False,
    ended_days: float | None = None,
) -> KeyRow:
    """Return a credential whose value has been in use for *age* days at the freeze."""
    since = FREEZE - timedelta(days=age)
    return KeyRow(
        name=name,
        provider=provider,
        owner=owner,
        environment=environment,
        is_admin=admin,
        created_at=since,
        version=None if unused else 1,
        fingerprint="" if unused else f"kf:{age:012x}",
        since=since,
        age_days=age,
        limit_days=limit,
        agents=tuple(agents),
        expires_at=None if ended_days is None else FREEZE - timedelta(days=ended_days),
    )


def use(name: str, *, since_days: int, until_days: int | None = None, version: int = 1, limit: int = 90) -> UseRow:
    """Return a value that was in use from so many days before the freeze, until so many before it."""
    return UseRow(
        credential=name,
        owner="orders team",
        version=version,
        fingerprint=f"kf:{since_days:012x}",
        since=FREEZE - timedelta(days=since_days),
        until=None if until_days is None else FREEZE - timedelta(days=until_days),
        limit_days=limit,
    )


def rotation(
    credential: str, *, days: int = 10, mode: str = "forced", outcome: str = "done", dead_ms: int | None = 1420
) -> RotationRow:
    """Return a rotation that started so many days before the freeze."""
    steps = [("prepare", 16), ("mint", 98), ("seal", 106), ("attest", 270), ("promote", 280), ("revoke", 309)]
    if dead_ms is not None:
        steps += [("prove-dead", dead_ms), ("shred", dead_ms + 7)]
    return RotationRow(
        id=f"rotation-{credential}-{days}",
        credential=credential,
        provider="openai",
        mode=mode,
        reason="finding f-0123456789abcdef",
        started_at=FREEZE - timedelta(days=days),
        outcome=outcome,
        steps=tuple(StepRow(step=name, at_ms=at, ok=True) for name, at in steps),
        incident_id="incident" if mode == "forced" else None,
        old_fingerprint="kf:0a0a0a0a0a0a",
        new_fingerprint="kf:0b0b0b0b0b0b",
    )


def open_rotation(
    credential: str,
    *,
    days: float = 2,
    mode: Mode = Mode.PLANNED,
    policy: steps.Policy = steps.Policy.SWAP,
    guided: bool = False,
    outcome: Outcome | None = None,
    promoted_days: float | None = None,
    grace_days: float | None = None,
    dead: bool = False,
    lacks_key: bool = False,
    why: str = "",
    quiet_days: float | None = None,
    number: int = 1,
) -> OpenRotation:
    """Return a rotation that began so many days before the freeze; with a grace it waits until so many days after its promotion."""
    began = FREEZE - timedelta(days=days)
    promoted = None if promoted_days is None else FREEZE - timedelta(days=promoted_days)
    return OpenRotation(
        id=f"{credential.encode().hex():0<32}",
        credential=credential,
        provider="openai",
        number=number,
        mode=mode,
        policy=policy,
        guided=guided,
        started_at=began,
        last_at=began if quiet_days is None else FREEZE - timedelta(days=quiet_days),
        outcome=outcome,
        promoted_at=promoted,
        waits_until=promoted + timedelta(days=grace_days) if promoted and grace_days is not None else None,
        lacks_key=lacks_key,
        dead_at=began if dead else None,
        why=why,
    )


def stranger(number: int = 1, *, days: int = 5) -> StrangerRow:
    """Return a leaked key that is not stored."""
    seen = FREEZE - timedelta(days=days)
    return StrangerRow(
        finding_id=f"f-{number:016x}",
        rule="slack-token",
        provider="slack",
        confidence="checked",
        places=("notes.md:3:10",),
        first_seen=seen,
        last_seen=seen,
    )


def exposure(credential: str, *, days: int = 10, seconds: float | None = 3.5, opened: bool = True) -> ExposureRow:
    """Return a leak first seen so many days before the freeze, dead after so many seconds or alive."""
    seen = FREEZE - timedelta(days=days)
    return ExposureRow(
        credential=credential,
        version=1,
        finding_id="f-0123456789abcdef",
        places=("agent.log:267:247",),
        first_seen=seen,
        opened_at=seen + timedelta(seconds=1) if opened else None,
        dead_at=None if seconds is None else seen + timedelta(seconds=seconds),
    )


def scan(*, gaps: Iterable[tuple[str, str]] = (), files: int = 12) -> ScanRow:
    """Return a scan of the period."""
    gaps = tuple(gaps)
    return ScanRow(
        targets=("agent.log", "git:mcp-server"),
        finished_at=FREEZE - timedelta(days=9),
        complete=not gaps,
        files=files,
        bytes=73_600,
        gaps=gaps,
        findings=3,
        mapped=3,
        rules="sha256:" + "5c" * 32,
    )


def listed_key(key_id: str, credential: str = "", *, number: int = 1, active: bool = True, name: str = "") -> ListedRow:
    """Return a key of a list; without a credential it is unknown here."""
    return ListedRow(
        key_id=key_id,
        name=name or credential or "made by hand",
        hint="sk-…9f2a",
        owner="orders team",
        active=active,
        created_at=FREEZE - timedelta(days=30),
        last_used_at=None,
        first_seen=FREEZE - timedelta(days=3),
        credential=credential,
        number=number if credential else None,
    )


def a_list(
    provider: str, *keys: ListedRow, days: int = 3, account: str = "", failure: str = "", gone: int = 0, more: int = 0
) -> ListRow:
    """Return a list that was read so many days before the freeze; with a failure there is none; of `more` keys no name is left."""
    return ListRow(
        provider=provider,
        account=account or f"{provider}-admin",
        method="every project, and admin keys",
        read_at=None if failure else FREEZE - timedelta(days=days),
        failed_at=FREEZE - timedelta(days=days) if failure else None,
        failure=failure,
        listed=len(keys) + more,
        matched=sum(bool(k.credential) for k in keys),
        unknown=sum(k.unknown for k in keys) + more,
        gone=gone,
        lists_admins=provider == "openai",
        keys=keys,
    )


def evidence(
    keys: Iterable[KeyRow] = (),
    *,
    uses: Iterable[UseRow] | None = None,
    rotations: Iterable[RotationRow] = (),
    exposures: Iterable[ExposureRow] = (),
    scans: Iterable[ScanRow] = (),
    policy: Policy = POLICY,
    entries: int = 47,
    lists: Iterable[ListRow] = (),
    open_rotations: Iterable[OpenRotation] = (),
    strangers: Iterable[StrangerRow] = (),
) -> Evidence:
    """Return evidence of the third quarter; the values in use are those of the keys unless stated."""
    keys, rotations = tuple(keys), tuple(rotations)
    of_keys = (
        use(k.name, since_days=k.age_days, version=k.version, limit=k.limit_days) for k in keys if k.version is not None
    )
    return Evidence(
        start=START,
        end=FREEZE,
        policy=policy,
        keys=keys,
        uses=tuple(of_keys if uses is None else uses),
        rotations=rotations,
        exposures=tuple(exposures),
        scans=tuple(scans),
        events={"key.stored": len(keys), "rotation.started": len(rotations)} if entries else {},
        ledger_seq=entries,
        ledger_head=HEAD if entries else bytes(32),
        oldest_entry=START if entries else None,
        lists=tuple(lists),
        listable=("anthropic", "openai"),
        adapters=("anthropic", "openai", "postgresql"),
        open_rotations=tuple(open_rotations),
        strangers=tuple(strangers),
    )


def story_ten() -> Evidence:
    """Return the ages of acceptance story 10: 10, 80, 91 and 400 days against a policy of 90."""
    return evidence(key(f"key-{age}", age) for age in (10, 80, 91, 400))


def quarter() -> Evidence:
    """Return a small quarter in which everything occurs once."""
    return evidence(
        [
            key("crm-anthropic", 121, provider="anthropic", owner="", environment="staging", agents=("crm", "mailer")),
            key("mcp-orders-db", 14, provider="postgresql", owner="data team", agents=("mcp-postgres",)),
            key("openai-admin", 88, owner="platform security", environment="", agents=(), admin=True),
            key("orders-openai", 10),
            key("short-lived", 40, limit=30, agents=("orders",), ended_days=4),
            key("switched-off", 200, provider="anthropic", agents=(), unused=True),
        ],
        uses=[
            use("crm-anthropic", since_days=121),
            use("mcp-orders-db", since_days=14),
            use("openai-admin", since_days=88),
            use("orders-openai", since_days=170, until_days=10),
            use("orders-openai", since_days=10, version=2),
            use("short-lived", since_days=40, limit=30),
        ],
        rotations=[
            rotation("mcp-orders-db", days=14, mode="planned"),
            rotation("orders-openai", days=10),
            rotation("short-lived", days=3, outcome="rolled-back", dead_ms=None),
        ],
        exposures=[exposure("orders-openai"), exposure("crm-anthropic", days=2, seconds=None)],
        scans=[scan(), scan(gaps=[("huge.png", "image-limits")])],
        lists=[
            a_list(
                "openai",
                listed_key("key_0a1b2c3d4e5f", "openai-admin"),
                listed_key("key_1a1b2c3d4e5f", "orders-openai"),
                listed_key("key_2a1b2c3d4e5f"),
            )
        ],
        open_rotations=[
            open_rotation("mcp-orders-db", days=0.5, promoted_days=0.5, grace_days=1),
            open_rotation(
                "openai-admin", days=3, mode=Mode.FORCED, guided=True, outcome=Outcome.HALF_WAY,
                why="no standby is there: a person makes a new key and hands it in",
            ),
        ],
        strangers=[stranger()],
    )  # fmt: skip


names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
ages = st.integers(0, 1500)
providers = st.sampled_from(["openai", "anthropic", "postgresql"])


@st.composite
def populations(draw: st.DrawFn) -> Evidence:
    """Generate credentials of any age, of several providers, some with a limit of their own, some not in use."""
    chosen = draw(st.lists(names, unique=True, max_size=12))
    return evidence(
        key(
            name,
            draw(ages),
            provider=draw(providers),
            limit=draw(st.sampled_from([30, 90, 90, 365])),
            owner=draw(st.sampled_from(["", "orders team"])),
            unused=draw(st.sampled_from([False, False, True])),
        )
        for name in chosen
    )


def section(document: Document, title: str) -> Section:
    """Return the section of a title."""
    return next(one for one in document.sections if one.title == title)


def table(where: Section, title: str) -> Table:
    """Return the table of a title."""
    return next(block for block in where.blocks if isinstance(block, Table) and block.title == title)
