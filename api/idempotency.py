"""The Idempotency-Key header: its form, and the fingerprint of what was asked under it."""

import hashlib
import re
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.datastructures import Headers

from api.refusals import Unreadable
from domain.errors import KeyMissing

HEADER = "Idempotency-Key"
LONGEST = 255
_KEY = rf"[!#-~]{{1,{LONGEST}}}"
PATTERN = f'^({_KEY}|"{_KEY}")$'
"""What the header may look like."""


def parse_key(headers: Headers) -> str:
    """Return the key, without the quotes that a structured field may have.

    1 to 255 visible ASCII characters other than quotes. Raises KeyMissing without one and
    Unreadable for two or a malformed one.
    """
    given = headers.getlist(HEADER)
    if not given:
        raise KeyMissing(f"send an {HEADER} header, so that repeating the request is safe")
    if len(given) > 1:
        raise Unreadable(f"there is more than one {HEADER} header")
    key = given[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not re.fullmatch(_KEY, key):
        raise Unreadable(
            f"the {HEADER} must be 1 to {LONGEST} visible ASCII characters, none a quote"
        )
    return key


def fingerprint(route: str, body: BaseModel | None) -> str:
    """Name what is asked: ``route`` is method and path, with ids, such as ``POST /orders``.

    Computed from the parsed body, so white space, the order of members and spelled-out defaults
    make no difference.
    """
    content: Any = {} if body is None else body.model_dump(mode="json")
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(route.encode() + b"\n" + canonical).hexdigest()


async def required_key(request: Request) -> str:
    """Return the key; raise KeyMissing without one."""
    return parse_key(request.headers)


RequiredKey = Annotated[str, Depends(required_key)]
"""The key of a request that must have one."""


async def optional_key(request: Request) -> str | None:
    """Return the key if there is one."""
    return parse_key(request.headers) if HEADER in request.headers else None


OptionalKey = Annotated[str | None, Depends(optional_key)]
"""The key of a request that may have one."""
