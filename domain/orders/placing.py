"""Orders as a shop sends them."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AliasChoices, Field, model_validator

from domain.addresses import Address
from domain.cards import RETURN, CardToken, ReturnUrl
from domain.ids import CustomerId, ItemId
from domain.money import Currency, Money
from domain.orders.receipts import PaymentMethod, by_people
from domain.orders.status import CaptureOn, ShortagePolicy
from domain.priority import URGENCY, USUAL, Priority
from domain.sources import Sourced
from domain.value import Day, Name, Value


class Service(StrEnum):
    """How goods travel."""

    GROUND = "ground"
    EXPRESS = "express"


MOST_LINES = 500
"""Lines of one order."""
Units = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
"""Whole pieces of an item."""


class LineRequest(Value):
    """One item of the order, named by ``item_id`` or by ``sku``."""

    item_id: ItemId | None = Field(
        default=None, validation_alias=AliasChoices("item_id", "product_id")
    )
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    quantity: Units
    """Whole units."""
    unit_price: Money | None = Field(
        default=None,
        description="Must equal the list price, unless the caller may set prices.",
    )

    @model_validator(mode="after")
    def _names_one_item(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        return self


class OrderPayment(Value):
    """A card, by the token that the payment provider gave the shop, a bank transfer, or terms."""

    method: PaymentMethod = PaymentMethod.CARD
    """How the customer pays; a bank transfer is waited for, seven days. `net_terms` is for
    customers with `terms_days` and a `credit_limit`: the goods go first."""
    token: CardToken | None = Field(
        default=None,
        description="Of a card; without it the order waits for POST /orders/{id}/payments.",
    )
    # Left out of what names a request, as the release before wrote it, where there is none.
    return_url: ReturnUrl | None = Field(
        default=None, exclude_if=lambda given: given is None, description=RETURN
    )

    @model_validator(mode="after")
    def _returns_from_a_card(self) -> Self:
        if self.return_url is not None and self.token is None:
            raise ValueError("return_url goes with a token")
        if self.token is not None and self.method is not PaymentMethod.CARD:
            raise ValueError("token goes with a card")
        return self


class PlaceOrder(Sourced):
    """An order as the shop sends it."""

    customer_id: CustomerId
    """Who buys; an active customer. A customer orders only for itself."""
    currency: Currency = "USD"
    """Of all amounts of the order: an ISO 4217 code for which there are shipping rates."""
    lines: tuple[LineRequest, ...] = Field(
        min_length=1, max_length=MOST_LINES, validation_alias=AliasChoices("lines", "items")
    )
    """What is ordered; all of it is promised, or the order is refused, if it may not wait."""
    ship_to: Address
    """Where the goods go."""
    bill_to: Address | None = None
    """Who is billed, if that is not where the goods go."""
    shipping_service: Service = Service.GROUND
    """What shipping costs depends on it."""
    payment: OrderPayment = OrderPayment()
    """How the order is paid; money is reserved at once, and taken as `capture_on` says."""
    # Left out of what names a request, as the release before wrote it, where it is the usual.
    capture_on: CaptureOn = Field(
        default=CaptureOn.SHIPMENT,
        exclude_if=lambda given: given == CaptureOn.SHIPMENT,
        description="When the money is taken: for what leaves at each hand-over (`shipment`), or"
        " all of it when the order is confirmed (`confirmation`), as of a bank transfer anyway;"
        " on terms nothing is taken.",
    )
    shortage_policy: ShortagePolicy = Field(
        default=ShortagePolicy.REFUSE,
        exclude_if=lambda given: given is ShortagePolicy.REFUSE,
        description="What becomes of it where there is too little stock: `refuse`, or `backorder`:"
        " what is missing of items that are `backorderable` is waited for.",
    )
    ship_complete: bool = Field(
        default=False,
        exclude_if=lambda given: not given,
        description="Whether nothing leaves before there is stock for all of it.",
    )
    priority: Priority = Field(
        default=USUAL,
        exclude_if=lambda given: given == USUAL,
        description=f"Whose turn it is where several wait for stock: {URGENCY} Not for customers.",
    )
    promised_on: Day | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="By which day the customer was promised the goods, by UTC; of one priority the"
        " earlier day goes first. Not for customers.",
    )
    tax: Money | None = Field(
        default=None, description="For the whole order; only for callers who may set prices."
    )
    shipping: Money | None = Field(default=None, description="Only for callers who may set prices.")

    @property
    def captured_on(self) -> CaptureOn:
        """When the money is taken: that of a bank transfer is there before the order goes on.

        Of an order on terms all is billed then, and hand-overs take nothing either.
        """
        at_once = by_people(self.payment.method)
        return CaptureOn.CONFIRMATION if at_once else self.capture_on

    @property
    def may_wait(self) -> bool:
        """Whether it waits for what is missing, where its items allow that."""
        return self.shortage_policy is ShortagePolicy.BACKORDER

    @property
    def turn_given(self) -> tuple[str, ...]:
        """The fields that say whose turn it is and are not as usual: a customer has no say."""
        usual = {"priority": USUAL, "promised_on": None}
        return tuple(name for name, value in usual.items() if getattr(self, name) != value)

    @property
    def prices_given(self) -> bool:
        """Whether the caller brings amounts that only some callers may set."""
        return self.tax is not None or self.shipping is not None
