"""Good answers that are written at once, past the framework's validation of what is ours."""

from typing import Any

import orjson
from fastapi import Response


def written(content: Any, etag: str | None = None) -> Response:
    """Answer with plain values: the same bytes as pydantic would write for their view."""
    body = orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)
    headers = None if etag is None else {"ETag": etag}
    return Response(body, headers=headers, media_type="application/json")
