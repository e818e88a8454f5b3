"""Authentication of a route: 401, 403 and 429 before anything of the body is read or parsed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.authentication import Authenticator
from api.headers import REPLAYED
from api.idempotency import HEADER
from api.limits.admission import Admission
from db.turns import Turns, asking_for
from domain.access import Caller, Command


class Authenticated:
    """A route that is entered only by known callers, within their limits, who may do this."""

    def __init__(self, app: ASGIApp, command: Command, *, lists: bool = False) -> None:
        """``lists``: whether it answers a page of many documents, of which few are made at once."""
        self._app = _InTurn(app) if lists else app
        self._command = command

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises Unauthenticated, Forbidden, RateLimited and TooManyAtOnce."""
        services = scope["app"].state
        authenticator: Authenticator = services.authenticator
        admission: Admission = services.admission
        caller = await authenticator.identify(Headers(scope=scope))
        state = scope["state"]
        state["caller"], state["known"] = caller.subject, True
        await admission.admit_caller(caller, scope)
        caller.require(self._command)
        state["identity"] = caller
        await admission.enter(caller)
        try:
            with asking_for(caller.identity):
                async with _kept(caller, scope, send, admission) as told:
                    await self._app(scope, receive, told)
        finally:
            admission.leave(caller)


@asynccontextmanager
async def _kept(
    caller: Caller, scope: Scope, send: Send, admission: Admission
) -> AsyncIterator[Send]:
    """Count the answer of a request with a key, which is kept, unless it is not; RateLimited."""
    if HEADER not in Headers(scope=scope) or scope["method"] == "GET":
        yield send
        return
    await admission.admit_answer(caller, scope)
    keeps = False

    async def look(message: Message) -> None:
        nonlocal keeps
        if message["type"] == "http.response.start":
            keeps = message["status"] < 300 and REPLAYED not in Headers(raw=message["headers"])
        await send(message)

    try:
        yield look
    finally:
        if not keeps:
            await admission.forgive_answer(caller)


class ForGuests:
    """A route without a credential: all who use it have one caller's share of the database."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises RateLimited, also where a known credential is sent along."""
        if not scope["state"].get("counted"):
            await scope["app"].state.admission.admit_stranger(scope)
        with asking_for("guests"):
            await self._app(scope, receive, send)


class _InTurn:
    """Makes an answer in the caller's turn, which ends before a slow reader has taken it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        turns: Turns = scope["app"].state.lists
        caller = scope["state"]["identity"].identity
        began: float | None = await turns.take(caller)

        def leave() -> None:
            nonlocal began
            if began is not None:
                turns.leave(caller, began)
                began = None

        try:
            await self._app(scope, receive, _once_begun(send, leave))
        finally:
            leave()


def _once_begun(send: Send, tell: Callable[[], None]) -> Callable[[Message], Awaitable[None]]:
    async def answer(message: Message) -> None:
        tell()
        await send(message)

    return answer
