"""Entity tags: a caller that has the newest version gets 304 and no body."""

import hashlib
from typing import Annotated

from fastapi import Header, Response

from api.errors import Unchanged

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
"""The versions that the caller has."""


def tag(version: int, *also: str) -> str:
    """Return the tag of a document's version.

    ``also`` is what its view shows beyond its own row: the tag then changes with that too, and
    still begins with the version.
    """
    if not also:
        return f'"{version}"'
    shown = hashlib.sha256("\n".join(also).encode()).hexdigest()[:12]
    return f'"{version}-{shown}"'


def refuse_known(etag: str, has: str | None) -> None:
    """Raise Unchanged when the caller has this version already."""
    if has is not None and (has.strip() == "*" or etag in _listed(has)):
        raise Unchanged(etag)


def answer_with(etag: str, response: Response, has: str | None) -> None:
    """Set the tag on the answer; raise Unchanged when the caller has this version already."""
    refuse_known(etag, has)
    response.headers["ETag"] = etag


def _listed(header: str) -> set[str]:
    return {entry.strip().removeprefix("W/") for entry in header.split(",")}
