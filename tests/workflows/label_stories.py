"""Stories of goods that come back under a label of ours."""

from typing import Any
from uuid import UUID

from sqlalchemy import text

from tests.patience import eventually
from tests.shop import address
from tests.workflows.arising import set_sites
from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back
from tests.workflows.stage import Stage


async def ask_with_label(stage: Stage, units: int = 1, **body: Any) -> tuple[UUID, Any, Any]:
    """Deliver an order and ask for its units with a label; returns order, line and return."""
    order, line = await delivered(stage, units)
    return order, line, await ask_back(stage, order, line, units, ship_back="label", **body)


async def labelled(stage: Stage) -> tuple[UUID, Any, Any]:
    """The same, once the label is bought."""
    order, line, back = await ask_with_label(stage)
    return order, line, await label_is(stage, back, "booked")


async def without_label(stage: Stage) -> tuple[UUID, Any]:
    """Ask for a label to a site whose address is not known: the carrier is not even asked."""
    order, line = await delivered(stage)
    await set_sites(stage, "{}")
    back = await ask_back(stage, order, line, ship_back="label")
    await label_is(stage, back, "refused")
    await set_sites(stage, address().model_dump_json())
    return order, back


async def read(stage: Stage, back: Any, role: str = "support") -> Any:
    async with calling(stage) as callers:
        return (await callers.get(f"/returns/{back['id']}", role=role)).json()


async def label_is(stage: Stage, back: Any, status: str) -> Any:
    """Wait until the newest label of a return is in this state, and return the return."""

    async def there() -> Any:
        seen = await read(stage, back)
        return seen if seen["label"] and seen["label"]["status"] == status else None

    return await eventually(there)


async def parcel_is(stage: Stage, back: Any, status: str) -> Any:
    """Wait until the parcel under a return's label is in this state, and return the return."""

    async def there() -> Any:
        seen = await read(stage, back)
        return seen if seen["label"]["parcels"][0]["status"] == status else None

    return await eventually(there)


def number_of(back: Any) -> str:
    """Return the tracking number of the only parcel under a return's label."""
    [parcel] = back["label"]["parcels"]
    return str(parcel["tracking_number"])


async def send_back_is(stage: Stage, back: Any, status: str) -> Any:
    """Wait until the newest label to the customer is in this state, and return the return."""

    async def there() -> Any:
        seen = await read(stage, back)
        label = seen["send_back_label"]
        return seen if label and label["status"] == status else None

    return await eventually(there)


def back_number(back: Any) -> str:
    """Return the tracking number of the only parcel that goes to the customer again."""
    [parcel] = back["send_back_label"]["parcels"]
    return str(parcel["tracking_number"])


async def bookings(stage: Stage, back: Any) -> list[Any]:
    """Return what the carrier has sold for a return, the oldest first."""
    labels = await stage.shop.rows(
        "SELECT id FROM return_labels WHERE return_id = :id ORDER BY id", id=UUID(back["id"])
    )
    found = [await stage.carrier.ask("GET", f"/bookings?reference={row['id']}") for row in labels]
    return [booking for answer in found for booking in answer["data"]]


async def told(stage: Stage, back: Any, kind: str) -> list[Any]:
    """Return what the events of this type tell about a return, the oldest first."""
    rows = await stage.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = :type ORDER BY sequence",
        id=UUID(back["id"]),
        type=f"return.{kind}.v1",
    )
    return [row["data"] for row in rows]


async def scanned_before(stage: Stage, about: UUID, days: int) -> None:
    """Let days pass since the scans of a return's parcels, and since what was said of its goods."""
    # Scans are append-only; the trigger that says so is off for this transaction.
    async with stage.books.begin() as db:
        await db.execute(text("SET LOCAL session_replication_role = replica"))
        await db.execute(
            text(
                "UPDATE tracking_events SET recorded_at = recorded_at - :days * interval '1 day'"
                " WHERE parcel_id IN (SELECT p.id FROM parcels p JOIN return_labels l"
                " ON l.id = p.return_label_id WHERE l.return_id = :id)"
            ),
            {"days": days, "id": about},
        )
        await db.execute(
            text(
                "UPDATE return_dispositions SET created_at = created_at - :days * interval '1 day'"
                " WHERE return_line_id IN (SELECT id FROM return_lines WHERE return_id = :id)"
            ),
            {"days": days, "id": about},
        )


async def leaves(stage: Stage, back: Any) -> None:
    """Let the carrier take what goes back to the customer."""
    booked = await send_back_is(stage, back, "booked")
    await stage.advance(back_number(booked), "in_transit")
