"""Good answers that are written at once, past the framework's validation of what is ours."""

from typing import Any

import orjson
from fastapi import Response


def as_json(content: Any) -> bytes:
    """Write plain values: the same bytes as pydantic would write for their view."""
    return orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)


def written(content: Any, etag: str | None = None) -> Response:
    """Answer with plain values, laid out as their view is written."""
    headers = None if etag is None else {"ETag": etag}
    return Response(as_json(content), headers=headers, media_type="application/json")
