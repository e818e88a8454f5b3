"""The end of a story: everybody does what is left for them to do, and then all must be well."""

from typing import Any

from tests.activities.players import Wait
from tests.activities.story import Story

ROUNDS = 40


class Unsound(AssertionError):
    """What the story came to is not what it should."""


async def end(story: Story) -> None:
    """Bring the story to its end: no more crashes, whims or silences."""
    story.crashes = story.requests = 0
    for turn in range(ROUNDS):
        await _calm_down(story)
        if await _over(story):
            return await _check(story)
        story.told.append(f"--- round {turn}")
        await _help(story, turn)
    raise Unsound("the order does not come to its end")


async def _calm_down(story: Story) -> None:
    """Let happen what needs no person and no partner's whim."""
    while True:
        before = len(story.told)
        while story.strays:
            await _tell(story, "stray", story.stray(story.strays[0]))
        for run in list(story.runs.values()):
            while not run.ended and not run.stays:
                await _tell(story, "run", story.step(run))
        while story.mail:
            await _tell(story, "mail", story.deliver())
        if applied := await story.unpark():
            story.told.append(f"parked: {applied}")
        while (told := await story.dispatch()) != "nothing":
            story.told.append(f"tell a run: {told}")
        if lost := await story.sweep():
            story.told.append(f"sweep: {lost}")
        if announced := await story.provider():
            story.told.append(f"provider: {announced}")
        if len(story.told) == before:
            return


async def _tell(story: Story, what: str, happening: Any) -> None:
    story.told.append(f"{what}: {await happening}")


async def _over(story: Story) -> bool:
    return await story.has_ended() and all(run.ended for run in story.runs.values())


async def _help(story: Story, turn: int) -> None:
    """Let people answer, holds be lifted, time pass and the carrier bring what it has."""
    for _ in list(story.holds):
        await _tell(story, "release", story.release())
    if await story.is_unpaid():
        await _tell(story, "pay", story.pay("tok_ok"))
    run = story.runs.get(story.order)
    if run is not None and run.next is Wait.NEWS_OR_WINDOW:
        story.told.append("the payment window passes")
        run.answer(True)
    for parcel in await story.parcels():
        if parcel["shipment"] not in ("pending", "voided", "cancelled"):
            code = story.rng.choice(["DL", "DL", "DL", "LO", "RT"]) if turn == 0 else "DL"
            scan = story.scan(code, parcel["tracking_number"], 1000 + turn)
            if parcel["status"] not in ("delivered", "lost", "returned"):
                await _tell(story, "scan", scan)
            else:
                scan.close()
    if turn:
        for _ in await story.questions():
            await _tell(story, "decide", story.decide("retry" if turn < 3 else "write_off"))


async def _check(story: Story) -> None:
    """Raise Unsound for what is wrong at the end."""
    # No order here has a return: what others leave open of theirs is not its fault.
    wrong: list[Any] = [
        found
        for found in await story.bench.unsettled()
        if not (found.settles and found.id.startswith("I9"))
    ]
    wrong += [f"nobody waits for the answer: {task}" for task in await story.questions()]
    wrong += await story.bench.shop.rows(
        "SELECT s.number, s.exception_reason AS unnoticed FROM shipments s"
        " WHERE s.order_id = :id AND s.handed_over_at IS NOT NULL"
        " AND s.exception_reason IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tasks t"
        " WHERE t.document_id = s.id AND t.kind IN ('address_problem', 'parcel_exception'))",
        id=story.order,
    )
    if wrong:
        raise Unsound(wrong)
