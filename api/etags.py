"""Entity tags: a caller that has the newest version gets 304, one that changes an old one 412."""

import hashlib
import re
from typing import Annotated

from fastapi import Header, Response

from api.errors import Unchanged
from api.headers import ETAG
from domain.errors import Stale

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=1000,
        description="The `ETag` of what you have, or several: one that still holds costs a 304.",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The `ETag` of what you read: a document that has changed since is refused"
        " with 412.",
    ),
]
_VERSION = re.compile(r'(?:W/)?"(\d+)(?:-[0-9a-f]+)?"')


def tag(version: int, body: bytes) -> str:
    """Return the tag of what a caller is shown: it begins with the version of the document's row.

    Two bodies under one tag are the same bytes, so whatever else a view shows - shipments, money,
    stock, what this caller may see - changes the tag too.
    """
    return f'"{version}-{hashlib.sha256(body).hexdigest()[:16]}"'


def tagged(version: int, body: bytes, has: str | None) -> Response:
    """Answer with a document under its tag; raises Unchanged when the caller has just this."""
    etag = tag(version, body)
    if has is not None and (has.strip() == "*" or etag in _listed(has)):
        raise Unchanged(etag)
    return Response(body, headers={ETAG: etag}, media_type="application/json")


def check_match(version: int, meant: str | None) -> None:
    """Raise Stale unless a change is meant for this version of a locked document.

    A tag tells more than the version of the document's own row; only that one is compared, for
    nothing else is lost by the change. Without the header any version is meant.
    """
    if meant is None or meant.strip() == "*":
        return
    versions = {
        found[1] for each in meant.split(",") if (found := _VERSION.fullmatch(each.strip()))
    }
    if str(version) not in versions:
        raise Stale(f"this is version {version} by now; read it again", version=version)


def _listed(header: str) -> set[str]:
    return {entry.strip().removeprefix("W/") for entry in header.split(",")}
