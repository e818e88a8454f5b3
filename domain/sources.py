"""Sources: where a document comes from, and the reference by which it is known there."""

from typing import TypeVar

from pydantic import Field

from domain.access import Caller, Role
from domain.errors import Malformed
from domain.metadata import FORM, Metadata
from domain.value import Name, Value

DIRECT = "api"
"""The source of what no integration brings: of customers and of our own people."""


class Sourced(Value):
    """Something that a source may know by a reference of its own, and keep its metadata with."""

    source: Name | None = Field(
        default=None,
        description="An integration's own name, also when left out; another one only with the"
        " scope sources:all. Never given by customers.",
    )
    external_reference: Name | None = Field(
        default=None,
        description="What the source calls it, once within the source. Never given by customers.",
    )
    # Left out of what names a request, as the release before wrote it, where there is none.
    metadata: Metadata = Field(
        default={},
        exclude_if=lambda given: not given,
        description=f"{FORM}. Never given by customers.",
    )

    @property
    def origin(self) -> str:
        """The source, given or not."""
        return self.source or DIRECT


Body = TypeVar("Body", bound=Sourced)


def attributed(body: Body, caller: Caller) -> Body:
    """Return what this caller asks to create, with its source.

    Raises Malformed where a customer gives a source, a reference or metadata, or an integration
    another source.
    """
    wrong: list[str] = []
    if caller.role is Role.CUSTOMER:
        wrong = [field for field in Sourced.model_fields if getattr(body, field)]
    elif body.source is not None and not caller.reach.covers(None, body.source):
        wrong = ["source"]
    if wrong:
        raise Malformed(
            "source, reference and metadata are those of the integration that brings the document",
            errors=[
                {"pointer": f"/{field}", "message": "not allowed for this caller"}
                for field in wrong
            ],
        )
    if body.source is not None:
        return body
    own = caller.name if caller.role is Role.INTEGRATION else DIRECT
    return body.model_copy(update={"source": own})
