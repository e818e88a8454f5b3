"""The ledger of an order's payments: read whole, because what it says is in the sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.payments import PaymentRow
from domain.orders.by_hand import taken_by_hand
from domain.orders.receipts import BANK
from domain.payments import (
    RENEWED_WITHIN,
    Entry,
    EntryKind,
    PaymentAmounts,
    Phase,
    add_up,
    authorization_key,
    capture_key,
    is_undecided,
)


class LedgerPayment(PaymentRow):
    """A payment as the query here selects it."""

    __abstract__ = True
    expired: bool
    """Whether the time of its authorization is over."""
    ends_soon: bool
    """Whether that is over within a day, or is."""


class LedgerEntry(NamedTuple):
    """An entry of one of an order's payments."""

    id: str
    payment_id: UUID
    value: Entry


@dataclass(frozen=True)
class Ledger:
    """The payments of an order, oldest first, and their entries in the order of recording."""

    payments: tuple[LedgerPayment, ...]
    entries: tuple[LedgerEntry, ...]

    @property
    def values(self) -> list[Entry]:
        """The entries of all payments."""
        return [entry.value for entry in self.entries]

    def of(self, payment_id: UUID) -> list[Entry]:
        """Return the entries of one payment."""
        return [entry.value for entry in self.entries if entry.payment_id == payment_id]

    def phases(self, key: str) -> set[Phase]:
        """Return how far the provider is with the operation under a key; nothing if never asked."""
        return {entry.value.phase for entry in self.entries if entry.value.key == key}

    def payment(self, payment_id: UUID) -> PaymentRow:
        """Return one of the payments."""
        return next(row for row in self.payments if row.id == payment_id)

    def asked_for(self, key: str) -> PaymentRow | None:
        """Return the payment of which the operation under a key was asked; None if never."""
        asked = (entry.payment_id for entry in self.entries if entry.value.key == key)
        return next(map(self.payment, asked), None)

    @property
    def untried(self) -> bool:
        """Whether the newest payment waits to be sent to the provider for the first time."""
        return bool(self.payments) and not self.of(self.payments[-1].id)

    @property
    def lapsed(self) -> dict[UUID, int]:
        """What the payments whose time is over still count as reserved, in minor units."""
        expired = [row.id for row in self.payments if row.expired]
        left = {payment_id: add_up(self.of(payment_id)).authorized for payment_id in expired}
        return {payment_id: amount for payment_id, amount in left.items() if amount > 0}

    @property
    def ending(self) -> dict[UUID, int]:
        """What is reserved by authorizations that end within a day, in minor units."""
        soon = [row.id for row in self.payments if row.ends_soon and not row.expired]
        left = {payment_id: add_up(self.of(payment_id)).authorized for payment_id in soon}
        return {payment_id: amount for payment_id, amount in left.items() if amount > 0}

    def capturing(self, payment_id: UUID) -> int:
        """Return what is being captured from a payment and has no outcome yet, in minor units."""
        captures = (each for each in self.of(payment_id) if each.kind is EntryKind.CAPTURE)
        return add_up(captures).in_flight

    @property
    def deciding(self) -> bool:
        """Whether the provider, or a customer, has not decided yet about an authorization."""
        return any(is_undecided(self.phases(authorization_key(row.id))) for row in self.payments)

    @property
    def renewing(self) -> bool:
        """Whether the provider has not decided yet about a renewal."""
        renewals = (row.id for row in self.payments if row.renews is not None)
        return any(is_undecided(self.phases(authorization_key(each))) for each in renewals)

    @property
    def unrenewed(self) -> frozenset[UUID]:
        """The payments whose authorization the provider has refused to renew."""
        return frozenset(
            row.renews
            for row in self.payments
            if row.renews is not None
            and Phase.FAILED in (told := self.phases(authorization_key(row.id)))
            and Phase.SUCCEEDED not in told
        )

    @property
    def lasting(self) -> PaymentAmounts:
        """The sums of all payments, but of what is reserved only that which will stay."""
        sums = add_up(self.values)
        going = sum(max(0, add_up(self.of(each)).authorized) for each in self.unrenewed)
        return sums.model_copy(update={"authorized": sums.authorized - going})

    @property
    def drawn_on(self) -> PaymentRow | None:
        """The payment from which captures are taken: the newest with money reserved.

        Where none has any, the newest that ever was authorized: its provider says what is wrong.
        """
        known = [row for row in reversed(self.payments) if row.provider_reference]
        reserved = (row for row in known if add_up(self.of(row.id)).authorized > 0)
        return next(reserved, known[0] if known else None)

    def charged_for(self, shipment_id: UUID) -> PaymentRow | None:
        """Return the payment that a shipment's money was captured from, as far as it was.

        By itself, with all of its order, by hand, or by bank transfer.
        """
        if not self.payments:
            return None
        of_order = capture_key(self.payments[0].order_id)
        charged = self._charged(capture_key(shipment_id)) or self._charged(of_order)
        by_transfer = next((row for row in self.payments if row.provider == BANK), None)
        return charged or self._taken_by_hand or by_transfer or self.drawn_on

    def _charged(self, key: str) -> PaymentRow | None:
        captures = {
            entry.payment_id
            for entry in self.entries
            if entry.value.kind is EntryKind.CAPTURE
            and entry.value.phase is Phase.SUCCEEDED
            and (entry.value.key == key or entry.value.key.startswith(f"{key}/"))
        }
        return next((row for row in reversed(self.payments) if row.id in captures), None)

    @property
    def _taken_by_hand(self) -> PaymentRow | None:
        taken = (row for row in reversed(self.payments) if taken_by_hand(self.of(row.id), row.id))
        return next(taken, None)


ENTRY = "jsonb_build_array(e.id, e.kind, e.phase, e.key, e.amount)"
"""An entry ``e`` as JSON, for statements that read entries together with something else."""

SOON = f"interval '{RENEWED_WITHIN.total_seconds():.0f} seconds'"
"""How soon an authorization ends that is to be renewed, as SQL."""

_LEDGER = text(
    f"""SELECT p.*, coalesce(p.authorization_expires_at <= now(), false) AS expired,
        coalesce(p.authorization_expires_at <= now() + {SOON}, false) AS ends_soon,
        coalesce((SELECT jsonb_agg({ENTRY} ORDER BY e.id) FROM payment_entries e
        WHERE e.payment_id = p.id), '[]') AS entries
    FROM payments p WHERE p.order_id = :order ORDER BY p.created_at, p.id"""
)


def entry_of(fields: Sequence[Any]) -> Entry:
    """Return the value of an entry that was read as ENTRY."""
    _, kind, phase, key, amount = fields
    return Entry(kind=kind, phase=phase, key=key, amount=amount)


async def ledger_of(db: AsyncConnection, order_id: UUID) -> Ledger:
    """Return the payments of an order with their entries."""
    payments = (await db.execute(_LEDGER, {"order": order_id})).all()
    entries = (
        LedgerEntry(fields[0], payment.id, entry_of(fields))
        for payment in payments
        for fields in payment.entries
    )
    return Ledger(
        cast(tuple[LedgerPayment, ...], tuple(payments)), tuple(sorted(entries, key=itemgetter(0)))
    )
