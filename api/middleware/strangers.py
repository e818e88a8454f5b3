"""Requests without a known credential: counted by address, and refused before anything is done."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.authentication import Authenticator
from api.errors import problem
from api.limits.admission import Admission
from api.refusals import RateLimited

_OPEN = ("/health", "/metrics")


class Strangers:
    """Counts what turns out to be no known caller's; when it is too much, little is spent on it."""

    def __init__(self, app: ASGIApp, *, admission: Admission, authenticator: Authenticator) -> None:
        self._app = app
        self._admission = admission
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if (
            scope["type"] != "http"
            or scope["path"].startswith(_OPEN)
            or self._authenticator.remembers(Headers(scope=scope))
        ):
            await self._app(scope, receive, send)
            return
        try:
            address = await self._admission.admit_stranger(scope)
        except RateLimited as refusal:
            await problem(refusal, scope)(scope, receive, send)
            return
        scope["state"]["counted"] = True
        await self._app(scope, receive, send)
        if address is not None and "known" in scope["state"]:
            await self._admission.forgive(address)
