"""Facts whose application fails: they hold up nothing, and end as a person's task."""

from sqlalchemy import text

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.stage import Stage

BREAK = "ALTER TABLE tracking_events ADD CONSTRAINT ck_broken CHECK (place <> 'Mars') NOT VALID"
MEND = "ALTER TABLE tracking_events DROP CONSTRAINT ck_broken"
HURRY = (
    "UPDATE outbox SET attempts = 10, next_attempt_at = now() WHERE kind = 'fact'"
    " AND last_error LIKE '%ck_broken%' RETURNING document_id"
)


async def test_a_fact_that_fails_time_and_again_is_put_to_a_person_and_the_next_go_on(
    stage: Stage,
) -> None:
    """T10: retried for ever, it was nobody's; the kind is any failure while applying a fact."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")

    async def alter(statement: str) -> None:
        async with stage.books.begin() as db:
            await db.execute(text(statement))

    async def hurry() -> object:
        async with stage.books.begin() as db:
            return (await db.execute(text(HURRY))).scalar_one_or_none()

    await alter(BREAK)
    try:
        await stage.scan(shipment, "DP", place="Mars")
        await stage.scan(shipment, "OD", place="Reno")
        await stage.shipment(order, "out_for_delivery")
        fact = await eventually(hurry)
        task = await stage.task(TaskKind.UNAPPLIED_FACT, fact)
    finally:
        await alter(MEND)
    assert "ck_broken" in task["facts"]["problem"]
    assert "INSERT" not in task["facts"]["problem"]
    assert '"place":"Mars"' in task["facts"]["raw"].replace(" ", "")
    assert await stage.shop.one("SELECT state FROM inbound_facts WHERE id = :id", id=fact) == "task"
    await stage.scan(shipment, "DL")
    assert await stage.result(stage.run(order)) == "completed"
