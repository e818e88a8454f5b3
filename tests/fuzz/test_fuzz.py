"""A bounded run of what ``make fuzz`` does at length."""

from pathlib import Path

from tests.fuzz.running import fuzz
from tests.installation import running


async def test_no_odd_request_breaks_the_api_or_fills_its_memory(server_dir: Path) -> None:
    """D3, D6, D20: every header, token part, path, query, body and webhook field may be odd."""
    # Not the installation that others use: customers are suspended, sites and items given up.
    folder = server_dir / "fuzzed"
    folder.mkdir(mode=0o711)
    async with running(folder) as installation:
        found = await fuzz(installation, seed=2, count=2500)
        await installation.stop()
    assert found.sound, "\n".join(found.lines())
    made_up = {"body", "header", "models", "path", "query", "sound", "token", "webhook"}
    assert set(found.sources) == made_up
    assert found.reached.total() > found.requests / 2, found.lines()
    # Else what the shop is seeded with lacks something for it, such as a sound body.
    assert found.reach.never == [], "\n".join(found.lines())
