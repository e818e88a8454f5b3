"""Views of the labels under which goods come back, and of their parcels."""

from datetime import datetime
from typing import Any

from api.fields import TrackingNumber, Trouble
from domain.access import Caller
from domain.disclosure import disclose
from domain.money import Money
from domain.orders.placing import Service
from domain.returns.status import LabelStatus
from domain.shipments.status import ON_THE_WAY, ShipmentStatus
from domain.value import Value


class ReturnParcelView(Value):
    """One box that travels under a label of ours."""

    tracking_number: TrackingNumber
    label_url: str | None
    """Where its label is printed from: by the customer, or by us where it goes to the customer;
    that one is null for callers who may not see it."""
    status: ShipmentStatus
    """How far it is, by all that the carrier has said."""
    exception_reason: Trouble


class ReturnLabelView(Value):
    """A label under which goods come back, or go to the customer again."""

    status: LabelStatus
    """`pending`: it is being bought. `booked`: it can be used, or was. `voiding`, `voided`: it is,
    or was, given back to the carrier. `used`: the goods go once more, under another one.
    `refused`: the carrier has not sold it."""
    carrier: str | None
    """Who carries the goods, by name; null before the label is bought."""
    service: Service
    """How they travel."""
    booked_at: datetime | None
    """When it was bought, in UTC (RFC 3339); null before."""
    parcels: tuple[ReturnParcelView, ...]
    """Its boxes; none before it is bought."""


def of_labels(
    label: dict[str, Any] | None, back: dict[str, Any] | None, caller: Caller
) -> dict[str, Any]:
    """Return what a return's view shows of its newest label to us, and of that to the customer."""
    if back is not None:
        parcels_back = [disclose("parcel sent back", each, caller) for each in back["parcels"]]
        back = {**back, "parcels": parcels_back}
    parcels = label["parcels"] if label else ()
    return {
        "label": _shown(label),
        "label_cost": _cost(label),
        "in_transit": any(each["status"] in ON_THE_WAY for each in parcels),
        "send_back_label": _shown(back),
        "send_back_cost": _cost(back),
    }


def _shown(label: dict[str, Any] | None) -> dict[str, Any] | None:
    return label and {name: label[name] for name in ReturnLabelView.model_fields}


def _cost(label: dict[str, Any] | None) -> Money | None:
    if label is None or not label["cost"]:
        return None
    return Money(amount=label["cost"], currency=label["currency"])
