"""A customer's promise of money: entries only ever added, amounts always computed from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from domain.money import Money, share, split
from domain.orders.status import LineCounters
from domain.value import Value


class EntryKind(StrEnum):
    """What an entry does with money."""

    AUTHORIZATION = "authorization"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    """Taken back by the cardholder's bank."""


class Phase(StrEnum):
    """How far the provider is with an entry."""

    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ACTION_REQUIRED = "action_required"
    REVERSED = "reversed"
    """A success that the provider took back later; of an authorization, what was left of it."""


@dataclass(frozen=True)
class Intent:
    """One movement of money as we ask the provider for it."""

    payment_id: UUID
    kind: EntryKind
    key: str
    """The idempotency key at the provider."""
    amount: Money
    shipment_id: UUID | None
    source: str = ""
    """A card's token, or the reference of an authorization."""
    refund_id: UUID | None = None
    """The refund that it carries out, where it is a document of its own."""
    return_url: str = ""
    """Where a customer who has to confirm an authorization goes afterwards; may be empty."""
    renews: bool = False
    """Whether it renews the authorization that is its source."""
    repeated: bool = True
    """Whether it was recorded before, so that the provider may have been asked already."""


class Entry(Value):
    """One line of a payment's ledger; ``amount`` in minor units."""

    kind: EntryKind
    phase: Phase
    key: str
    amount: int


class EntrySource(StrEnum):
    """Whose doing an entry is."""

    MERCHANT = "merchant"
    """We asked for it."""
    PROVIDER = "provider"
    """The provider, its dashboard or the cardholder's bank did it without being asked."""


class Refusal(Value):
    """A definite no of the provider to moving money."""

    code: str
    message: str
    amount: Money

    def __str__(self) -> str:
        return f"{self.amount}: {self.message or self.code}".removesuffix(".")


class PaymentAmounts(Value):
    """What the entries add up to, in minor units."""

    authorized: int
    captured: int
    in_flight: int
    refunded: int
    charged_back: int = 0
    voided: int
    refunding: int = 0
    """Refunds in flight."""
    failed: bool
    action_required: bool

    @property
    def returned(self) -> int:
        """What has left us again, by refunds and by chargebacks."""
        return self.refunded + self.charged_back

    @property
    def refundable(self) -> int:
        """What may still be given back, and is not on its way."""
        return self.captured - self.returned - self.refunding


def add_up(entries: Iterable[Entry]) -> PaymentAmounts:
    """Compute a payment's amounts.

    Per key a success outweighs every other phase, whatever order the facts came in, until the
    provider takes it back; ``authorized`` is what is still reserved: succeeded authorizations less
    voids and captures. An authorization that was dropped unconfirmed never reserved anything.
    """
    phases: dict[tuple[EntryKind, str], dict[Phase, int]] = {}
    for entry in entries:
        phases.setdefault((entry.kind, entry.key), {})[entry.phase] = entry.amount
    never_reserved = {
        void_key(key.removeprefix(_AUTHORIZE), UNCONFIRMED)
        for (kind, key), seen in phases.items()
        if kind is EntryKind.AUTHORIZATION and Phase.SUCCEEDED not in seen
    }
    # What comes by bank transfer is drawn on no authorization.
    drawn = any(kind is EntryKind.AUTHORIZATION for kind, _ in phases)
    done = dict.fromkeys(EntryKind, 0)
    moving = dict.fromkeys(EntryKind, 0)
    last: set[Phase] = set()
    for (kind, key), seen in phases.items():
        if key in never_reserved:
            continue
        last = set(seen)
        if Phase.SUCCEEDED in seen:
            done[kind] += seen[Phase.SUCCEEDED] - seen.get(Phase.REVERSED, 0)
        elif not last & {Phase.FAILED, Phase.REVERSED}:
            moving[kind] += next(iter(seen.values()))
    return PaymentAmounts(
        authorized=done[EntryKind.AUTHORIZATION]
        - (done[EntryKind.VOID] + done[EntryKind.CAPTURE] if drawn else 0),
        captured=done[EntryKind.CAPTURE],
        in_flight=sum(moving.values()),
        refunded=done[EntryKind.REFUND],
        charged_back=done[EntryKind.CHARGEBACK],
        voided=done[EntryKind.VOID],
        refunding=moving[EntryKind.REFUND],
        failed=Phase.FAILED in last and Phase.SUCCEEDED not in last,
        action_required=any(map(is_unconfirmed, phases.values())),
    )


def is_undecided(phases: Iterable[Phase]) -> bool:
    """Whether an operation with these phases was asked for and has no outcome yet."""
    return bool(seen := set(phases)) and seen <= _UNDECIDED


def is_unconfirmed(phases: Iterable[Phase]) -> bool:
    """Whether an operation with these phases waits for its customer."""
    return Phase.ACTION_REQUIRED in (seen := set(phases)) and is_undecided(seen)


_UNDECIDED = {Phase.REQUESTED, Phase.ACTION_REQUIRED}


