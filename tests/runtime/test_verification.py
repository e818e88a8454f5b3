"""What `stateset verify` compares the books with is reached as the settings say."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from db.engine import open_engine
from runtime.commands.connection import Target
from runtime.commands.verify import check_everything
from runtime.settings import Settings


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(database_url, application="test", pool=2)
    yield engine
    await engine.dispose()


async def test_runs_are_compared_over_tls_where_temporal_is_reached_by_it(
    database_url: str, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target(database_url=database_url, temporal_address=temporal_address)
    found = await check_everything(target, Settings())
    assert "P6" in {each.id for each in found}

    # This server has no certificate: only who does not ask for one is answered.
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    with pytest.raises(RuntimeError, match="connect"):
        await check_everything(target, Settings())
