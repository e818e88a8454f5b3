"""Goods on their way to the customer again, and answers that come while the carrier scans them."""

from typing import Any

import pytest

from activities.returns.inspecting import inspect_return
from activities.returns.leaving import settle_leaving, settle_send_back
from activities.returns.receiving import receive_return
from db.reads.tasks import get_task
from domain.ids import ReturnId, TaskId, new_id
from domain.returns.requests import InspectedUnits, InspectReturn, ReceivedLine, ReceiveReturn
from domain.returns.status import Disposition
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind
from gateways.carriers.sandbox import SANDBOX_CARRIER
from tests.activities.bench import Bench
from tests.aging import DAYS, age, sweep


async def _labelled(bench: Bench) -> ReturnId:
    """Bring a unit that is not accepted as far as its label to the customer."""
    back = await bench.authorized_return()
    line = await bench.shop.one("SELECT id FROM return_lines WHERE return_id = :id", id=back)
    came = ReceiveReturn(lines=(ReceivedLine(return_line_id=line, quantity=1),))
    away = Disposition.RETURN_TO_CUSTOMER
    units = InspectedUnits(return_line_id=line, quantity=1, disposition=away, accepted=False)
    async with bench.shop.books.begin() as db:
        await receive_return(db, back, new_id(), came, actor="warehouse")
        await inspect_return(db, back, InspectReturn(lines=(units,)), actor="inspector")
    await bench.take("settle_return", back)
    await _answer(bench, back, TaskKind.REJECTED_GOODS, "send", settle_leaving)
    assert await bench.take("book_return_label", back) == "booked"
    return back


async def _answer(bench: Bench, back: ReturnId, kind: TaskKind, choice: str, settle: Any) -> None:
    query = "SELECT id FROM tasks WHERE document_id = :id AND kind = :kind AND status = 'open'"
    async with bench.shop.books.begin() as db:
        task = await get_task(db, await bench.shop.one(query, id=back, kind=kind))
        answer = Decision(task_id=TaskId(task.id), choice=choice, actor="support")
        await settle(db, task, answer, AnswerDetails())


async def _scanned(bench: Bench, back: ReturnId) -> None:
    """The carrier takes the parcel along, and the return's run has not looked yet."""
    number = await bench.shop.one(
        "SELECT p.tracking_number FROM parcels p JOIN return_labels l ON l.id = p.return_label_id"
        " WHERE l.return_id = :id",
        id=back,
    )
    scan = await bench.carrier.ask("POST", f"/sandbox/parcels/{number}/scans", {"code": "PU"})
    event = scan.pop("event_id")
    await bench.hear(
        SANDBOX_CARRIER.webhooks, event, {"id": event, "type": "tracking.scan", "data": scan}
    )


@pytest.mark.parametrize("choice", ["settled", "sent", "send"])
async def test_goods_that_the_carrier_took_meanwhile_have_left_whatever_support_says(
    bench: Bench, choice: str
) -> None:
    """They are in nobody's house: not lost there, and not waiting for another label."""
    back = await _labelled(bench)
    await age(bench, "return_labels", "booked_at", 3 * DAYS, return_id=back)
    await sweep(bench)
    await _scanned(bench, back)
    await _answer(bench, back, TaskKind.SEND_BACK_FAILED, choice, settle_send_back)
    query = "SELECT kind, actor FROM movements WHERE document_id = :id AND key LIKE 'left/%'"
    [left] = await bench.shop.rows(query, id=back)
    assert (left["kind"], left["actor"]) == ("issue", "carrier")
    assert await bench.broken() == []
