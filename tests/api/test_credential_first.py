"""The credential is looked at first: without one nothing of a body is read or parsed."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from api.openapi import command_of
from runtime.settings import Settings
from tests.api.callers import Callers


async def answer(
    app: FastAPI, method: str, path: str, *headers: tuple[bytes, bytes]
) -> tuple[int, int]:
    """Ask with a body that is never to be wanted; returns the status and how often it was."""
    wanted = 0
    status = 0

    async def receive() -> Any:
        nonlocal wanted
        wanted += 1
        return {"type": "http.request", "body": b"[" * 100_000, "more_body": True}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), *headers],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("stateset", 80),
        "client": ("127.0.0.1", 1),
        "root_path": "",
    }
    await app(scope, receive, send)
    return status, wanted


async def test_without_a_credential_no_body_is_read(app: FastAPI) -> None:
    """D7: of every route that needs a credential, whatever the size that the body declares."""
    length = (b"content-length", str(Settings().body_limit * 50).encode())
    for route in app.routes:
        if not isinstance(route, APIRoute) or command_of(route) is None:
            continue
        for method in route.methods or ():
            path = route.path_format.replace("{", "").replace("}", "")
            for more in ((), (length,), ((b"authorization", b"Bearer sk_wrong"),)):
                assert await answer(app, method, path, *more) == (401, 0), path


async def test_who_may_not_ask_is_told_so_before_the_body_is_read(
    app: FastAPI, callers: Callers
) -> None:
    """D7: the role is checked before the body, too."""
    key = (b"x-api-key", (await callers.key("support")).encode())
    assert await answer(app, "POST", "/items", key) == (403, 0)


async def test_a_declared_size_is_refused_before_the_body_is_read(
    app: FastAPI, callers: Callers
) -> None:
    """D7: with a credential, and at a webhook, whose signature needs the body."""
    key = (b"x-api-key", (await callers.key("admin")).encode())
    length = (b"content-length", str(Settings().body_limit + 1).encode())
    assert await answer(app, "POST", "/customers", key, length) == (413, 0)
    assert await answer(app, "POST", "/webhooks/sandbox-carrier", length) == (413, 0)


async def test_the_body_of_a_webhook_is_read_up_to_the_limit(app: FastAPI) -> None:
    """D7: an endless unsigned body is given up at the limit."""
    status, wanted = await answer(app, "POST", "/webhooks/sandbox-carrier")
    assert (status, wanted) == (413, Settings().body_limit // 100_000 + 1)
