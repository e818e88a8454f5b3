"""Random time of several technicians on several works: none overlaps, and the sums are exact."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from activities.work_orders.timing import record_time
from api.work_orders.views import work_order_view
from db.documents import WORK_ORDERS
from db.work_orders.reads import get_work_order
from domain.access import EVERYTHING
from domain.errors import IllegalMove, Overlaps
from domain.ids import TimeEntryId, new_id
from domain.policy import Policy
from domain.work_orders.people import RecordTime
from tests.activities.at_bench import PLANNER, begin, finish, released
from tests.activities.bench import Bench
from tests.seeds import seed

SEED = seed()
ENTRIES = 80
MINUTE = timedelta(minutes=1)
Entry = tuple[UUID, str, int, int]
"""The work, who did it, and from which minute until which."""


async def test_random_times_never_overlap_and_sum_up_to_what_was_worked(bench: Bench) -> None:
    """Work orders R5: also where entries are corrected."""
    rng = random.Random(SEED)
    works = [await released(bench.shop) for _ in range(2)]
    for work in works:
        await begin(bench.shop, work)
    query = """SELECT t.code FROM technicians t JOIN assignments a ON a.technician_id = t.id
        WHERE a.work_order_id = ANY(:ids) ORDER BY 1"""
    people = [row["code"] for row in await bench.shop.rows(query, ids=works)]
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    counted: dict[UUID, Entry] = {}
    gone: list[tuple[UUID, UUID]] = []
    for _ in range(ENTRIES):
        since = rng.randrange(600)
        entry = (rng.choice(works), rng.choice(people), since, since + rng.randint(1, 60))
        mine = [each for each, other in counted.items() if other[0] == entry[0]]
        corrects = rng.choice(mine) if mine and rng.random() < 0.3 else None
        if gone and rng.random() < 0.1:
            corrects = rng.choice(gone)[0]
        again = (corrects, entry[0]) in gone
        if corrects not in counted and not again:
            corrects = None
        made = new_id()
        asked = RecordTime(
            technician=entry[1],
            since=first + entry[2] * MINUTE,
            until=first + entry[3] * MINUTE,
            corrects_id=TimeEntryId(corrects) if corrects else None,
        )
        try:
            async with bench.shop.books.begin() as db:
                found = await WORK_ORDERS.lock(db, entry[0])
                await record_time(db, found, made, asked, Policy(), actor="operator")
        except (Overlaps, IllegalMove):
            assert again or overlaps(entry, counted, corrects), f"refused, {SEED}"
            continue
        assert not again, f"corrected twice, {SEED}"
        assert not overlaps(entry, counted, corrects), f"accepted, {SEED}"
        if corrects:
            gone.append((corrects, counted.pop(corrects)[0]))
        counted[made] = entry
    for work in works:
        minutes = sum(each[3] - each[2] for each in counted.values() if each[0] == work)
        async with bench.shop.books.read() as db:
            seen = work_order_view(await get_work_order(db, work, EVERYTHING, costs=True), PLANNER)
        assert seen.worked_minutes == minutes, SEED
        await finish(bench.shop, work)


def overlaps(entry: Entry, counted: dict[UUID, Entry], corrects: UUID | None) -> bool:
    """Whether somebody was at work at that time already, but for what is corrected."""
    return any(
        other[1] == entry[1] and other[2] < entry[3] and entry[2] < other[3]
        for each, other in counted.items()
        if each != corrects
    )
