"""From rows to views: columns of the same name, and amounts with their currency."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

import structlog
from pydantic import ValidationError

from domain.access import Caller
from domain.disclosure import withheld
from domain.value import Value
from telemetry import metrics

View = TypeVar("View", bound=Value)
Row = TypeVar("Row")
Shown = TypeVar("Shown")
_log = structlog.get_logger("http")
# Unknown enum values, numbers out of range, missing keys, and JSON of another shape.
_UNFIT = (ValueError, LookupError, TypeError, AttributeError)

# What does not fit its view is logged here, without the values that pydantic would print.
warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)


def view(kind: type[View], row: object, **computed: Any) -> View:
    """Build a view from the columns that it names; ``computed`` fills or replaces the rest.

    A row that does not fit, because another release stored it by other rules, is shown as it is.
    """
    names = [name for name in kind.model_fields if name not in computed]
    given = {**{name: getattr(row, name) for name in names}, **computed}
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        places = [".".join(map(str, one["loc"])) for one in error.errors(include_input=False)]
        _report(row, kind.__name__, "shown_as_stored", fields=places)
        return cast(View, kind.model_construct(**given))


def view_for(caller: Caller, name: str, kind: type[View], row: object, **computed: Any) -> View:
    """Build a view as `view` does, with null for what of it this caller may not see."""
    hidden = withheld(name, caller) & kind.model_fields.keys()
    return view(kind, row, **{**computed, **dict.fromkeys(hidden)})


def shown(name: str, build: Callable[[Row], Shown], rows: Iterable[Row]) -> list[Shown]:
    """Build the view of this name of each row; one that cannot be built is left out of the list."""
    built = []
    for row in rows:
        try:
            built.append(build(row))
        except _UNFIT as error:
            _report(row, name, "left_out", failure=type(error).__name__)
    return built


def _report(row: object, name: str, outcome: str, **facts: Any) -> None:
    metrics.unfit_rows.labels(name, outcome).inc()
    row_id = row.get("id", "") if isinstance(row, Mapping) else getattr(row, "id", "")
    _log.error("row_does_not_fit_its_view", view=name, id=str(row_id), **facts)


def money(amount: int | None, currency: str | None) -> dict[str, Any] | None:
    """Return an amount of minor units as views show it; None when there is none."""
    return None if amount is None else {"amount": amount, "currency": currency}


def last_id(rows: Sequence[Any], more: bool) -> Any:
    """Return the id after which the next page begins; None when there is none."""
    return rows[-1].id if more else None
