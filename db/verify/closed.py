"""The ledgers by day: a day that is over was added up once, and must come to the same for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base
from db.verify.check import Check, Rows
from db.verify.mark import LAG


class ClosedDayRow(Base):
    """What was written into a ledger on one day (UTC), added up once the day was over."""

    __tablename__ = "closed_days"

    ledger: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    entries: Mapped[int]
    total: Mapped[Decimal] = mapped_column(Numeric)
    """Units, or minor units of whatever currency; 0 where nothing can be added up."""
    checksum: Mapped[Decimal] = mapped_column(Numeric)
    """The sum of a hash of each entry: it tells any entry from another, in whatever order."""


@dataclass(frozen=True)
class Ledger:
    """A table to which rows are only added; ``moment`` is when each was."""

    table: str
    moment: str
    total: str
    columns: str
    """What of an entry must stay. A column that comes later is left out for ever."""


LEDGERS = (
    Ledger(
        "movements",
        "recorded_at",
        "quantity",
        "id, key, kind, item_id, quantity, from_location_id, to_location_id, reason, document_type,"
        " document_id, line_id, actor, occurred_at, recorded_at, lot_id, unit_cost_amount,"
        " unit_cost_currency, reverses_id, balances_id",
    ),
    Ledger(
        "payment_entries",
        "recorded_at",
        "amount",
        "id, payment_id, kind, phase, key, amount, provider_reference, shipment_id, refund_id,"
        " failure_code, received_on, failure_message, recorded_at",
    ),
    Ledger(
        "tracking_events",
        "recorded_at",
        "0",
        "id, parcel_id, hash, code, status, exception, place, message, signed_by, source,"
        " occurred_at, recorded_at",
    ),
    Ledger(
        "events",
        "time",
        "0",
        "id, type, subject, subject_id, sequence, time, actor, correlation_id, data",
    ),
)
_FIRST_OPEN = f"CAST((now() - interval '{LAG.total_seconds()} seconds') AT TIME ZONE 'UTC' AS date)"


def _sums(ledger: Ledger, where: str) -> str:
    return f"""SELECT '{ledger.table}' AS ledger,
            CAST({ledger.moment} AT TIME ZONE 'UTC' AS date) AS day, count(*) AS entries,
            CAST(sum({ledger.total}) AS numeric) AS total,
            sum(hash_record_extended(ROW({ledger.columns}), 0)) AS checksum
        FROM {ledger.table} x WHERE {where} GROUP BY 2"""


# A day on which nothing was written has no row, but for the last of the closed ones.
_NOW = " UNION ALL ".join(
    _sums(
        each,
        f"{each.moment} < (SELECT max(day) + 1 FROM closed_days WHERE ledger = '{each.table}')"
        " AT TIME ZONE 'UTC'",
    )
    for each in LEDGERS
)
_ALTERED = text(
    f"""SELECT ledger, day, coalesce(n.entries, 0) AS entries, coalesce(c.entries, 0) AS were,
        coalesce(n.total, 0) AS total, coalesce(c.total, 0) AS was
    FROM ({_NOW}) n FULL JOIN closed_days c USING (ledger, day)
    WHERE (coalesce(n.entries, 0), coalesce(n.total, 0), coalesce(n.checksum, 0))
        IS DISTINCT FROM (coalesce(c.entries, 0), coalesce(c.total, 0), coalesce(c.checksum, 0))
    ORDER BY day DESC, ledger"""
)
_TO_CLOSE = text(
    " UNION ALL ".join(
        f"""SELECT * FROM (
            {
            _sums(
                each,
                f"{each.moment} < {_FIRST_OPEN} AT TIME ZONE 'UTC' AND {each.moment} >= "
                f"coalesce((SELECT max(day) + 1 FROM closed_days WHERE ledger = '{each.table}')"
                " AT TIME ZONE 'UTC', '-infinity')",
            )
        }) days
        UNION ALL SELECT '{each.table}', {_FIRST_OPEN} - 1, 0, 0, 0"""
        for each in LEDGERS
    )
)
_CLOSE = text(
    """INSERT INTO closed_days (ledger, day, entries, total, checksum)
    SELECT DISTINCT ON (ledger, day) ledger, day, entries, total, checksum
    FROM jsonb_to_recordset(CAST(:days AS jsonb))
        AS d(ledger text, day date, entries bigint, total numeric, checksum numeric)
    ORDER BY ledger, day, entries DESC
    ON CONFLICT DO NOTHING"""
)


async def find_altered(db: AsyncConnection) -> Rows:
    """Return closed days whose ledger does not come to what it came to then, the newest first."""
    return [dict(row) for row in (await db.execute(_ALTERED)).mappings()]


async def days_to_close(db: AsyncConnection) -> Sequence[Any]:
    """Return the sums of the days that are over and not closed yet."""
    return [
        {
            **row,
            "day": str(row["day"]),
            "total": str(row["total"]),
            "checksum": str(row["checksum"]),
        }
        for row in (await db.execute(_TO_CLOSE)).mappings()
    ]


async def close_days(db: AsyncConnection, days: Sequence[Any]) -> None:
    """Keep the sums of days as they were seen, unless others are kept already."""
    await db.execute(_CLOSE, {"days": to_json(days)})


async def open_days(db: AsyncConnection) -> None:
    """Forget all sums: what is there now counts, once it is found to be sound."""
    await db.execute(text("DELETE FROM closed_days"))


CHECKS = (
    Check(
        "I17a",
        "What was written into a ledger on a day that is closed stands there as it was",
        find=find_altered,
        whole=True,
    ),
)
