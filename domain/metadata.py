"""Metadata: what the company's own systems keep with a document, by keys that they choose."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from domain.access import Caller, Role
from domain.errors import Forbidden, Malformed
from domain.value import storable

MOST_KEYS = 20
LONGEST_KEY = 40
LONGEST_VALUE = 500

_Key = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST_KEY), AfterValidator(storable)
]
_Words = Annotated[str, StringConstraints(max_length=LONGEST_VALUE), AfterValidator(storable)]
Metadata = Annotated[dict[_Key, _Words | None], Field(max_length=MOST_KEYS)]
"""Texts to keep, by key; null or an empty text removes a key."""

FORM = (
    f"At most {MOST_KEYS} texts of at most {LONGEST_VALUE} characters, by keys of 1 to"
    f" {LONGEST_KEY} characters, which are kept exactly as given"
)


def merge(kept: Mapping[str, str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Return what is kept after ``given``: null or an empty text removes a key, others stay.

    Raises Malformed for more keys than a document may have.
    """
    merged = {key: words for key, words in {**kept, **given}.items() if words}
    if len(merged) > MOST_KEYS:
        said = f"would have {len(merged)} keys; {MOST_KEYS} are allowed"
        raise Malformed(f"the metadata {said}", errors=[{"pointer": "/metadata", "message": said}])
    return merged


def merged(given: Mapping[str, Any], row: Any) -> dict[str, Any]:
    """Return the values of a change to a row with the metadata that it has after the change."""
    if "metadata" not in given:
        return dict(given)
    return {**given, "metadata": merge(row.metadata, given["metadata"])}


def check_metadata(given: Metadata | None, caller: Caller) -> None:
    """Raise Forbidden where a customer brings metadata: they belong to the company's systems."""
    if given is not None and caller.role is Role.CUSTOMER:
        raise Forbidden("a customer may not set metadata", field="metadata")
