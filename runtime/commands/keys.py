"""Commands for API keys: make, list, rename and revoke them, say whose an actor is."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.access.accepting import create_key, give_name
from db.access import all_keys, revoke_key
from db.engine import Database, open_engine
from domain.access import Role
from domain.errors import DomainError
from domain.ids import new_id
from runtime.local.record import find_stack
from runtime.settings import settings

app = typer.Typer(help="API keys: who may call.", no_args_is_help=True)

Result = TypeVar("Result")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use it.")],
    role: Annotated[Role, typer.Option(help="What it may do.")],
    scope: Annotated[list[str] | None, typer.Option(help="An extra scope; repeatable.")] = None,
    customer: Annotated[UUID | None, typer.Option(help="Whose documents, for a customer.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="When it ends; UTC.")] = None,
) -> None:
    """Make a key and print it; it cannot be shown again."""

    async def make(db: Database) -> str:
        async with db.begin() as connection:
            return await create_key(
                connection,
                new_id(),
                name=name,
                role=role,
                scopes=scope or (),
                customer_id=customer,
                expires_at=expires,
            )

    typer.echo(_with_database(make))


@app.command("list")
def show() -> None:
    """List all keys, newest first: live, expired or revoked. The keys themselves are not kept."""
    for row in _with_database(_read):
        typer.echo(_line(row))


@app.command()
def who(
    actor: Annotated[str, typer.Argument(help="As an event names it: key:<name>, or key:<id>.")],
) -> None:
    """List the keys of an actor; releases before 0.2 named a key's actor by the key's id."""
    found = [row for row in _with_database(_read) if actor in (f"key:{row.name}", f"key:{row.id}")]
    if not found:
        typer.echo(f"no key is or was {actor}", err=True)
        raise typer.Exit(1)
    for row in found:
        typer.echo(_line(row))


@app.command()
def rename(
    prefix: Annotated[str, typer.Argument(help="The 8 characters after sk_, as listed.")],
    name: Annotated[str, typer.Argument(help="Who uses it from now on.")],
) -> None:
    """Give a key another name: to the product it is another caller within seconds."""
    _change_one(prefix, lambda connection: give_name(connection, prefix, name))
    typer.echo("renamed")


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The 8 characters after sk_, as listed.")],
) -> None:
    """Revoke a key; it stops working within seconds."""
    _change_one(prefix, lambda connection: revoke_key(connection, prefix))
    typer.echo("revoked")


def _change_one(prefix: str, change: Callable[[AsyncConnection], Awaitable[int]]) -> None:
    async def run(db: Database) -> int:
        async with db.begin() as connection:
            return await change(connection)

    if not _with_database(run):
        typer.echo(f"there is no live key with the prefix {prefix}", err=True)
        raise typer.Exit(1)


async def _read(db: Database) -> Sequence[Row[Any]]:
    async with db.read() as connection:
        return await all_keys(connection)


def _line(row: Row[Any]) -> str:
    shown = f"sk_{row.prefix}_…  {row.role:<12} {row.state:<8} {row.created_at:%Y-%m-%d}"
    return f"{shown}  {row.name} {' '.join(row.scopes)}".rstrip()


def _with_database(run: Callable[[Database], Awaitable[Result]]) -> Result:
    url = settings().database_url
    if url is None:
        stack = find_stack(settings().data_dir)
        if stack is None:
            typer.echo("start the local stack, or set STATESET_DATABASE_URL", err=True)
            raise typer.Exit(2)
        url = stack.database_url

    async def connected() -> Result:
        db = Database(open_engine(url, application="stateset-keys", pool=2))
        try:
            return await run(db)
        finally:
            await db.close()

    try:
        return asyncio.run(connected())
    except DomainError as error:
        typer.echo(error.detail, err=True)
        raise typer.Exit(1) from error
