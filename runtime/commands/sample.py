"""``stateset sample``: the invented company, so that a fresh stack has something to sell."""

import asyncio

import typer
from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database, open_engine
from runtime.commands.connection import NotReachable, find_target
from runtime.sample.company import Company, load_company
from runtime.settings import settings


def sample_command() -> None:
    """Bring in the sample company's customers, items, sites and stock; a repeat changes nothing."""
    try:
        company = asyncio.run(_load(find_target(settings()).database_url))
    except (NotReachable, OSError, SQLAlchemyError) as error:
        typer.echo(f"cannot load the sample: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(
        f"{len(company.customers)} customers, {len(company.items)} items and"
        f" {len(company.sites)} sites with their stock are there."
    )


async def _load(database_url: str) -> Company:
    db = Database(open_engine(database_url, application="stateset-sample", pool=2))
    try:
        return await load_company(db)
    finally:
        await db.close()
