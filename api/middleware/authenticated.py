"""Authentication of a route: 401, 403 and 429 before anything of the body is read or parsed."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.authentication import Authenticator
from api.limits.admission import Admission
from domain.access import Command


class Authenticated:
    """A route that is entered only by known callers, within their limits, who may do this."""

    def __init__(self, app: ASGIApp, command: Command) -> None:
        self._app = app
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
            await self._app(scope, receive, send)
        finally:
            admission.leave(caller)
