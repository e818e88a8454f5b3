"""One order's life as a random story: partners, people and crashes take turns in any order."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from activities.payments.accepting import pay_order
from domain.documents import Document, Kind
from domain.errors import AlreadyExists, IllegalMove
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import TaskId, new_id
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.tasks import RULES, Decision, TaskKind
from tests.activities.outside import Outside
from tests.activities.players import Player

TOKENS: list[str | None] = ["tok_ok"] * 5
TOKENS += ["tok_capture_declined"] * 2 + ["tok_action_required"] * 2 + ["tok_declined", None]
UNITS = [1, 2, 3, 180, 360]
"""A box takes 170 units."""

_ASKED = [str(kind) for kind, rule in RULES.items() if rule.asker]
_DOCUMENTS = "SELECT id FROM shipments WHERE order_id = :order UNION ALL SELECT :order"
_THERE = f"""SELECT
    EXISTS (SELECT 1 FROM outbox WHERE document_id IN ({_DOCUMENTS})) AS due,
    EXISTS (SELECT 1 FROM parcels p JOIN shipments s ON s.id = p.shipment_id
        WHERE s.order_id = :order) AS parcels,
    EXISTS (SELECT 1 FROM tasks WHERE status = 'open' AND kind = ANY(:kinds)
        AND document_id IN ({_DOCUMENTS})) AS questions"""

Move = tuple[int, str, Callable[[], Awaitable[Any]]]


class Story(Outside):
    """A scene with people, and with chance."""

    async def begin(self) -> None:
        """Place an order of one to three lines over one or two sites."""
        wishes = [("cancel", self.cancel), ("hold", self.hold), ("pay", self.pay)]
        self.wishes = self.rng.sample(wishes, self.rng.randint(0, 3))
        lines = []
        for _ in range(self.rng.randint(1, 3)):
            units = self.rng.choice(UNITS)
            here = self.rng.randint(0, units)
            stock = {"AUS": here, "RNO": units - here}
            held = {site: there for site, there in stock.items() if there}
            lines.append((await self.bench.shop.item(**held), units))
        token = self.rng.choice(TOKENS)
        self.order = await self.bench.shop.place(*lines, token=token)
        self.told.append(f"placed {[units for _, units in lines]} with {token}")

    # What may happen next.

    async def moves(self) -> list[Move]:
        """Return all that may happen now, with weights."""
        moves: list[Move] = [(1, "provider", self.provider)]
        [there] = await self.bench.shop.rows(_THERE, order=self.order, kinds=_ASKED)
        if there["due"]:
            moves.append((6, "tell a run", self.dispatch))
        moves += [(8, f"run {run.next}", partial(self.step, run)) for run in self._busy()]
        moves += [(1, f"stray {one}", partial(self.stray, one)) for one in self.strays]
        if self.mail:
            moves += [
                (6, "mail", self.deliver),
                (1, "mail twice", partial(self.deliver, keep=True)),
            ]
        if self.parked:
            moves.append((2, "parked", self.unpark))
        if there["parcels"]:
            moves.append((5, "scan", self.scan))
        if self.requests:
            moves += [(1, name, ask) for name, ask in self.wishes]
        if there["questions"]:
            moves.append((3, "decide", self.decide))
        if any(run.lost for run in self.runs.values()):
            moves.append((3, "sweep", self.sweep))
        if self.holds:
            moves.append((2, "release", self.release))
        if self.crashes:
            moves += [(1, f"crash {run.next}", partial(self.crash, run)) for run in self._busy()]
            if self.runs:
                moves.append((1, "lose a run", self.lose))
        return moves

    async def go_on(self) -> None:
        """Let one thing happen."""
        moves = await self.moves()
        [(_, words, happen)] = self.rng.choices(moves, [move[0] for move in moves])
        outcome = await happen()
        self.told.append(f"{words}: {outcome}")

    def _busy(self) -> list[Player]:
        return [run for run in self.runs.values() if not run.ended and not run.stays]

    # What people ask for.

    async def ask(self, name: str, given: Any) -> str:
        """Ask a run for something; a refusal is an answer."""
        self.requests -= 1
        run = self.runs.get(self.order)
        if run is None or run.lost:
            run = self.start(self.order)
        if run.ended:
            return "no run"
        try:
            await self.bench.take(name, given)
        except (IllegalMove, AlreadyExists) as refusal:
            return repr(refusal)
        run.news = True
        return "done"

    async def cancel(self) -> str:
        asked = Cancellation(
            order_id=self.order, reason=CancelReason.CUSTOMER_REQUEST, actor="customer"
        )
        answer = await self.ask("request_cancellation", asked)
        if answer == "done":
            self.runs[self.order].heed(asked)
        return answer

    async def hold(self) -> str:
        reason = self.rng.choice([HoldReason.MANUAL, HoldReason.QUALITY])
        asked = HoldPlacement(
            document=Document(Kind.ORDER, self.order),
            hold_id=new_id(),
            reason=reason,
            note="",
            actor="support",
        )
        answer = await self.ask("place_hold", asked)
        if answer == "done":
            self.holds.append(asked)
        return answer

    async def release(self) -> str:
        placed = self.holds[-1]
        asked = HoldRelease(
            document=Document(Kind.ORDER, self.order), hold_id=placed.hold_id, actor="support"
        )
        self.requests += 1
        answer = await self.ask("release_hold", asked)
        self.holds.remove(placed)
        return answer

    async def pay(self, token: str = "") -> str:
        self.requests -= 1
        token = token or str(self.rng.choice([each for each in TOKENS if each]))
        try:
            async with self.bench.shop.books.begin() as db:
                await pay_order(db, new_id(), self.order, token=token, actor="customer")
        except IllegalMove as refusal:
            return repr(refusal)
        return token

    async def questions(self) -> list[Mapping[str, Any]]:
        """Return the open tasks whose answers a run of this story acts on."""
        return await self.bench.shop.rows(
            "SELECT id, kind, document_id, asker_type, asker_id, choices FROM tasks"
            " WHERE status = 'open' AND document_id = ANY(:ids) AND kind = ANY(:kinds)"
            " ORDER BY number",
            ids=await self.documents(),
            kinds=_ASKED,
        )

    async def decide(self, prefer: str = "") -> str:
        """Answer a question, if its run is there to hear it."""
        questions = await self.questions()
        if not questions:
            return "nothing"
        task = self.rng.choice(questions)
        kind = TaskKind(task["kind"])
        document = task["asker_id"]
        run = self.runs.get(document)
        if run is None or run.lost:
            run = self.start(document)
        if run.ended:
            return f"{kind}: no run"
        choice = prefer if prefer in task["choices"] else self.rng.choice(task["choices"])
        decision = Decision(task_id=TaskId(task["id"]), choice=choice, actor="person")
        decided = await self.bench.take("decide_task", decision)
        if task["asker_type"] == Kind.SHIPMENT:
            run.decisions.append((decided.kind, decided.choice, decision))
        run.news = True
        return f"{kind} {choice} of {self.name(task['document_id'])}"
