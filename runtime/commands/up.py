"""``stateset up``: the local stack until Ctrl-C."""

import asyncio

from rich.console import Console
from rich.text import Text

from activities.access.accepting import create_key
from db.engine import Database, open_engine
from domain.access import Role
from domain.ids import new_id
from runtime.local.children import CannotStart
from runtime.local.record import StackRecord
from runtime.local.stack import Stack
from runtime.settings import Settings

console = Console()


async def development_key(database_url: str) -> str:
    """Make the API key that a development stack prints; an admin's, so that everything works."""
    db = Database(open_engine(database_url, application="stateset-up", pool=2))
    try:
        async with db.begin() as connection:
            return await create_key(connection, new_id(), name="development", role=Role.ADMIN)
    finally:
        await db.close()


def run_up(settings: Settings) -> int:
    """Run the stack until it is stopped; return the exit code."""
    try:
        asyncio.run(_serve(settings))
    except CannotStart as problem:
        console.print(f"[red]Cannot start:[/] {problem}", highlight=False)
        return 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        pass
    console.print("Stopped. What was accepted is kept and goes on with the next start.")
    return 0


async def _serve(settings: Settings) -> None:
    async with Stack(settings, make_api_key=development_key, say=console.print) as stack:
        await stack.ready()
        show(console, stack.record)
        await asyncio.Event().wait()


def show(where: Console, record: StackRecord) -> None:
    """Tell people the addresses of a running stack, each on a line of its own, never broken."""
    rows = {
        "API and its documentation": f"{record.api_url}/docs",
        "Temporal Web UI": record.temporal_ui_url or "(your own Temporal)",
        "PostgreSQL": record.database_url,
        "Sandbox carrier": f"{record.carrier_url}/docs",
        "Sandbox payments": f"{record.payments_url}/docs",
        "Worker metrics": record.worker_metrics_url,
        "Development API key": record.api_key or "",
    }
    lines = [Text("StateSet is up", style="bold")]
    for name, value in rows.items():
        lines += [Text(name, style="dim"), Text(f"  {value}")]
    where.print(Text("\n").join(lines), soft_wrap=True)
