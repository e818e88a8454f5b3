"""The company's places that belong to no site, by ids that every installation shares."""

from functools import cache
from uuid import UUID, uuid5

from domain.ids import LocationId
from domain.inventory import LocationKind

_NAMESPACE = UUID("5f0b9a3e-8a54-5f0e-9c1d-2a6b7c8d9e0f")


@cache
def place_id(kind: LocationKind) -> LocationId:
    """Return the location of a kind that the company has only one of, such as transit."""
    return LocationId(uuid5(_NAMESPACE, kind))
