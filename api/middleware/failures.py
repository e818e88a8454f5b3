"""The handler of unexpected exceptions: logged in full, answered by one sentence."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import of_database, problem
from api.refusals import Internal

_log = structlog.get_logger("http")


class Failures:
    """Turns an unexpected exception into a 500 that says nothing about our insides."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answering = False

        async def answer(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            _log.exception("request failed", path=scope["path"])
            if answering:
                raise
            refusal = of_database(error, scope) or Internal(
                "this was logged; quote the request_id to the operators"
            )
            await problem(refusal, scope)(scope, receive, send)
