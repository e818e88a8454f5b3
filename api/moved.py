"""Addresses of the original specification that are others now: callers are sent on."""

from urllib.parse import quote

from fastapi import FastAPI, Request, Response

METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
_MOVED = {"/return": "/returns"}


def install(app: FastAPI) -> None:
    """Answer what has moved with where it is now (308): method, body and query stay.

    It needs no credential: where things are is no secret, and the new address asks for one.
    """
    for before, now in _MOVED.items():
        _send_on(app, before, now)


def _send_on(app: FastAPI, before: str, now: str) -> None:
    @app.api_route(before, methods=METHODS, include_in_schema=False)
    @app.api_route(f"{before}/{{rest:path}}", methods=METHODS, include_in_schema=False)
    async def moved(request: Request, rest: str = "") -> Response:
        """Say where it is."""
        there = f"{now}/{quote(rest)}" if rest else now
        query = request.scope["query_string"].decode("latin-1")
        return Response(
            status_code=308, headers={"Location": f"{there}?{query}" if query else there}
        )
