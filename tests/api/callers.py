"""Somebody of every role, with a key of their own."""

from typing import Any, cast
from uuid import UUID, uuid4

import httpx2

from activities.access.accepting import create_key
from api.refusals import Busy
from db.engine import Database
from domain.ids import new_id
from tests.patience import eventually


async def new_key(books: Database, role: str, *, name: str = "", **rest: Any) -> str:
    """Make a key; returns what it is shown as this once."""
    async with books.begin() as db:
        return await create_key(db, new_id(), name=name or role, role=role, **rest)


class Callers:
    """Asks the application in a role's name."""

    def __init__(self, client: httpx2.AsyncClient, books: Database) -> None:
        self.client = client
        self.books = books
        self._keys: dict[tuple[str, tuple[str, ...], UUID | None], str] = {}

    async def key(self, role: str, *scopes: str, customer_id: UUID | str | None = None) -> str:
        """Return the key of a caller with this role, made on first use."""
        customer = None if customer_id is None else UUID(str(customer_id))
        who = (role, scopes, customer)
        if who not in self._keys:
            self._keys[who] = await new_key(
                self.books, role=role, scopes=scopes, customer_id=customer
            )
        return self._keys[who]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        role: str = "admin",
        customer_id: UUID | str | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        **rest: Any,
    ) -> httpx2.Response:
        """Send a request; every POST gets an Idempotency-Key unless ``key`` names one.

        What is told that others hold the same rows comes again, as any client is asked to.
        """
        secret = await self.key(role, customer_id=customer_id)
        sent = {"Authorization": f"Bearer {secret}"}
        if method == "POST":
            sent["Idempotency-Key"] = key or uuid4().hex
        sent |= headers or {}

        async def answer() -> httpx2.Response | None:
            found = await self.client.request(method, path, headers=sent, **rest)
            busy = found.status_code == Busy.status and found.json().get("code") == Busy.code
            return None if busy else found

        return cast(httpx2.Response, await eventually(answer, otherwise="others hold it for ever"))

    async def get(self, path: str, **rest: Any) -> httpx2.Response:
        return await self.ask("GET", path, **rest)

    async def post(self, path: str, body: object, **rest: Any) -> httpx2.Response:
        return await self.ask("POST", path, json=body, **rest)
