"""From rows to views: columns of the same name, and amounts with their currency."""

from collections.abc import Sequence
from typing import Any, TypeVar

from domain.value import Value

View = TypeVar("View", bound=Value)


def view(kind: type[View], row: object, **computed: Any) -> View:
    """Build a view from the columns that it names; ``computed`` fills or replaces the rest."""
    names = [name for name in kind.model_fields if name not in computed]
    return kind.model_validate({**{name: getattr(row, name) for name in names}, **computed})


def money(amount: int | None, currency: str | None) -> dict[str, Any] | None:
    """Return an amount of minor units as views show it; None when there is none."""
    return None if amount is None else {"amount": amount, "currency": currency}


def last_id(rows: Sequence[Any], more: bool) -> Any:
    """Return the id after which the next page begins; None when there is none."""
    return rows[-1].id if more else None
