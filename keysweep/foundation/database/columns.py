"""The words in which `tables.py` is written: every table and column has a comment, on SQLite too."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, CreateTable

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


@compiles(CreateTable, "sqlite")
def _comment_tables(element: Any, compiler: Any, **options: Any) -> str:
    """SQLite keeps the text of a CREATE TABLE: put the table's comment into it."""
    head, opening, rest = compiler.visit_create_table(element, **options).partition("(")
    comment = element.element.comment
    return f"{head}\n-- {comment}\n{opening}{rest}" if comment else f"{head}{opening}{rest}"


@compiles(CreateColumn, "sqlite")
def _comment_columns(element: Any, compiler: Any, **options: Any) -> str:
    """The same for each column's comment."""
    column = compiler.visit_create_column(element, **options)
    comment = element.element.comment
    return f"-- {comment}\n\t{column}" if comment and column else column


def table(name: str, comment: str, *items: Any) -> Table:
    """A table with its comment; STRICT on SQLite."""
    return Table(name, metadata, *items, comment=comment, sqlite_strict=True)


def text(name: str, comment: str, *args: Any, null: bool = False, **kwargs: Any) -> Column[Any]:
    """A column of text; it sorts by its bytes on every engine."""
    return Column(
        name, Text().with_variant(Text(collation="C"), "postgresql"), *args, nullable=null, comment=comment, **kwargs
    )


def integer(name: str, comment: str, *args: Any, null: bool = False, **kwargs: Any) -> Column[Any]:
    """A column of whole numbers."""
    return Column(name, Integer, *args, nullable=null, comment=comment, **kwargs)


def blob(name: str, comment: str, *args: Any, null: bool = False, **kwargs: Any) -> Column[Any]:
    """A column of bytes."""
    return Column(name, LargeBinary, *args, nullable=null, comment=comment, **kwargs)
