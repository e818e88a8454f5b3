"""Response headers in OpenAPI: each described once, by its name, and which answers carry it."""

from collections.abc import Iterable
from typing import Any

REQUEST_ID = "X-Request-Id"
ETAG = "ETag"
LOCATION = "Location"
REPLAYED = "Idempotent-Replayed"
CHALLENGE = "WWW-Authenticate"
RETRY_AFTER = "Retry-After"
RATE_LIMIT = "RateLimit"
RATE_LIMIT_POLICY = "RateLimit-Policy"

_TEXT = {"type": "string"}
COMPONENTS: dict[str, dict[str, Any]] = {
    REQUEST_ID: {
        "description": "By which the request is found in the logs: the request's own if it is 1 to"
        " 128 letters, digits and any of `._:-`, else one that we made.",
        "required": True,
        "schema": _TEXT,
    },
    ETAG: {
        "description": "The tag of this document as it is shown here, for `If-None-Match` and"
        " `If-Match`.",
        "required": True,
        "schema": _TEXT,
    },
    LOCATION: {
        "description": "Where what was made is read; relative to the server.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    REPLAYED: {
        "description": "There if this key has been answered before: this is that answer.",
        "schema": {"type": "string", "const": "true"},
    },
    CHALLENGE: {
        "description": "The scheme of the credential that is wanted.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
    },
    RETRY_AFTER: {
        "description": "Seconds after which to ask again.",
        "schema": {"type": "integer", "minimum": 1},
    },
    RATE_LIMIT: {
        "description": "Requests that are left to this caller now (`r`), and seconds until all of"
        " them are there again (`t`), as draft-ietf-httpapi-ratelimit-headers says.",
        "schema": _TEXT,
    },
    RATE_LIMIT_POLICY: {
        "description": "Requests that a caller has (`q`), and seconds in which they come back"
        " (`w`).",
        "schema": _TEXT,
    },
}
"""By name; one that is not required is there in some answers of its status only."""


def refer(names: Iterable[str]) -> dict[str, Any]:
    """Return the headers of an answer, as the document has them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


LOCATED: dict[int | str, dict[str, Any]] = {201: {"headers": refer([LOCATION])}}
"""What a route answers that made something with an address of its own."""
