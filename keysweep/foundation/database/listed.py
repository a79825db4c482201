"""The table `listed`: what the inventory is filtered and sorted by, copied beside each other by triggers, and compared with its source.

Facts of one credential stand in three tables; no index spans them, so a page of a large inventory had to join and sort them all.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

_COLUMNS = "credential_id, name, provider, owner, environment, class, used_at, since, own_days, retired, has_value"
_SOURCE = """
    SELECT c.id AS credential_id, c.name, c.provider, c.owner, c.environment, coalesce(p.class, '') AS class,
        coalesce(p.last_used_at, '') AS used_at, coalesce(c.rotated_at, c.created_at) AS since, c.max_age_days AS own_days,
        CASE WHEN c.retired_at IS NULL THEN 0 ELSE 1 END AS retired,
        CASE WHEN EXISTS (SELECT 1 FROM version v WHERE v.credential_id = c.id AND v.state = 'current') THEN 1 ELSE 0 END
            AS has_value
    FROM credential c LEFT JOIN profile p ON p.credential_id = c.id
"""
_FILL = f"INSERT INTO listed ({_COLUMNS}) {_SOURCE}"
_CREDENTIAL = """
    UPDATE listed SET credential_id = NEW.id, name = NEW.name, provider = NEW.provider, owner = NEW.owner,
        environment = NEW.environment, since = coalesce(NEW.rotated_at, NEW.created_at), own_days = NEW.max_age_days,
        retired = CASE WHEN NEW.retired_at IS NULL THEN 0 ELSE 1 END
    WHERE credential_id = OLD.id
"""
_PROFILE = "UPDATE listed SET class = NEW.class, used_at = coalesce(NEW.last_used_at, '') WHERE credential_id = NEW.credential_id"
_VALUED = "UPDATE listed SET has_value = 1 WHERE credential_id = NEW.credential_id"
_VERSION = """
    UPDATE listed SET has_value = CASE WHEN EXISTS
        (SELECT 1 FROM version v WHERE v.credential_id = NEW.credential_id AND v.state = 'current') THEN 1 ELSE 0 END
    WHERE credential_id = NEW.credential_id
"""
_TRIGGERS = (
    ("credential_added", "INSERT ON credential", "", f"{_FILL} WHERE c.id = NEW.id"),
    ("credential_changed", "UPDATE ON credential", "", _CREDENTIAL),
    ("credential_deleted", "DELETE ON credential", "", "DELETE FROM listed WHERE credential_id = OLD.id"),
    ("profile_added", "INSERT ON profile", "", _PROFILE),
    ("profile_changed", "UPDATE OF class, last_used_at ON profile", "", _PROFILE),
    ("version_added", "INSERT ON version", "NEW.state = 'current'", _VALUED),
    ("version_changed", "UPDATE OF state ON version", "NEW.state <> OLD.state", _VERSION),
)
"""Name, event, condition, and what is done: the same words on both engines."""


def keep_listed(op: Any) -> None:
    """Fill the table from what there is, and have the engine keep it from now on.

    Args:
        op: Alembic's operations, inside a migration.
    """
    op.execute(_FILL)
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, event, condition, action in _TRIGGERS:
        head = f"CREATE TRIGGER listed_{name} AFTER {event} FOR EACH ROW"
        when = f" WHEN ({condition})" if condition else ""
        if sqlite:
            op.execute(f"{head}{when} BEGIN {action}; END")
            continue
        op.execute(
            f"CREATE FUNCTION listed_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {action}; RETURN NULL; END $$"
        )
        op.execute(f"{head}{when} EXECUTE FUNCTION listed_{name}()")


def fill_at_commit(op: Any) -> None:
    """Have PostgreSQL copy a new credential at the end of its transaction.

    Each change of a copy leaves a dead row behind in every index there, and an import of thousands made them three times as
    large as what they hold.  SQLite changes rows in place.

    Args:
        op: Alembic's operations, inside a migration.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER listed_credential_added ON credential")
        op.execute(
            "CREATE CONSTRAINT TRIGGER listed_credential_added AFTER INSERT ON credential DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION listed_credential_added()"
        )


def walk_indexes(connection: Connection) -> None:
    """Have PostgreSQL walk an index in its order for the rest of the transaction.

    It takes what a filter leaves for a tenth of what it is, and would rather sort tens of thousands of rows, on disk.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL enable_sort = off")


def differing(connection: Connection, limit: int) -> tuple[str, ...]:
    """Return names of credentials that are listed otherwise than they are; *limit* of them at most."""
    query = f"""
        SELECT name FROM ({_SOURCE} EXCEPT SELECT {_COLUMNS} FROM listed) AS missing
        UNION SELECT name FROM (SELECT {_COLUMNS} FROM listed EXCEPT {_SOURCE}) AS more ORDER BY 1 LIMIT {limit}
    """  # noqa: S608  constants of this module
    return tuple(connection.execute(text(query)).scalars())
