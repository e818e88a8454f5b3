"""Answers to a carrier that refuses a label: what each of them needs, and how units are shared."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from domain.addresses import Address
from domain.answers import BookingAnswer, LeavingAnswer, SendBackAnswer, UndeliverableAnswer
from domain.errors import Malformed
from domain.money import Money
from domain.orders.placing import Service
from domain.shipments.packing import HEAVIEST_PARCEL
from domain.tasks import TaskKind
from domain.value import Name, Value

UNUSABLE_LABEL = "unusable_label"
"""The code where not the carrier refused, but we its label: it is of no use to us."""
MOST_SHIPMENTS = 50
"""Into how many shipments one may be split at a time."""


class OwnLabel(Value):
    """A label that a person bought; of another carrier people report the scans."""

    carrier: Name | None = Field(
        default=None, description="The carrier's name; else the one that was asked."
    )
    tracking_numbers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    """The carrier's number of each parcel."""
    price: Money | None = None
    """What the label cost, if it is to be kept."""


class AnswerDetails(Value):
    """What some answers about a refused booking or a returned parcel need beside the choice."""

    address: Address | None = Field(
        default=None,
        description="With `change_address`: where the order goes instead. With `resend` and"
        " `send`: where the goods go, if not to the order's address.",
    )
    service: Service | None = Field(
        default=None, description="With `change_service`: how this shipment travels instead."
    )
    heaviest_box_grams: Annotated[int, Field(strict=True, ge=1, le=HEAVIEST_PARCEL)] | None = Field(
        default=None, description="With `smaller_boxes`: the most that a box may weigh."
    )
    shipments: Annotated[int, Field(strict=True, ge=2, le=MOST_SHIPMENTS)] | None = Field(
        default=None, description="With `split`: into how many shipments, each with its own label."
    )
    label: OwnLabel | None = Field(
        default=None, description="With `own_label`: the label that was bought elsewhere."
    )


NEEDS: Mapping[str, str] = {
    BookingAnswer.CHANGE_ADDRESS: "address",
    BookingAnswer.CHANGE_SERVICE: "service",
    BookingAnswer.SMALLER_BOXES: "heaviest_box_grams",
    BookingAnswer.SPLIT: "shipments",
    BookingAnswer.OWN_LABEL: "label",
}
"""The field that an answer needs; the other answers need none."""
MAY_HAVE: Mapping[tuple[TaskKind, str], str] = {
    (TaskKind.UNDELIVERABLE, UndeliverableAnswer.RESEND): "address",
    (TaskKind.REJECTED_GOODS, LeavingAnswer.SEND): "address",
    (TaskKind.SEND_BACK_FAILED, SendBackAnswer.SEND): "address",
}
"""The field that an answer may have."""


def check_details(kind: TaskKind, choice: str, details: AnswerDetails) -> None:
    """Raise Malformed unless an answer comes with just the field that it needs."""
    needed = NEEDS.get(choice) if kind is TaskKind.BOOKING_REFUSED else None
    given = {name for name in AnswerDetails.model_fields if getattr(details, name) is not None}
    errors = [
        {"pointer": f"/{name}", "message": f"does not belong to the answer {choice}"}
        for name in sorted(given - {needed, MAY_HAVE.get((kind, choice))})
    ]
    if needed is not None and needed not in given:
        errors.append({"pointer": f"/{needed}", "message": f"is needed by the answer {choice}"})
    if errors:
        raise Malformed(f"{errors[0]['pointer'][1:]} {errors[0]['message']}", errors=errors)


def share_out(units: Sequence[int], into: int) -> list[list[int]]:
    """Share the units of a shipment's lines out to ``into`` shipments of about as many units each.

    Returns for each shipment its units of each line. Raises Malformed when there are fewer units.
    """
    total = sum(units)
    if into > total:
        problem = f"has only {total} units"
        raise Malformed(
            f"the shipment {problem}", errors=[{"pointer": "/shipments", "message": problem}]
        )
    shares = []
    left = list(units)
    for position in range(into):
        room = total * (position + 1) // into - total * position // into
        share = []
        for line, open_units in enumerate(left):
            taken = min(open_units, room)
            left[line] -= taken
            room -= taken
            share.append(taken)
        shares.append(share)
    return shares
