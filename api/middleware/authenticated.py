"""Authentication of a route: 401 and 403 before anything of the body is read or parsed."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.authentication import Authenticator
from domain.access import Command


class Authenticated:
    """A route that is entered only by known callers who may give its command."""

    def __init__(self, app: ASGIApp, command: Command) -> None:
        self._app = app
        self._command = command

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises Unauthenticated and Forbidden."""
        authenticator: Authenticator = scope["app"].state.authenticator
        caller = await authenticator.identify(Headers(scope=scope))
        scope["state"]["caller"] = caller.subject
        caller.require(self._command)
        scope["state"]["identity"] = caller
        await self._app(scope, receive, send)
