"""One order's life as a random story: partners, people and crashes take turns in any order."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from activities.orders.changing import change_order
from activities.payments.accepting import pay_order
from activities.payments.by_hand import capture_by_hand, void_by_hand
from activities.tasks import accept_answer
from db.documents import ORDERS
from domain.access import Role
from domain.documents import Document, Kind
from domain.errors import (
    AlreadyExists,
    AmountExceeded,
    DomainError,
    IllegalMove,
    QuantityExceeded,
)
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import TaskId, new_id
from domain.money import Money
from domain.orders.by_hand import CapturePayment, VoidPayment
from domain.orders.requests import Cancellation, OrderChange
from domain.orders.status import CancelReason, CaptureOn
from domain.questions import RULES
from domain.tasks import Decision, TaskKind
from tests.activities.outside import Outside
from tests.activities.players import Player
from tests.shop import address

TOKENS: list[str | None] = ["tok_ok"] * 5
TOKENS += ["tok_capture_declined"] * 2 + ["tok_action_required"] * 2 + ["tok_declined", None]
UNITS = [1, 2, 3, 180, 360]
"""A box takes 170 units."""

_ASKED = [str(kind) for kind, rule in RULES.items() if rule.asker]
_ASKED += [TaskKind.CAPTURE_REFUSED, TaskKind.REFUND_APPROVAL, TaskKind.REFUND_FAILED]
_DOCUMENTS = (
    "SELECT id FROM shipments WHERE order_id = :order UNION ALL SELECT :order"
    " UNION ALL SELECT id FROM refunds WHERE order_id = :order"
)
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
        wishes += [("cancel units", self.cancel_units), ("by hand", self.by_hand)]
        wishes.append(("move house", self.move_house))
        self.wishes = self.rng.sample(wishes, self.rng.randint(0, 3))
        lines = []
        for _ in range(self.rng.randint(1, 3)):
            units = self.rng.choice(UNITS)
            here = self.rng.randint(0, units)
            stock = {"AUS": here, "RNO": units - here}
            held = {site: there for site, there in stock.items() if there}
            lines.append((await self.bench.shop.item(**held), units))
        token = self.rng.choice(TOKENS)
        capture_on = self.rng.choice(list(CaptureOn))
        self.order = await self.bench.shop.place(*lines, token=token, capture_on=capture_on)
        self.told.append(f"placed {[units for _, units in lines]} with {token} on {capture_on}")

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

    async def cancel_units(self) -> str:
        self.requests -= 1
        query = "SELECT count(*) FROM order_lines WHERE order_id = :order"
        line = self.rng.randrange(await self.bench.shop.one(query, order=self.order))
        units = self.rng.choice([1, 1, 2, 100, 180])
        try:
            await self.bench.shop.cancel_units(self.order, units, line)
        except (IllegalMove, QuantityExceeded) as refusal:
            return repr(refusal)
        return f"{units} of line {line}"

    async def move_house(self) -> str:
        self.requests -= 1
        there = address(self.rng.choice(["78701", "89501"]))
        try:
            async with self.bench.shop.books.begin() as db:
                order = await ORDERS.lock(db, self.order)
                news = await change_order(db, order, OrderChange(ship_to=there), "customer")
        except IllegalMove as refusal:
            return repr(refusal)
        return f"to {there.postal_code}: {news}"

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

    async def by_hand(self) -> str:
        """Let finance take, or let go, some of the money or all that it may."""
        self.requests -= 1
        query = "SELECT id FROM payments WHERE order_id = :order"
        payments = await self.bench.shop.rows(query, order=self.order)
        if not payments:
            return "nothing to move"
        payment = self.rng.choice(payments)["id"]
        amount = self.rng.choice([None, 1, 400, 2_700])
        asked: dict[str, Any] = {"reason": "by telephone"}
        if amount is not None:
            asked["amount"] = Money(amount=amount, currency="USD")
        needed = self.rng.random() < 0.2
        try:
            async with self.bench.shop.books.begin() as db:
                if self.rng.random() < 0.6:
                    take = CapturePayment(**asked)
                    await capture_by_hand(db, payment, new_id(), take, actor="finance")
                    return f"takes {amount}"
                drop = VoidPayment(**asked, although_needed=needed)
                await void_by_hand(db, payment, new_id(), drop, actor="finance")
                return f"drops {amount}, needed or not: {needed}"
        except (IllegalMove, AmountExceeded) as refusal:
            return repr(refusal)

    async def is_unpaid(self) -> bool:
        """Whether the order waits for money that is no longer reserved."""
        query = (
            "SELECT count(*) FROM holds WHERE document_id = :order AND released_at IS NULL"
            " AND reason = 'awaiting_payment'"
        )
        return bool(await self.bench.shop.one(query, order=self.order))

    async def questions(self) -> list[Mapping[str, Any]]:
        """Return the open tasks whose answers change how this story goes on."""
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
        choice = prefer if prefer in task["choices"] else self.rng.choice(task["choices"])
        if task["asker_id"] is None:
            return f"{kind} {choice}: {await self.answer(task['id'], choice)}"
        document = task["asker_id"]
        run = self.runs.get(document)
        if run is None or run.lost:
            run = self.start(document)
        if run.ended:
            return f"{kind}: no run"
        decision = Decision(task_id=TaskId(task["id"]), choice=choice, actor="person")
        decided = await self.bench.take("decide_task", decision)
        if task["asker_type"] == Kind.SHIPMENT:
            run.decisions.append((decided.kind, decided.choice, decision))
        run.news = True
        return f"{kind} {choice} of {self.name(task['document_id'])}"

    async def answer(self, task: UUID, choice: str) -> str:
        """Answer what is asked about a refund; its run hears of it."""
        decision = Decision(task_id=TaskId(task), choice=choice, actor="finance")
        try:
            async with self.bench.shop.books.begin() as db:
                await accept_answer(db, decision, Role.ADMIN)
        except DomainError as refusal:
            return repr(refusal)
        return "done"