def own_keys(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the keys of what we asked the provider for; the others are its own doing."""
    return frozenset(entry.key for entry in entries if entry.phase is Phase.REQUESTED)


class PaymentStatus(StrEnum):
    """What people see of an order's money; computed, never stored."""

    NOT_REQUIRED = "not_required"
    OVERCAPTURED = "overcaptured"
    CHARGED_BACK = "charged_back"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"
    CAPTURED = "captured"
    PARTIALLY_CAPTURED = "partially_captured"
    AUTHORIZED = "authorized"
    ACTION_REQUIRED = "action_required"
    ON_TERMS = "on_terms"
    FAILED = "failed"
    UNPAID = "unpaid"


def payment_status(total: int, billable: int, paid: PaymentAmounts) -> PaymentStatus:
    """Say how an order's money stands; the first line that fits (amounts in minor units)."""
    if total == 0:
        return PaymentStatus.NOT_REQUIRED
    if paid.captured - paid.returned - paid.refunding > billable:
        return PaymentStatus.OVERCAPTURED
    if paid.charged_back > 0:
        return PaymentStatus.CHARGED_BACK
    if paid.refunded > 0:
        full = paid.refunded >= paid.captured
        return PaymentStatus.REFUNDED if full else PaymentStatus.PARTIALLY_REFUNDED
    if paid.captured > 0:
        full = paid.captured >= billable
        return PaymentStatus.CAPTURED if full else PaymentStatus.PARTIALLY_CAPTURED
    if paid.authorized > 0:
        return PaymentStatus.AUTHORIZED
    if paid.action_required:
        return PaymentStatus.ACTION_REQUIRED
    return PaymentStatus.FAILED if paid.failed else PaymentStatus.UNPAID


def requirement_met(total: int, paid: PaymentAmounts) -> bool:
    """Whether a card order may go on: all of its total is authorized or captured.

    A capture above the authorization leaves nothing reserved, not less.
    """
    return max(0, paid.authorized) + paid.captured >= total


def capture_due(line: LineCounters, units: int) -> int:
    """Return what a hand-over of ``units`` more of a line captures, in minor units.

    The difference of two shares of the line's total, before and after: it depends on nothing but
    the counters, and the last shipment lands exactly on the total.
    """
    before = share(line.total_amount, line.shipped, line.quantity, 0)
    return share(line.total_amount, line.shipped + units, line.quantity, before)


def shipping_due(lines: Iterable[LineCounters], shipping: int) -> int:
    """Return what of an order's ``shipping`` with its tax the next hand-over captures.

    In minor units. All of it comes with the first one.
    """
    return 0 if any(line.shipped for line in lines) else shipping


def still_to_capture(lines: Sequence[LineCounters], shipping: int) -> int:
    """Return what an order's later hand-overs capture in all, in minor units."""
    due = sum(capture_due(line, line.open) for line in lines)
    return due + (shipping_due(lines, shipping) if any(line.open for line in lines) else 0)


RENEWED_WITHIN = timedelta(hours=24)
"""An authorization that ends this soon is renewed, where it is needed for longer."""


def to_renew(needed: int, lasting: int, left: int) -> int:
    """Return how much of an authorization that ends soon is reserved anew, in minor units.

    Of what is ``left`` of it so much as is ``needed`` beyond what is reserved for longer.
    """
    return max(0, min(left, needed - lasting))


def lower_capture(
    taken: int, by_line: Mapping[UUID, int], shipping: int
) -> tuple[dict[UUID, int], int]:
    """Spread what was taken over the shares of a capture that was to be more (minor units).

    Returns the lines' shares and that of shipping. More than was planned is on no line.
    """
    planned = [*by_line.values(), shipping]
    *lines, rest = split(min(taken, sum(planned)), planned)
    return dict(zip(by_line, lines, strict=True)), rest


_AUTHORIZE = "authorize/"
UNCONFIRMED = "unconfirmed"
"""The purpose of dropping an authorization that its customer has not confirmed."""
RENEWED = "renewed"
"""The purpose of dropping what is left of an authorization that another one has replaced."""


def authorization_key(payment_id: object) -> str:
    """The provider key of a payment's authorization."""
    return f"{_AUTHORIZE}{payment_id}"


def capture_key(document_id: object, purpose: str = "") -> str:
    """The provider key of a shipment's capture, or of an order's at its confirmation.

    ``purpose`` names a person's decision to retry.
    """
    return f"capture/{document_id}" + (f"/{purpose}" if purpose else "")


def void_key(payment_id: object, purpose: str) -> str:
    """The provider key of dropping an authorization, once per purpose."""
    return f"void/{payment_id}/{purpose}"


POSTAGE = "postage"
"""The purpose of a refund of the postage alone, in a release before it was a document."""


def refund_key(document_id: object, purpose: object) -> str:
    """The provider key of a refund: of a document by its try.

    Of a shipment by the person's decision, as a release before its refunds were documents did.
    """
    return f"refund/{document_id}/{purpose}"
