"""Lists: a page of views and the address of the next one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from pydantic import (
    ConfigDict,
    Field,
    model_validator,
)
from sqlalchemy.orm import InstrumentedAttribute

from db.pages import Window
from domain.value import Described, Instant, Value

Item = TypeVar("Item")


class Query(Described):
    """Query parameters; a misspelt one is refused instead of being ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Limit = Annotated[
    int,
    Field(ge=1, le=100, description="How many at most; fewer where that is about a megabyte."),
]


class PageQuery(Query):
    """Which page of a list, newest first."""

    limit: Limit = 20
    after: UUID | None = Field(
        default=None,
        description="The id of the last item seen. Read to the end, a list has every document that"
        " was there at the start, once; one that was being written may appear before what was read,"
        " so that to follow what is new, read `/events`.",
    )


MOMENT = "An instant with its zone (RFC 3339), such as 2030-01-31T12:00:00Z"


class DatedQuery(PageQuery):
    """Which page of a list, and of when."""

    created_from: Instant | None = Field(
        default=None,
        description=f"{MOMENT}: what was created then or later. Who polls asks from a minute"
        " before the newest that is known, because what was created before it may appear after it.",
    )
    created_to: Instant | None = Field(
        default=None, description=f"{MOMENT}: what was created before it."
    )

    def created(self, column: InstrumentedAttribute[datetime]) -> Window:
        """Return the window of what was created, by the column that says when."""
        return Window(column, self.created_from, self.created_to)


MOST_OFFSET = 10_000


class OffsetQuery(DatedQuery):
    """Which page of a list that may be read by position, too."""

    offset: Annotated[int, Field(ge=0, le=MOST_OFFSET)] | None = Field(
        default=None,
        description="How many of the newest to skip, instead of `after`. What is created meanwhile"
        " moves the others on, so that one may be seen twice: `after` shows each once.",
    )

    @model_validator(mode="after")
    def _one_way_to_go_on(self) -> Self:
        if self.offset is not None and self.after is not None:
            raise ValueError("give after or offset, not both")
        return self


class Page(Value, Generic[Item]):
    """A page of a list, and where the list goes on."""

    # A page of a given view does not inherit the sentence above by itself.
    model_config = ConfigDict(json_schema_extra={"description": __doc__})

    items: tuple[Item, ...]
    """At most `limit`."""
    next: str | None = Field(description="The address of the next page; null on the last one.")

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name a page by what is on it, as generated clients do: ``OrderPage``."""
        return f"{params[0].__name__.removesuffix('View')}Page"

    @classmethod
    def of(cls, items: Sequence[Item], path: str, query: Query, after: object) -> Self:
        """Build a page; ``after`` is the key of its last item when there are more, else None."""
        return cls(**page(tuple(items), path, query, after))

    @classmethod
    def numbered(cls, items: Sequence[Item], path: str, query: OffsetQuery, after: object) -> Self:
        """Build a page as ``of`` does, of a list that may be read by ``offset``, too.

        The page that follows the last offset allowed is read by ``after``.
        """
        following = (query.offset or 0) + len(items)
        if after is None or query.offset is None or following > MOST_OFFSET:
            keyed = query.model_copy(update={"offset": None})
            return cls.of(items, path, keyed, after)
        return cls(items=tuple(items), next=address(path, query, offset=following))


def page(items: Sequence[Any], path: str, query: Query, after: object) -> dict[str, Any]:
    """Lay out a page as `Page` is written; ``after`` as there."""
    return {"items": items, "next": None if after is None else link(path, query, after)}


def link(path: str, query: Query, after: object) -> str:
    """Return the relative address of the page after ``after`` with the same filters."""
    return address(path, query, after=after)


def address(path: str, query: Query, **place: object) -> str:
    """Return the relative address of a page with the same filters at another ``place``."""
    given: dict[str, Any] = query.model_dump(mode="json", exclude_defaults=True)
    parameters = {
        name: sorted(value) if isinstance(value, list) else _word(value)
        for name, value in given.items()
        if name not in place
    }
    there = {name: str(value) for name, value in place.items()}
    return f"{path}?{urlencode({**parameters, **there}, doseq=True)}"


def _word(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
