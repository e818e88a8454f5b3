"""How questions about lost replacements arise that are to be sent once more."""

from uuid import UUID

from domain.tasks import TaskKind
from tests.aging import DAYS
from tests.workflows.arising import Asked
from tests.workflows.replacement_stories import lost
from tests.workflows.stage import Stage


async def nothing_to_send_again(stage: Stage) -> Asked:
    """A lost replacement is to be sent once more, and there is no stock for as long as we wait."""
    order, back, shipment = await lost(stage)
    await stage.decide(TaskKind.REPLACEMENT_LOST, shipment, "replace")
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, 8 * DAYS)
    return Asked(UUID(back["id"]), order)
