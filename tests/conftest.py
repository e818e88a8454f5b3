"""Real servers for the tests, each started once per run and only when a test asks for it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.database import fresh_database, make_template
from tests.ports import free_port

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.installation import Installation
    from tests.sharing import LongestFirst


def pytest_configure() -> None:
    """No example of a property is held to a time, and every run has the same ones."""
    from hypothesis import settings

    from tests.seeds import EXPLORE

    settings.register_profile("ours", deadline=None, derandomize=not EXPLORE)
    settings.load_profile("ours")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LongestFirst | None":
    """Share the files among processes as ``tests/sharing.py`` says."""
    from tests.sharing import LongestFirst

    return LongestFirst(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def plain_log() -> None:
    """The log with plain tracebacks: pretty ones hold up everything in the process for seconds."""
    import structlog

    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    """A folder of this run that every user may pass through, as PostgreSQL's must under root."""
    folder = Path(tempfile.mkdtemp(prefix="stateset-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def postgres_url(server_dir: Path) -> AsyncIterator[str]:
    """An empty database on a real PostgreSQL; its user may create further databases."""
    from runtime.local.postgres import Postgres, remove

    data_dir = server_dir / "postgres"
    server = Postgres(data_dir, free_port())
    yield await server.start()
    await server.stop()
    remove(data_dir)


@pytest.fixture(scope="session")
async def temporal_address(server_dir: Path) -> AsyncIterator[str]:
    """A real Temporal development server, with real time and the namespace ``default``."""
    from runtime.local.temporal import Temporal

    server = Temporal(server_dir / "temporal", free_port())
    yield await server.start()
    await server.stop()


@pytest.fixture(scope="session")
async def template_url(postgres_url: str) -> str:
    """A database with the newest schema and nothing in it, to be copied and never connected to."""
    return await make_template(postgres_url)


@pytest.fixture(scope="module")
async def database_url(template_url: str) -> AsyncIterator[str]:
    """A module's own database with the newest schema and nothing in it."""
    async with fresh_database(template_url) as url:
        yield url


@pytest.fixture(scope="session")
async def installation(server_dir: Path) -> AsyncIterator["Installation"]:
    """The whole product as ``stateset up`` runs it, shared by all tests that use it."""
    from tests.installation import running

    folder = server_dir / "installation"
    folder.mkdir(mode=0o711)
    async with running(folder) as installation:
        yield installation
