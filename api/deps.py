"""What a handler may ask for: the caller, a connection, the books, Temporal."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.client import Client

from api.services import Services
from db.engine import Database
from domain.access import Caller, Command


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _books(request: Request) -> Database:
    services: Services = request.app.state.services
    return services.db


async def _reading(request: Request) -> AsyncIterator[AsyncConnection]:
    services: Services = request.app.state.services
    async with services.db.read() as connection:
        yield connection


async def _temporal(request: Request) -> Client:
    services: Services = request.app.state.services
    return await services.temporal()


Serving = Annotated[Services, Depends(_services)]
"""All services of the process."""

Books = Annotated[Database, Depends(_books)]
"""The database, for handlers that write: they open their own transaction."""

Db = Annotated[AsyncConnection, Depends(_reading, scope="function")]
"""A connection for reads, given back before the answer is sent. Name it after the caller."""

Temporal = Annotated[Client, Depends(_temporal)]
"""The connected client; the request is refused with PartnerUnavailable when there is none."""


class Require:
    """Lets in only known callers who may give ``command``; the handler gets the caller.

    The route (`Authenticated`) has identified the caller before anything of the body was read.
    """

    def __init__(self, command: Command) -> None:
        self.command = command

    async def __call__(self, request: Request) -> Caller:
        """Return the caller; raises Forbidden."""
        caller: Caller = request.scope["state"]["identity"]
        caller.require(self.command)
        return caller


def require(command: str) -> Any:
    """Depend on a caller who may give this command."""
    return Depends(Require(Command(command)))
