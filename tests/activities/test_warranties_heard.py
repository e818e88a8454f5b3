"""Integrations are told of the warranties on goods that they sold, and hear of all terms."""

from uuid import uuid4

from tests.activities.bench import Bench
from tests.activities.promised import (
    calling,
    comes_again,
    delivered,
    sent,
    sold,
    sold_by,
    term,
    warranties,
)
from tests.api.callers import Callers, new_key


async def heard(callers: Callers, subject: object, key: str) -> list[str]:
    """Return the types of the events of a document that the holder of a key is shown."""
    said = await callers.get(
        f"/events?subject_id={subject}", headers={"Authorization": f"Bearer {key}"}
    )
    assert said.status_code == 200, said.text
    return [event["type"] for event in said.json()["items"]]


async def test_a_shop_hears_of_warranties_on_its_own_orders_and_of_no_others(bench: Bench) -> None:
    """WAR-03: that one is registered, and that it is taken back."""
    shop, rival = f"shop-{uuid4().hex[:8]}", f"rival-{uuid4().hex[:8]}"
    order, _ = await delivered(bench, await term(bench))
    [found] = await warranties(bench, order)
    await sold_by(bench, order, shop)
    async with calling(bench) as callers:
        voided = await callers.post(f"/warranties/{found['id']}/void", {"reason": "altered"})
        assert voided.status_code == 200
        both = ["warranty.registered.v1", "warranty.voided.v1"]
        for name, told in ((shop, both), (rival, [])):
            key = await new_key(bench.shop.books, "integration", name=name)
            assert await heard(callers, found["id"], key) == told


async def test_every_shop_hears_of_new_versions_of_terms(bench: Bench) -> None:
    """They are common to all, as the items are that are sold with them."""
    code = await term(bench, 12)
    row = await bench.shop.one("SELECT id FROM warranty_terms WHERE code = :code", code=code)
    async with calling(bench) as callers:
        key = await new_key(bench.shop.books, "integration", name=f"shop-{uuid4().hex[:8]}")
        assert await heard(callers, row, key) == ["warranty_term.defined.v1"]


async def test_a_unit_shows_its_warranties_to_those_who_may_see_them(bench: Bench) -> None:
    """Newest first, with their states of today: the former owner's, and that of who has it now."""
    first, item, [serial] = await sent(bench, await term(bench, 3), 1)
    await comes_again(bench, item, serial)
    second = await sold(bench, item, [serial], "2031-05-10")
    shop = f"shop-{uuid4().hex[:8]}"
    await sold_by(bench, second, shop)
    [old], [new] = await warranties(bench, first), await warranties(bench, second)
    path = f"/inventory/units/{serial}"
    async with calling(bench) as callers:
        shown = (await callers.get(path)).json()["warranties"]
        assert [(each["id"], each["status"]) for each in shown] == [
            (str(new["id"]), "pending"),
            (str(old["id"]), "cancelled"),
        ]
        assert (shown[0]["starts_on"], shown[0]["ends_on"]) == ("2031-05-10", "2031-08-10")
        key = await new_key(bench.shop.books, "integration", name=shop)
        told = await callers.get(path, headers={"Authorization": f"Bearer {key}"})
        assert [each["id"] for each in told.json()["warranties"]] == [str(new["id"])]
