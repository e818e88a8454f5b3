"""What an order may not look like: each is refused in words, and nothing is written."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.api.orders.conftest import problem
from tests.storefront import Storefront

Body = dict[str, Any]
HUGE = "9" * 400


def spoil(**changes: Any) -> Callable[[Body], Body]:
    """Return what changes members of the order; those of its first line begin with ``line_``."""

    def change(body: Body) -> Body:
        line = body["lines"][0]
        for name, value in changes.items():
            target, member = (line, name[5:]) if name.startswith("line_") else (body, name)
            if value is ...:
                del target[member]
            else:
                target[member] = value
        return body

    return change


def address(**changes: Any) -> Callable[[Body], Body]:
    def change(body: Body) -> Body:
        body["ship_to"] = {**body["ship_to"], **changes}
        return body

    return change


def money(amount: Any, currency: Any = "USD") -> Body:
    return {"amount": amount, "currency": currency}


MALFORMED: dict[str, Callable[[Body], Any]] = {
    "a list": lambda body: [body],
    "a text": lambda body: "order",
    "a number": lambda body: 1,
    "null": lambda body: None,
    "nothing in it": lambda body: {},
    "no customer": spoil(customer_id=...),
    "no lines": spoil(lines=...),
    "no address": spoil(ship_to=...),
    "null for the lines": spoil(lines=None),
    "null for the customer": spoil(customer_id=None),
    "an unknown member": spoil(colour="red"),
    "its own status": spoil(status="completed"),
    "its own total": spoil(total=money(1)),
    "its own id": spoil(id=str(uuid4())),
    "its own number": spoil(number="SO-1"),
    "a payment time": spoil(paid_at="2030-01-01T00:00:00Z"),
    "a discount": spoil(discount=money(100)),
    "lines and items": spoil(items=[]),
    "no line": spoil(lines=[]),
    "501 lines": lambda body: {**body, "lines": body["lines"] * 501},
    "10,000 lines": lambda body: {**body, "lines": body["lines"] * 10_000},
    "lines as an object": spoil(lines={"0": {}}),
    "quantity missing": spoil(line_quantity=...),
    "quantity null": spoil(line_quantity=None),
    "quantity 0": spoil(line_quantity=0),
    "quantity -1": spoil(line_quantity=-1),
    "quantity -0": spoil(line_quantity=-0),
    "quantity 1.5": spoil(line_quantity=1.5),
    "quantity 1.0": spoil(line_quantity=1.0),
    "quantity true": spoil(line_quantity=True),
    "quantity as text": spoil(line_quantity="1"),
    "quantity 2^31": spoil(line_quantity=2**31),
    "quantity 2^63": spoil(line_quantity=2**63),
    "quantity 10^400": spoil(line_quantity=int(HUGE)),
    "an item twice named": spoil(line_item_id=str(uuid4())),
    "no item": spoil(line_sku=...),
    "sku empty": spoil(line_sku=""),
    "sku blank": spoil(line_sku="   "),
    "sku 201 long": spoil(line_sku="x" * 201),
    "sku a number": spoil(line_sku=7),
    "sku with NUL": spoil(line_sku="a\x00b"),
    "sku with a lone surrogate": spoil(line_sku="\ud800"),
    "sku right to left": spoil(line_sku="\u202egepj"),
    "sku with SQL": spoil(line_sku="'; DROP TABLE orders; --"),
    "sku of emoji": spoil(line_sku="🦊" * 200),
    "item id as a path": spoil(line_sku=..., line_item_id="../../etc/passwd"),
    "item id -1": spoil(line_sku=..., line_item_id="-1"),
    "item id 1e3": spoil(line_sku=..., line_item_id=1e3),
    "item id null text": spoil(line_sku=..., line_item_id="null"),
    "customer id no id": spoil(customer_id="1"),
    "customer id a list": spoil(customer_id=[]),
    "unit price a number": spoil(line_unit_price=1999),
    "unit price a float": spoil(line_unit_price=money(19.99)),
    "unit price as text": spoil(line_unit_price=money("1999")),
    "unit price negative": spoil(line_unit_price=money(-1)),
    "unit price true": spoil(line_unit_price=money(True)),
    "unit price above any": spoil(line_unit_price=money(10**15 + 1)),
    "unit price without currency": spoil(line_unit_price={"amount": 1}),
    "unit price in another currency": spoil(line_unit_price=money(1000, "EUR")),
    "tax in another currency": spoil(tax=money(1, "JPY")),
    "shipping in another currency": spoil(shipping=money(1, "KWD")),
    "a total above any": spoil(line_quantity=3, line_unit_price=money(10**15)),
    "currency unknown here": spoil(currency="XXX"),
    "currency lower case": spoil(currency="usd"),
    "currency too long": spoil(currency="USDT"),
    "currency of other letters": spoil(currency="ＵＳＤ"),
    "currency with a line break": spoil(currency="USD\n"),
    "service unknown": spoil(shipping_service="teleport"),
    "service wrong case": spoil(shipping_service="Ground"),
    "method unknown": spoil(payment={"method": "cash"}),
    "card number": spoil(payment={"method": "card", "number": "4242424242424242"}),
    "token with NUL": spoil(payment={"token": "tok\x00"}),
    "token 201 long": spoil(payment={"token": "t" * 201}),
    "source with NUL": spoil(source="\x00"),
    "reference with a lone surrogate": spoil(external_reference="\udfff"),
    "address null": spoil(ship_to=None),
    "address a text": spoil(ship_to="Main Street 1"),
    "address without city": address(city=""),
    "address in no country": address(country="Germany"),
    "country lower case": address(country="de"),
    "country with a line break": address(country="DE\n"),
    "address line 201 long": address(line1="x" * 201),
    "address note 1,001 long": address(line2="x" * 1001),
    "address with NUL": address(line2="\x00"),
    "bill to incomplete": spoil(bill_to={"name": "Ada"}),
}


async def sent(shop: Storefront, content: bytes, **headers: str) -> Any:
    secret = await shop.callers.key("admin")
    return await shop.callers.client.post(
        "/orders",
        content=content,
        headers={
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": uuid4().hex,
            **headers,
        },
    )


@pytest.fixture(scope="module")
async def good(shop: Storefront) -> Body:
    return shop.order({await shop.item(): 1})


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_order_is_refused_and_leaves_nothing(
    shop: Storefront, good: Body, change: Callable[[Body], Any]
) -> None:
    before = await shop.counts()
    body = change(json.loads(json.dumps(good)))
    refused = problem(await sent(shop, json.dumps(body).encode()), 422, "malformed")
    assert refused["detail"]
    assert await shop.counts() == before


def raw(good: Body, old: str, new: str) -> bytes:
    text = json.dumps(good)
    assert old in text
    return text.replace(old, new, 1).encode()


UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "half of it": lambda content: content[: len(content) // 2],
    "not JSON": lambda content: b"customer_id=1&lines=2",
    "XML": lambda content: b"<order/>",
    "a comma too much": lambda content: content[:-1] + b",}",
    "invalid UTF-8": lambda content: content.replace(b"London", b"Lon\xff\xfedon"),
    "compressed unasked": gzip.compress,
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_unreadable_body_is_refused_and_leaves_nothing(
    shop: Storefront, good: Body, change: Callable[[bytes], bytes]
) -> None:
    before = await shop.counts()
    problem(await sent(shop, change(json.dumps(good).encode())), 400, "unreadable")
    assert await shop.counts() == before


NUMBERS = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e400": "1e400",
    "10^5000": "1" + "0" * 5000,
}


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
async def test_a_number_that_is_none_is_refused(shop: Storefront, good: Body, number: str) -> None:
    before = await shop.counts()
    answer = await sent(shop, raw(good, '"quantity": 1', f'"quantity": {number}'))
    problem(answer, answer.status_code, {400: "unreadable", 422: "malformed"}[answer.status_code])
    assert await shop.counts() == before


async def test_a_body_nested_too_deep_is_refused(shop: Storefront) -> None:
    for depth in (1_000, 100_000):
        answer = await sent(shop, b"[" * depth + b"]" * depth)
        problem(
            answer, answer.status_code, {400: "unreadable", 422: "malformed"}[answer.status_code]
        )


async def test_an_order_without_a_body_is_refused(shop: Storefront) -> None:
    problem(await sent(shop, b""), 422, "malformed")


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "multipart/form-data"])
async def test_a_body_of_another_content_type_is_refused(
    shop: Storefront, good: Body, media: str
) -> None:
    before = await shop.counts()
    content = json.dumps(good).encode()
    problem(await sent(shop, content, **{"Content-Type": media}), 422, "malformed")
    assert await shop.counts() == before


async def test_a_body_that_is_too_large_is_refused(shop: Storefront, good: Body) -> None:
    content = json.dumps({**good, "source": "x" * 1_000_001}).encode()
    problem(await sent(shop, content), 413, "too_large")


async def test_a_body_that_grows_too_large_on_the_way_is_refused(shop: Storefront) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65_536

    secret = await shop.callers.key("admin")
    answer = await shop.callers.client.post(
        "/orders",
        content=endless(),
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid4().hex},
    )
    problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "{{7*7}} %n ${jndi:ldap://x}",
        "O'Brien; DROP TABLE orders",
        "e\u0301" * 100,
        "👩‍👩‍👧‍👦 \u200b\u202e",
        "line one\nline two\r\nX-Injected: yes",
    ],
)
async def test_strange_but_storable_text_comes_back_as_it_was(shop: Storefront, text: str) -> None:
    made = await shop.placed(
        {await shop.item(): 1}, ship_to={**shop.order({})["ship_to"], "line2": text}
    )
    shown = await shop.callers.get(f"/orders/{made['id']}")
    assert shown.json()["ship_to"]["line2"] == text
    assert "x-injected" not in shown.headers
