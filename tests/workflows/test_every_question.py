"""Every question can be ended: some answer to it carries its order to an end, with nothing open."""

from typing import Any

import pytest

from domain.ids import OrderId
from domain.shipments.booking import AnswerDetails
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.arising_repairs import REPAIRS
from tests.workflows.arising_work import WORK
from tests.workflows.counting_situations import COUNTS
from tests.workflows.registering_situations import REGISTRATIONS
from tests.workflows.shortage_situations import SHORTAGES
from tests.workflows.situations import SITUATIONS, Situation
from tests.workflows.stage import Stage
from tests.workflows.waiting_situations import WAITING

OPEN = """SELECT kind FROM tasks WHERE status = 'open' AND (document_id = :id OR document_id IN (
    SELECT id FROM shipments WHERE order_id = :id UNION SELECT id FROM refunds
    WHERE order_id = :id UNION SELECT id FROM returns
    WHERE order_id = :id UNION SELECT id FROM claims
    WHERE order_id = :id UNION SELECT id FROM holds
    WHERE document_id = :id))"""
PROMISED = """SELECT coalesce(sum(quantity), 0)::int FROM reservations
    WHERE document_id = :id AND status = 'active'"""
MOVING = """SELECT p.tracking_number FROM parcels p JOIN shipments s ON s.id = p.shipment_id
    WHERE s.order_id = :id AND s.settled_at IS NULL
        AND s.status IN ('booked', 'picked_up', 'in_transit', 'out_for_delivery')"""
ALL = (*SITUATIONS, *WORK, *REPAIRS, *WAITING, *REGISTRATIONS, *SHORTAGES, *COUNTS)


@pytest.mark.parametrize("situation", ALL, ids=str)
async def test_some_answer_ends_the_question(stage: Stage, situation: Situation) -> None:
    """Kind 3: the question stays answered, and its order comes to an end that leaves nothing."""
    asked = await situation.arise(stage)
    task = await stage.task(situation.kind, asked.about)
    details = situation.details
    given = details if isinstance(details, AnswerDetails) else await details(stage)
    await stage.decide(situation.kind, asked.about, situation.choice, given)
    await situation.then(stage, asked)
    if asked.order is not None:
        await _ends(stage, asked.order)
        assert await stage.shop.rows(OPEN, id=asked.order) == []
    query = "SELECT status, outcome FROM tasks WHERE kind = :kind AND document_id = :about"
    of_kind = await stage.shop.rows(query, kind=situation.kind, about=asked.about)
    assert {"status": "done", "outcome": situation.choice} in of_kind
    assert [one for one in of_kind if one["status"] == "open"] == []
    assert situation.choice in task["choices"]


async def _ends(stage: Stage, order: OrderId) -> None:
    """The carrier delivers what has a label, and the order comes to its end."""

    async def ended() -> Any:
        for parcel in await stage.shop.rows(MOVING, id=order):
            await stage.advance(parcel["tracking_number"], "delivered")
        query = "SELECT status FROM orders WHERE id = :id"
        return await stage.shop.one(query, id=order) in ("completed", "cancelled")

    await eventually(ended)
    await stage.result(stage.run(order))
    for back in await stage.shop.rows("SELECT id FROM returns WHERE order_id = :id", id=order):
        await stage.result(stage.returning(back["id"]))
    for made in await stage.shop.rows("SELECT id FROM claims WHERE order_id = :id", id=order):
        await stage.result(stage.claiming(made["id"]))
    assert await stage.shop.one(PROMISED, id=order) == 0


def test_every_kind_of_task_has_a_situation_and_an_answer_that_ends_it() -> None:
    """Kind 3: a kind that is in the domain and not in the table has not been thought through."""
    assert {situation.kind for situation in ALL} == set(TaskKind)
