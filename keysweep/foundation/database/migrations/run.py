"""Bring a store to the newest schema with Alembic, in one transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def upgrade(engine: Engine) -> None:
    """Run every migration that the store lacks."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    immediate = engine.connect().execution_options(keysweep_begin="BEGIN IMMEDIATE")
    with immediate as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
