"""Situations in which a count differs from the books, as those of `situations`."""

from decimal import Decimal

from activities.inventory.counting import submit_count
from domain.counts import CountedLine, SubmitCount
from domain.ids import new_id
from domain.policy import Policy
from domain.tasks import TaskKind
from tests.workflows.arising import Asked
from tests.workflows.situations import Situation
from tests.workflows.stage import Stage


async def one_is_missing(stage: Stage) -> Asked:
    mug = await stage.shop.item(AUS=3)
    line = CountedLine(item_id=mug, site="AUS", counted=Decimal(2))
    count = new_id()
    async with stage.books.begin() as db:
        await submit_count(db, count, SubmitCount(lines=(line,)), Policy(), actor="counter")
    return Asked(count)


COUNTS = (
    Situation(TaskKind.COUNT_REVIEW, "it stands", one_is_missing, "accept"),
    Situation(TaskKind.COUNT_REVIEW, "it is repeated", one_is_missing, "recount"),
)
