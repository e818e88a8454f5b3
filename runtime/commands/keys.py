"""Commands for API keys: make one, list them, revoke one."""

import asyncio
import re
import secrets
import string
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError

from db.access import add_key, all_keys, hash_of, revoke_key
from db.engine import Database, open_engine
from domain.access import Caller, Role, Scope
from domain.errors import DomainError, Malformed
from domain.ids import CustomerId, new_id
from runtime.local.record import find_stack
from runtime.settings import settings

app = typer.Typer(help="API keys: who may call.", no_args_is_help=True)

_LETTERS = string.ascii_letters + string.digits
_FORM = re.compile(r"sk_([A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")
Result = TypeVar("Result")


def make_secret() -> str:
    """Return a new key: ``sk_<prefix>_<256 random bits>``; the prefix names it in lists."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"sk_{prefix}_{secrets.token_urlsafe(32)}"


async def create_key(
    db: Database,
    *,
    name: str,
    role: str,
    scopes: Sequence[str] = (),
    customer_id: UUID | None = None,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> str:
    """Store a key's hash and return the key, which is shown this once.

    ``secret`` is given where the key must be known beforehand. Raises Malformed for an unknown
    role, scope or customer, and for a key that is not of our form or is in use.
    """
    key = make_secret() if secret is None else secret
    form = _FORM.fullmatch(key)
    if form is None:
        raise Malformed("a key is sk_, 8 letters or digits, _, and 43 characters of base64url")
    try:
        granted = TypeAdapter(list[Scope]).validate_python(list(scopes))
        caller = Caller(
            subject=name,
            role=Role(role),
            scopes=frozenset(granted),
            customer_id=None if customer_id is None else CustomerId(customer_id),
        )
    except ValueError as error:
        found = error.errors() if isinstance(error, ValidationError) else []
        reasons: list[Mapping[str, Any]] = [*found] or [{"msg": str(error)}]
        raise Malformed(_sentence(reasons)) from error
    try:
        async with db.begin() as connection:
            await add_key(
                connection,
                key_id=new_id(),
                name=caller.subject,
                prefix=form[1],
                secret_sha256=hash_of(key),
                role=caller.role,
                scopes=sorted(caller.scopes),
                customer_id=caller.customer_id,
                expires_at=expires_at,
            )
    except IntegrityError as error:
        raise Malformed("the key is in use, or there is no such customer") from error
    return key


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
        return await create_key(
            db, name=name, role=role, scopes=scope or (), customer_id=customer, expires_at=expires
        )

    typer.echo(_with_database(make))


@app.command("list")
def show() -> None:
    """List all keys, newest first; the keys themselves are not kept."""

    async def read(db: Database) -> list[str]:
        async with db.read() as connection:
            rows = await all_keys(connection)
        return [
            f"sk_{row.prefix}_…  {row.role:<12} {'revoked' if row.revoked_at else 'live':<8} "
            f"{row.created_at:%Y-%m-%d}  {row.name} {' '.join(row.scopes)}".rstrip()
            for row in rows
        ]

    for line in _with_database(read):
        typer.echo(line)


@app.command()
def revoke(
    prefix: Annotated[str, typer.Argument(help="The 8 characters after sk_, as listed.")],
) -> None:
    """Revoke a key; it stops working within seconds."""

    async def end(db: Database) -> int:
        async with db.begin() as connection:
            return await revoke_key(connection, prefix)

    if not _with_database(end):
        typer.echo(f"there is no live key with the prefix {prefix}", err=True)
        raise typer.Exit(1)
    typer.echo("revoked")


def _sentence(reasons: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(str(reason["msg"]).removeprefix("Value error, ") for reason in reasons)


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
