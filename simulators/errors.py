"""Refusals as JSON ``{"error": {"code", "message"}}``, and the answer that never comes."""

import asyncio
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send


class ErrorDetail(BaseModel):
    """A stable code for programs and a sentence for people."""

    code: str
    message: str


class ErrorBody(BaseModel):
    """The body of every refusal."""

    error: ErrorDetail


class Refusal(Exception):
    """Answer with this status, code and message; nothing was changed."""

    def __init__(
        self, status: int, code: str, message: str, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


class NoAnswer(Exception):
    """Keep the caller waiting for ``seconds``, then close the connection without an answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__("no answer")
        self.seconds = seconds


class Garbled(Exception):
    """Answer 200 with a body that is cut off: the work was done, the answer cannot be read."""


class Silence(Response):
    """Says nothing until the caller leaves or the time is up, then breaks the connection off."""

    def __init__(self, seconds: float) -> None:
        super().__init__(status_code=504)
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait; an announced body that never comes makes the server close the connection."""
        try:
            async with asyncio.timeout(self.seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            promised = [(b"content-length", b"1")]
            await send({"type": "http.response.start", "status": 504, "headers": promised})


def error_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Build the JSON answer of a refusal."""
    body = ErrorBody(error=ErrorDetail(code=code, message=message))
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


def install_error_handlers(app: FastAPI) -> None:
    """Give every refusal of the application the same shape."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        after = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
        return error_response(error.status, error.code, error.message, after)

    @app.exception_handler(NoAnswer)
    async def unanswered(_: Request, error: NoAnswer) -> Response:
        return Silence(error.seconds)

    @app.exception_handler(Garbled)
    async def garbled(_: Request, __: Garbled) -> Response:
        return Response(b'{"id": "', media_type="application/json")

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return error_response(422, "invalid_request", f"{where}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def failed(_: Request, error: HTTPException) -> Response:
        code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        return error_response(error.status_code, code, str(error.detail), dict(error.headers or {}))
