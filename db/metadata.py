"""What every table shares: naming of constraints, column types, and enum checks."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

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


class Base(DeclarativeBase):
    """Typed tables; queries return rows, not objects."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        str: Text,
    }


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """Allow only these words in a column; a CHECK keeps adding a word a cheap change."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=column)
