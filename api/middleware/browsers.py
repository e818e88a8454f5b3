"""What a browser needs to reach the codec from Temporal's UI, which has another origin."""

import base64
import binascii

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CODEC = "/codec"
_BASIC = 'Basic realm="what Temporal keeps: the password is an API key", charset="UTF-8"'


class Browsers:
    """Lets pages of the known origins ask the codec, and browsers send a key as a password.

    The UI has no other way to send a key. No other route takes a password: a browser sends it along
    with whatever any page has it ask, and what the codec does changes nothing.
    """

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...]) -> None:
        """``origins`` are those of the UI, such as ``https://temporal.example.com``."""
        self._app = app
        self._codec = CORSMiddleware(
            self._with_password,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=["Authorization", "Content-Type", "X-Namespace"],
            allow_credentials=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        at_codec = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{CODEC}/")
        await (self._codec if at_codec else self._app)(scope, receive, send)

    async def _with_password(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("authorization", "")
        if (password := _password(given)) is not None:
            scope["headers"] = list(scope["headers"])
            MutableHeaders(scope=scope)["authorization"] = f"Bearer {password}"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                MutableHeaders(scope=message).append("www-authenticate", _BASIC)
            await send(message)

        await self._app(scope, receive, answer)


def _password(given: str) -> str | None:
    scheme, _, encoded = given.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = base64.b64decode(encoded.strip(), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    password = pair.partition(":")[2]
    return password if password.isprintable() and " " not in password else None
