"""Refunds of goods that never arrived: how much goes back for a shipment, and when the postage."""

from domain.answers import REFUND, REFUND_WITH_POSTAGE
from domain.tasks import TaskKind
from domain.value import Value


class Paid(Value):
    """What was taken for a shipment and its order; amounts in minor units of ``currency``."""

    currency: str
    goods: int
    """Captured for the shipment's goods."""
    postage: int
    """Captured for the order's shipping, with its tax, less what other refunds give back of it."""
    others: int
    """Units of the order that have reached the customer elsewhere, or still may."""
    owed: int = 0
    """What its departure captures and could not be taken yet."""
    all_lost: bool = False
    """Whether all that was sent of the order got lost and was refunded."""
    refundable: int
    """The most that the payment can still give back."""


class Refund(Value):
    """What goes back; amounts in minor units."""

    goods: int
    postage: int
    short: int
    """What should go back too, but is more than the payment can give."""

    @property
    def amount(self) -> int:
        """What the provider is asked for."""
        return self.goods + self.postage


def refund_due(paid: Paid, *, our_fault: bool) -> Refund:
    """Return what goes back for a shipment that never arrived.

    The goods always. The postage only with the last of the order: when nothing of it reached the
    customer through our or the carrier's fault, everything paid goes back, and that once.
    """
    postage = paid.postage if our_fault and paid.others <= 0 else 0
    left = max(paid.refundable, 0)
    goods = min(paid.goods, left)
    given = min(postage, left - goods)
    return Refund(goods=goods, postage=given, short=paid.goods + postage - goods - given)


def postage_without(paid: Paid) -> int:
    """Return the postage that goes back when a shipment is not sent after all.

    None unless it was the last of the order, and all that was sent got lost.
    """
    due = paid.postage if paid.all_lost and paid.others <= 0 else 0
    return min(due, max(paid.refundable, 0))


def gives_postage(kind: TaskKind, choice: str) -> bool:
    """Whether an answer gives the postage back too, if nothing of the order has arrived.

    A lost parcel is the carrier's fault; of one that came back, the person says whose it was.
    """
    return choice == REFUND_WITH_POSTAGE or (kind, choice) == (TaskKind.PARCEL_LOST, REFUND)


def money_of(kind: TaskKind, choice: str, paid: Paid) -> tuple[int, int]:
    """Return what an answer about a shipment moves or gives up, and what of it falls short."""
    if kind is TaskKind.CAPTURE_FAILED:
        return paid.owed, 0
    if choice in (REFUND, REFUND_WITH_POSTAGE):
        due = refund_due(paid, our_fault=gives_postage(kind, choice))
        return due.amount, due.short
    return 0, 0
