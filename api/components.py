"""Schemas of the OpenAPI document as generated clients want them: named once, answers open."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from domain.metadata import FORM, Metadata
from domain.quantities import Quantity, Total

_AT = "#/components/schemas/"

FORMS: dict[str, dict[str, Any]] = {
    "Quantity": {
        **TypeAdapter(Quantity).json_schema(),
        "description": "Units: a whole number, or a string with at most 6 decimals.",
    },
    "TotalQuantity": {
        **TypeAdapter(Total).json_schema(),
        "description": "A sum of units: a whole number, else a string with 6 decimals.",
    },
    "GivenMetadata": {
        **TypeAdapter(Metadata).json_schema(),
        "description": f"{FORM}; null or an empty text removes one.",
    },
    "Metadata": {
        **TypeAdapter(dict[str, str]).json_schema(),
        "description": f"{FORM}.",
    },
}
"""Forms that stand in many places: named, so that generated clients have one class for each."""


def share_forms(described: dict[str, Any]) -> dict[str, Any]:
    """Return the document with a name for each form, and references in the places that have it."""
    shared: dict[str, Any] = _referring(described)
    shared["components"]["schemas"] |= FORMS
    return shared


def open_answers(described: dict[str, Any]) -> None:
    """Let what only answers have grow: no client need break by a member of the next release.

    Bodies stay closed: a misspelt member is refused.
    """
    schemas = described["components"]["schemas"]
    taken: set[str] = set()
    bodies = [
        operation.get("requestBody", {})
        for methods in described["paths"].values()
        for operation in methods.values()
    ]
    found = {name for body in bodies for name in _named_in(body)}
    while found:
        taken |= found
        found = {inner for name in found for inner in _named_in(schemas[name])} - taken
    for name, schema in schemas.items():
        if name not in taken and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]


def _named_in(part: Any) -> Iterator[str]:
    """Yield the names of the schemas to which a part of the document refers."""
    if isinstance(part, dict):
        if str(part.get("$ref")).startswith(_AT):
            yield part["$ref"].removeprefix(_AT)
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _named_in(one)


def _referring(part: Any) -> Any:
    """Refer to the forms that have a name instead of repeating them."""
    if isinstance(part, list):
        return [_referring(one) for one in part]
    if not isinstance(part, dict):
        return part
    for name, schema in FORMS.items():
        form = {key: value for key, value in schema.items() if key != "description"}
        if all(part.get(key) == value for key, value in form.items()):
            rest = {key: part[key] for key in part if key not in form and key != "title"}
            return {"$ref": f"{_AT}{name}", **rest}
    return {key: _referring(value) for key, value in part.items()}
