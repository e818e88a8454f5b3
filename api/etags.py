"""Entity tags: a caller that has the newest version gets 304, one that changes an old one 412."""

import hashlib
import re
from typing import Annotated

from fastapi import Header, Response

from api.errors import Unchanged
from domain.errors import Stale

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
"""The versions that the caller has."""
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000)]
"""The version that the caller's change is meant for."""
_VERSION = re.compile(r'(?:W/)?"(\d+)(?:-[0-9a-f]+)?"')


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


def answer_with(etag: str, response: Response, has: str | None) -> None:
    """Set the tag on the answer; raise Unchanged when the caller has this version already."""
    refuse_known(etag, has)
    response.headers["ETag"] = etag


def _listed(header: str) -> set[str]:
    return {entry.strip().removeprefix("W/") for entry in header.split(",")}
