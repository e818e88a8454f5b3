"""Answers written as JSON at once, past the framework's validation of what is ours."""

from typing import Any

import orjson
from fastapi import Response

from api.headers import LOCATION, REPLAYED
from db.idempotency import Answer


def json_bytes(content: Any) -> bytes:
    """Write plain values: the same bytes as pydantic would write for their view."""
    return orjson.dumps(content, default=str, option=orjson.OPT_UTC_Z)


def json_response(content: Any) -> Response:
    """Answer with plain values, laid out as their view is written."""
    return Response(json_bytes(content), media_type="application/json")


def keyed_response(answer: Answer, location: str | None = None) -> Response:
    """Answer a request with what its key keeps; ``location`` is where what it made is read."""
    headers = {REPLAYED: "true"} if answer.replayed else {}
    if location is not None:
        headers[LOCATION] = location
    return Response(answer.body, answer.status, headers, "application/json")
