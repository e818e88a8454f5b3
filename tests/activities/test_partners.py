"""A second carrier beside the sandbox's: one file and one line, then its facts are heard."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook
from temporalio.client import Client

from activities.facts import FactIntake
from api.app import create_app
from api.services import Services
from db.facts import Fact, record_facts
from domain.errors import PartnerUnavailable
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.partner import PartnerSettings
from gateways.partners import PARTNERS
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from runtime.settings import Settings, settings
from tests.activities.bench import Bench
from tests.heron import HERON, Heron, sign
from worker import activities

AT = datetime.now(UTC)
SECRET = "what the heron signs with"


@pytest.fixture(autouse=True)
def heron_is_a_partner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add the line to the table."""
    monkeypatch.setitem(PARTNERS, HERON.webhooks, HERON)
    monkeypatch.setenv("STATESET_HERON_WEBHOOK_SECRET", SECRET)


async def away() -> Client:
    raise PartnerUnavailable("Temporal is not asked here")


@pytest.fixture
async def http(bench: Bench) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(Services(settings=Settings(), db=bench.shop.books, temporal=away))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://stateset"
    ) as client:
        yield client


@pytest.fixture
def heron() -> Heron:
    return Heron("http://127.0.0.1:9", "heron-key")


@pytest.fixture
def at_heron(bench: Bench, heron: Heron) -> Bench:
    """The bench of a worker that buys its labels at the second carrier."""
    other = Bench(bench.shop, bench.carrier, bench.payments)
    found = activities(bench.shop.books, heron, other.at_payments)
    other.steps = {step.__name__: step for step in found}
    return other


def flight(ring: str, mark: str) -> bytes:
    return json.dumps({"ring": ring, "mark": mark, "at": AT.isoformat()}).encode()


async def tell(
    http: httpx2.AsyncClient, body: bytes, signature: str | None = None
) -> httpx2.Response:
    headers = {
        "heron-event": uuid4().hex,
        "heron-signature": sign(SECRET, body) if signature is None else signature,
    }
    return await http.post(f"/webhooks/{HERON.webhooks}", content=body, headers=headers)


async def apply_all(bench: Bench) -> list[UUID]:
    """Apply what came, together; return what waits."""
    rows = await bench.shop.rows("SELECT document_id FROM outbox WHERE kind = 'fact' ORDER BY id")
    return list(await FactIntake(bench.shop.books).apply([row["document_id"] for row in rows]))


async def status(bench: Bench, shipment: UUID) -> tuple[Any, ...]:
    [row] = await bench.shop.rows(
        "SELECT s.carrier, s.status, p.status AS parcel, (SELECT count(*) FROM tracking_events t"
        " WHERE t.parcel_id = p.id) AS scans FROM shipments s JOIN parcels p"
        " ON p.shipment_id = s.id WHERE s.id = :id",
        id=shipment,
    )
    return tuple(row.values())


async def test_a_second_carrier_moves_its_own_parcels_by_its_own_codes(
    bench: Bench, at_heron: Bench, heron: Heron, http: httpx2.AsyncClient
) -> None:
    _, sandboxes = await bench.sent()
    number = await bench.shop.one(
        "SELECT tracking_number FROM parcels WHERE shipment_id = :id", id=sandboxes
    )
    # Both carriers use the same number, which is for each to choose.
    heron.next_numbers.append(number)
    _, [herons] = await at_heron.booked()
    assert (await tell(http, flight(number, "UP"))).status_code == 202
    assert await apply_all(bench) == []
    await at_heron.take("hand_over_shipment", herons)
    assert await status(bench, herons) == ("heron", "picked_up", "picked_up", 1)
    await tell(http, flight(number, "DL"))
    assert await apply_all(bench) == []
    assert await status(bench, herons) == ("heron", "in_transit", "in_transit", 2)
    # What both say comes together.
    await tell(http, flight(number, "HOME"))
    told = {"id": "evt", "type": "tracking.scan", "data": _sandbox_scan(number, "OD")}
    async with bench.shop.books.begin() as db:
        await record_facts(db, [Fact(new_id(), SANDBOX_CARRIER.webhooks, uuid4().hex, told)])
    assert await apply_all(bench) == []
    assert await status(bench, herons) == ("heron", "delivered", "delivered", 3)
    out = "out_for_delivery"
    assert await status(bench, sandboxes) == ("sandbox", out, out, 2)


def _sandbox_scan(number: str, code: str) -> dict[str, str]:
    blank = dict.fromkeys(("place", "message", "signed_by"), "")
    return {"tracking_number": number, "code": code, "occurred_at": AT.isoformat(), **blank}


