"""The command line ``stateset``."""

import functools
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from runtime.commands import keys
from runtime.commands.adventureworks.commands import import_app, replay_app
from runtime.commands.chaos.command import chaos_command
from runtime.commands.demo import demo_command
from runtime.commands.exits import leave
from runtime.commands.sample import sample_command
from runtime.commands.soak.command import soak_command
from runtime.commands.status.command import status_command
from runtime.commands.verify import verify_command
from runtime.commands.why import why_command
from runtime.settings import settings

app = typer.Typer(
    help="StateSet runs orders, stock, payments and shipments as durable processes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(keys.app, name="keys")
app.add_typer(import_app, name="import")
app.add_typer(replay_app, name="replay")
app.command("sample")(sample_command)
app.command("verify")(verify_command)
app.command("status")(status_command)
app.command("why")(why_command)
app.command("demo")(demo_command)
app.command("soak")(soak_command)
app.command("chaos")(chaos_command)

Port = Annotated[int | None, typer.Option(min=0, max=65535, help="0 means any free port.")]


@app.command()
def up(
    data_dir: Annotated[
        Path | None, typer.Option(help="Where databases, logs and keys are kept.")
    ] = None,
    port: Port = None,
    postgres_port: Port = None,
    temporal_port: Port = None,
    ui_port: Port = None,
    metrics_port: Port = None,
) -> None:
    """Run everything here: PostgreSQL, Temporal, the sandbox partners, worker and API.

    Ctrl-C stops all of it in order. What was accepted is kept in the data folder and goes on with
    the next start. An option that is not given is taken from its STATESET_ setting.
    STATESET_DATABASE_URL and STATESET_TEMPORAL_ADDRESS name servers to use instead.
    """
    from runtime.commands.up import run_up

    given = settings()
    options = {
        "data_dir": data_dir,
        "api_port": port,
        "postgres_port": postgres_port,
        "temporal_port": temporal_port,
        "ui_port": ui_port,
        "metrics_port": metrics_port,
    }
    chosen = {name: value for name, value in options.items() if value is not None}
    leave(run_up(given.model_copy(update=chosen)))


@app.command()
def migrate() -> None:
    """Bring the database's schema and Temporal's search attributes up to date."""
    from runtime.commands.migrate import run_migrate

    leave(run_migrate(settings()))


@app.command()
def api() -> None:
    """Serve the HTTP API (a production process; scale by running several)."""
    import uvloop

    from api.app import serve
    from runtime.temporal import connect

    given = settings()
    uvloop.run(serve(given, functools.partial(connect, given)))
    os._exit(0)


@app.command()
def worker() -> None:
    """Run processes and dispatch the outbox (a production process; scale by running several)."""
    from worker import main as work

    work()


def main(*arguments: Any) -> None:
    """Run the command line."""
    app(*arguments)


if __name__ == "__main__":
    main()
