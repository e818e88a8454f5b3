"""The runs of one story: told by the outbox, taking their steps, dying and stalling."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from db.outbox import drop_done
from db.runs import find_unfinished
from domain.documents import Kind
from domain.errors import DomainError
from domain.holds import HoldPlacement
from domain.ids import OrderId
from gateways.failures import PartnerFailure
from tests.activities.attempts import Attempt
from tests.activities.bench import Bench
from tests.activities.players import Player, Step, Wait, follow, fulfil, give_back

REFUSABLE = ("before book", "before capture", "before refund")


@dataclass
class Fact:
    """A partner's message on its way to us."""

    provider: str
    event_id: str
    body: dict[str, Any]

    @property
    def words(self) -> str:
        data = self.body["data"]
        if "code" in data:
            return f"{data['code']} {data['tracking_number'][-4:]}"
        return f"{data['kind']} {data['outcome']}"


@dataclass
class Scene:
    """An order, its runs, what is on its way, and what has happened so far."""

    bench: Bench
    rng: random.Random
    order: OrderId = field(init=False)
    told: list[str] = field(default_factory=list)
    runs: dict[UUID, Player] = field(default_factory=dict)
    strays: list[Attempt] = field(default_factory=list)
    mail: list[Fact] = field(default_factory=list)
    parked: dict[UUID, str] = field(default_factory=dict)
    announced: set[tuple[str, str]] = field(default_factory=set)
    holds: list[HoldPlacement] = field(default_factory=list)
    wishes: list[tuple[str, Callable[[], Awaitable[Any]]]] = field(default_factory=list)
    requests: int = 5
    crashes: int = 3

    async def documents(self) -> list[UUID]:
        return [self.order, *await self.bench.shipments(self.order), *await self.refunds()]

    async def refunds(self) -> list[UUID]:
        query = "SELECT id FROM refunds WHERE order_id = :id ORDER BY id"
        return [row["id"] for row in await self.bench.shop.rows(query, id=self.order)]

    async def due(self) -> list[Any]:
        """Return the oldest row of the outbox for each document of the story."""
        return await self.bench.shop.rows(
            "SELECT DISTINCT ON (document_id) id, kind, document_type, document_id, payload"
            " FROM outbox"
            " WHERE document_id = ANY(:ids) ORDER BY document_id, id",
            ids=await self.documents(),
        )

    async def dispatch(self) -> str:
        """Take one row out of the outbox, as the dispatcher would."""
        rows = await self.due()
        if not rows:
            return "nothing"
        row = self.rng.choice(rows)
        async with self.bench.shop.books.write_at_once() as db:
            await drop_done(db, [row["id"]])
        run = self.runs.get(row["document_id"])
        if row["kind"] == "start" and run is not None:
            return "known"
        if run is None or run.ended:
            run = self.start(row["document_id"], row["document_type"])
        run.news = run.news or row["kind"] == "signal"
        return f"{row['kind']} {self.name(run.id)}"

    def start(self, document: UUID, kind: str = Kind.SHIPMENT) -> Player:
        play = give_back if kind == Kind.REFUND else follow
        run = Player(document, fulfil if document == self.order else play)
        self.runs[document] = run
        return run

    def name(self, document: UUID) -> str:
        return "order" if document == self.order else f"shipment {str(document)[-4:]}"

    async def step(self, run: Player) -> str:
        """Let a run go on: begin its step, pass a partner's door, or hear what it came to."""
        if isinstance(run.next, Wait):
            run.answer(None)
            return f"{self.name(run.id)} hears"
        assert isinstance(run.next, Step)
        if run.attempt is None:
            run.attempts += 1
            run.attempt = Attempt(self.bench.take, run.next.name, run.next.given, run.attempts)
            await run.attempt.until_stopped()
            return f"{run.attempt} of {self.name(run.id)} begins"
        if not run.attempt.done:
            return await self.pass_door(run.attempt)
        if self.crashes and self.rng.random() < 0.1:
            run.attempt = None
            return "its answer is lost"
        try:
            result = run.attempt.result()
        except PartnerFailure as failure:
            run.attempt = None
            return f"again: {failure}"
        words = f"{run.attempt} of {self.name(run.id)} -> {result!r}"
        run.answer(result)
        return words

    async def pass_door(self, attempt: Attempt) -> str:
        place = attempt.place
        if place in REFUSABLE and self.requests and self.rng.random() < 0.1:
            attempt.refusal = "refused"
        await attempt.go_on()
        return f"{attempt} passes {place} {attempt.refusal}"

    async def crash(self, run: Player) -> str:
        """Let a worker die, or stall so long that another one takes the step over."""
        attempt, run.attempt = run.attempt, None
        self.crashes -= 1
        if attempt is None:
            return "nothing"
        if self.rng.random() < 0.5:
            self.strays.append(attempt)
            return f"{attempt} stalls {attempt.place}"
        await attempt.die()
        return f"{attempt} dies {attempt.place}"

    async def stray(self, attempt: Attempt) -> str:
        """Let a stalled attempt go on, though its run has taken the step elsewhere."""
        if not attempt.done:
            return await self.pass_door(attempt)
        self.strays.remove(attempt)
        try:
            return repr(attempt.result())
        except (DomainError, PartnerFailure) as refusal:
            return repr(refusal)

    async def lose(self) -> str:
        """Let Temporal lose a run."""
        run = self.runs[self.rng.choice(list(self.runs))]
        if run.ended or await self.has_ended():
            return "nothing"
        await self.crash(run)
        run.next, run.lost = None, True
        return self.name(run.id)

    async def has_ended(self) -> bool:
        query = "SELECT status FROM orders WHERE id = :id"
        return await self.bench.shop.one(query, id=self.order) in ("completed", "cancelled")

    async def sweep(self) -> list[str]:
        """Start unfinished documents' runs that are gone."""
        async with self.bench.shop.books.read() as db:
            found = await find_unfinished(db)
        ours = set(await self.documents())
        lost = [
            (row.id, row.kind)
            for row in found
            if row.id in ours
            and not row.due
            and (row.id not in self.runs or self.runs[row.id].ended)
        ]
        for document, kind in lost:
            self.start(document, kind).news = True
        return [self.name(document) for document, _ in lost]
