"""What every table shares: naming of constraints, column types, and enum checks."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    MetaData,
    Numeric,
    Sequence,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column

from domain.money import Money

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[UUID, mapped_column(primary_key=True)]
Quantity = Annotated[Decimal, mapped_column(Numeric(20, 6))]
Rate = Annotated[Decimal, mapped_column(Numeric(9, 6))]
Minor = Annotated[int, mapped_column(BigInteger)]
"""Minor units of the row's currency."""


Kept = Annotated[dict[str, str], mapped_column(JSONB, server_default=text("'{}'"))]
"""What callers keep with a row, in a column ``metadata``: a name that no class may use."""


Updated = Annotated[datetime, mapped_column(server_default=func.now())]
"""When the row's ``version`` was last counted up: a trigger of the database writes it."""


class Base(DeclarativeBase):
    """Typed tables; queries return rows, not objects."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
        str: Text,
    }


def columns_of(row: type[Base]) -> Table:
    """Return the table of a class of rows, whose columns are written by their own names."""
    return Base.metadata.tables[row.__tablename__]


class DocumentRow(Base):
    """What the rows of all kinds of documents have; a kind's table adds its own columns."""

    __abstract__ = True

    id: Mapped[Id]
    number: Mapped[str]
    status: Mapped[str]
    updated_at: Mapped[Updated]
    version: Mapped[int] = mapped_column(server_default="1")


def added_in_order(table: str, moment: str) -> Index:
    """Return the index of a table that rows are only added to by when they were: of a few kB."""
    return Index(
        f"ix_{table}_{moment}",
        moment,
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )


def numbered(prefix: str, sequence: str) -> MappedColumn[str]:
    """Return the column of human numbers such as ``SHP-1042``: unique, from one sequence."""
    Sequence(sequence, start=1001, metadata=Base.metadata)
    return mapped_column(unique=True, server_default=text(f"'{prefix}-' || nextval('{sequence}')"))


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Allow only these words in a column; a CHECK keeps adding a word a cheap change."""
    return CheckConstraint(f"{column} IN ({in_words(values)})", name=column)


def priced(name: str) -> str:
    """Return the condition that an amount that may be missing has its currency with it."""
    amount, currency = f"{name}_amount", f"{name}_currency"
    return f"num_nonnulls({amount}, {currency}) <> 1 AND {amount} >= 0"


def priced_as(name: str, given: Money | None) -> dict[str, Any]:
    """Return the columns of an amount that may be missing."""
    return {
        f"{name}_amount": None if given is None else given.amount,
        f"{name}_currency": None if given is None else given.currency,
    }


def in_words(values: Iterable[str]) -> str:
    """Write words as SQL has them, with commas between them."""
    return ", ".join(f"'{value}'" for value in values)
