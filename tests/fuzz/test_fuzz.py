"""A bounded run of what ``make fuzz`` does at length."""

from tests.fuzz.running import fuzz
from tests.installation import Installation


async def test_no_odd_request_breaks_the_api_or_fills_its_memory(
    installation: Installation,
) -> None:
    """D3, D6, D20: every header, token part, path, query, body and webhook field may be odd."""
    found = await fuzz(installation, seed=1, count=3000)
    assert found.sound, "\n".join(found.lines())
    made_up = {"body", "header", "models", "path", "query", "token", "webhook"}
    assert set(found.sources) == made_up
    assert found.reached.total() > found.requests / 2, found.lines()