async def test_a_code_that_a_carrier_does_not_use_is_a_question_that_names_the_carrier(
    bench: Bench, at_heron: Bench, heron: Heron, http: httpx2.AsyncClient
) -> None:
    heron.next_numbers.append("H2")
    _, [shipment] = await at_heron.booked()
    # The sandbox carrier's word for a pick-up.
    await tell(http, flight("H2", "PU"))
    assert await apply_all(bench) == []
    assert await status(bench, shipment) == ("heron", "booked", "booked", 1)
    [task] = await bench.shop.rows(
        "SELECT kind, facts FROM tasks WHERE document_id = :id", id=shipment
    )
    assert task["kind"] == "unknown_code"
    assert (task["facts"]["carrier"], task["facts"]["code"]) == ("heron", "PU")


async def test_each_partner_is_believed_by_its_own_signature_alone(
    http: httpx2.AsyncClient, bench: Bench
) -> None:
    body = flight("H3", "UP")
    name, secret = uuid4().hex, Settings().of(SANDBOX_CARRIER).webhook_secret.get_secret_value()
    standard = {
        "webhook-id": name,
        "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        "webhook-signature": Webhook(secret).sign(name, datetime.now(UTC), body.decode()),
    }
    herons = {"heron-event": name, "heron-signature": sign(SECRET, body)}
    for partner, headers in ((HERON, standard), (SANDBOX_CARRIER, herons)):
        answer = await http.post(f"/webhooks/{partner.webhooks}", content=body, headers=headers)
        assert answer.status_code == 401, partner.webhooks
    assert (await tell(http, body, signature=sign("heron-secret", body))).status_code == 401
    assert await bench.shop.rows("SELECT 1 FROM outbox WHERE kind = 'fact'") == []


async def test_a_provider_decides_no_payment_of_another_and_a_stranger_decides_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await bench.placed("tok_action_required")
    await bench.take("authorize_payment", order)
    key = await bench.shop.one(
        "SELECT key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        " WHERE p.order_id = :id AND phase = 'requested'",
        id=order,
    )
    [operation] = (await bench.payments.ask("GET", f"/operations?key={key}"))["data"]
    told = {
        "id": "evt",
        "type": "operation.succeeded",
        "created_at": AT.isoformat(),
        "data": {**operation, "outcome": "succeeded"},
    }
    other = type(SANDBOX_PAYMENTS)(**{**vars(SANDBOX_PAYMENTS), "name": "other"})
    monkeypatch.setitem(PARTNERS, "other-payments", other)
    facts = [Fact(new_id(), name, uuid4().hex, told) for name in ("other-payments", "stranger")]
    async with bench.shop.books.begin() as db:
        await record_facts(db, facts)
    intake = FactIntake(bench.shop.books)
    ids = {fact.id for fact in facts}
    assert await intake.apply(ids) == ids
    assert await intake.apply(ids, give_up=ids) == set()
    phases = await bench.shop.rows("SELECT phase FROM payment_entries WHERE key = :key", key=key)
    assert "succeeded" not in {row["phase"] for row in phases}


def test_a_partners_settings_are_read_from_variables_of_its_prefix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STATESET_HERON_URL", "https://heron.example")
    monkeypatch.setenv("STATESET_CARRIER_URL", "https://carrier.example")
    monkeypatch.setenv("STATESET_PAYMENTS_API_KEY", "a key")
    given = Settings()
    assert given.of(HERON).url == "https://heron.example"
    assert given.of(HERON).webhook_secret.get_secret_value() == SECRET
    assert given.of(SANDBOX_CARRIER).url == "https://carrier.example"
    assert given.of(SANDBOX_PAYMENTS).api_key == SecretStr("a key")


def test_production_refuses_the_secrets_that_the_code_gives_to_any_partner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STATESET_ENVIRONMENT", "production")
    for partner, letter in (("CARRIER", "c"), ("PAYMENTS", "p")):
        monkeypatch.setenv(f"STATESET_{partner}_API_KEY", "our own")
        monkeypatch.setenv(f"STATESET_{partner}_WEBHOOK_SECRET", f"whsec_{letter * 32}")
    with pytest.raises(SystemExit, match=r"production\. STATESET_HERON_API_KEY is \S+ or publi"):
        settings.__wrapped__()
    monkeypatch.setenv("STATESET_HERON_API_KEY", "our own")
    assert settings.__wrapped__().environment == "production"


def test_a_partner_whose_settings_are_missing_ends_the_process_with_their_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Needed(PartnerSettings, env_prefix="STATESET_HERON_"):
        """Nothing is given by the code."""

    monkeypatch.setitem(
        PARTNERS, HERON.webhooks, type(HERON)(**{**vars(HERON), "settings": Needed})
    )
    with pytest.raises(SystemExit, match="STATESET_HERON_URL: Field required"):
        settings.__wrapped__()
