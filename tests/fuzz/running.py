"""A fuzz run against a whole installation: what was asked, what came back, what it cost."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from uuid import uuid4

from gateways.partners import PARTNERS
from tests.bench.watch import rss_mb
from tests.fuzz.bodies import Describing
from tests.fuzz.making import Known, Maker
from tests.fuzz.reach import REFUSED, Reach
from tests.fuzz.returning import coming_back
from tests.fuzz.stocked import stock_bodies, stock_lots
from tests.fuzz.warranted import promised
from tests.fuzz.wire import Wire, Wish
from tests.fuzz.working import worked_on
from tests.installation import Installation
from tests.partners import ROOT
from tests.storefront import ADDRESS, dollars

CONNECTIONS = 24
MORE_MB = 100.0
"""How much more memory the API may use than when it was quiet."""
WARMING = 1500
"""Sound and unsound requests before memory counts as quiet: caches and pools are filled."""
LEAST_DESCRIBED = 4000
"""So many requests schemathesis makes anyway: a smaller run goes without it."""
BACK_OFF = (1.0, 5.0, 15.0)
"""Seconds between repeats of a request that was answered 503: what ``Retry-After`` asks for."""
MOST_BUSY = 0.01
"""Which share of the requests may be told to come again: a machine with much to do has few."""
LOOKS, LOOKS_EVERY = 50, 0.5
"""Answers, and seconds, between two looks at the memory."""
_TRANSFER = {"reference": "TX-1", "received_on": "2031-03-04"}
"""Seconds between two looks while another program makes the requests."""
SHARES = {"models": 0.2, "schemathesis": 0.1}
"""Of all requests; the rest is of the own corpus."""


@dataclass
class Findings:
    """What a run came to."""

    sources: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    reach: Reach = field(default_factory=lambda: Reach({"paths": {}}))
    quiet_mb: float = 0.0
    peak_mb: float = 0.0
    busy: int = 0
    """How often a request was answered 503 and repeated."""

    @property
    def requests(self) -> int:
        return self.sources.total()

    @property
    def sound(self) -> bool:
        """Whether the system held."""
        if not self.requests or not self.reached.total() or self.failures:
            return False
        few = self.busy <= self.requests * MOST_BUSY
        return few and self.peak_mb - self.quiet_mb <= MORE_MB

    def note(self, wish: Wish, status: int, said: bytes, url: str) -> None:
        self.sources[wish.source] += 1
        self.answers[status] += 1
        self.reached[wish.source] += status not in REFUSED
        self.reach.note(wish.method, wish.target, status, said)
        if status >= 500 or status == 0:
            self.failures.append(f"{status} {said[:600]!r}\n    {wish.told(url)}")

    def lines(self) -> list[str]:
        """Return the report, a line each."""
        classes = Counter[str]()
        for status, times in self.answers.items():
            classes[f"{status // 100}xx" if status else "no answer"] += times
        share = self.reached.total() / max(1, self.requests)
        return [
            *(f"FAILED {failure}" for failure in self.failures[:20]),
            f"requests   {self.requests:,}: " + _told(self.sources),
            f"answers    {_told(classes)}; 5xx or none: {classes['5xx'] + classes['no answer']}",
            f"failures   {len(self.failures)}",
            f"busy       {self.busy} times 503, and repeated as asked (at most {MOST_BUSY:.0%})",
            f"reached    {share:.0%} got past the credential and the reading of the request: "
            + ", ".join(
                f"{source} {self.reached[source] / times:.0%}"
                for source, times in sorted(self.sources.items())
            ),
            "operations by how often a request got as far as their own code:",
            *self.reach.lines(),
            f"memory     quiet {self.quiet_mb:.0f} MB, peak {self.peak_mb:.0f} MB"
            f" (at most {MORE_MB:.0f} MB more)",
            "fuzz: " + ("held" if self.sound else "BROKEN"),
        ]


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {times:,}" for name, times in sorted(counted.items()))


async def fuzz(shop: Installation, seed: int, count: int) -> Findings:
    """Send so many requests, the same for the same seed, and return what came of it."""
    known = await _seeded(shop)
    maker, found = Maker(known, seed), Findings(reach=Reach(known.description))
    await _send(shop, maker.wishes(min(WARMING, count // 2)), found)
    found.quiet_mb = found.peak_mb = rss_mb(shop.record.processes["api"].pid)
    await _send(shop, _of_models(maker, known, seed, int(count * SHARES["models"])), found)
    if (share := int(count * SHARES["schemathesis"])) >= LEAST_DESCRIBED:
        await _described(shop, seed, share, found)
    await _send(shop, chain(maker.wishes(count - found.requests), maker.each()), found)
    return found


async def _send(shop: Installation, wishes: Iterable[Wish], found: Findings) -> None:
    url, waiting = shop.record.api_url, iter(wishes)
    pid = shop.record.processes["api"].pid

    async def one() -> None:
        wire = Wire(url)
        for wish in waiting:
            found.note(wish, *await answered(wire, wish, found), url)
            if found.requests % LOOKS == 0:
                found.peak_mb = max(found.peak_mb, rss_mb(pid))
        wire.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


async def answered(wire: Wire, wish: Wish, found: Findings) -> tuple[int, bytes]:
    """Ask, and as any client again after a 503: one that passes says that there is much to do."""
    for pause in BACK_OFF:
        status, said = await wire.ask(wish)
        if status != 503:
            return status, said
        found.busy += 1
        await asyncio.sleep(pause)
    return await wire.ask(wish)


def _of_models(maker: Maker, known: Known, seed: int, count: int) -> Iterable[Wish]:
    describing = Describing(known.description)
    with_body = {
        f"{method.upper()} {path}": operation["requestBody"]["content"]["application/json"][
            "schema"
        ]
        for path, item in known.description["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation and not path.startswith("/webhooks")
    }
    each = -(-count // len(with_body))
    for operation, schema in with_body.items():
        yield from maker.of(operation, describing.bodies(schema, seed, each))


async def _described(shop: Installation, seed: int, count: int, found: Findings) -> None:
    """Let schemathesis make requests of the description until it has made about so many."""
    config, har = shop.folder / "schemathesis.toml", shop.folder / "schemathesis.har"
    config.write_text(f'[auth.openapi.bearer]\nbearer = "{shop.record.api_key}"\n')
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run"),
        *(f"{shop.record.api_url}/openapi.json", "--checks=not_a_server_error"),
        *(f"--seed={seed}", f"--max-examples={max(1, count // 250)}", "--no-color"),
        *("--phases=examples,coverage,fuzzing", "--continue-on-failure"),
        *("--report=har", f"--report-har-path={har}", "--request-timeout=30"),
        *("--generation-database=none", "--workers=4"),
        cwd=ROOT,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.journeys.probing",
            "PROBE_SKU": await shop.item(stock=100_000),
            "PROBE_CUSTOMER": shop.customer_id,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    telling = asyncio.create_task(probe.communicate())
    pid = shop.record.processes["api"].pid
    while not (await asyncio.wait({telling}, timeout=LOOKS_EVERY))[0]:
        found.peak_mb = max(found.peak_mb, rss_mb(pid))
    said = telling.result()[0].decode()
    made = json.loads(har.read_bytes())["log"]["entries"] if har.exists() else []
    for entry in made:
        asked, url = entry["request"], shop.record.api_url
        headers = {each["name"]: each["value"] for each in asked["headers"]}
        body = (asked.get("postData") or {}).get("text") or ""
        wish = Wish(
            "schemathesis",
            asked["method"],
            asked["url"].removeprefix(url),
            headers,
            body.encode("utf-8", "replace"),
        )
        answer = entry["response"]
        text = (answer.get("content") or {}).get("text") or ""
        found.note(wish, answer["status"], text.encode("utf-8", "replace"), url)
    if probe.returncode or not made:
        found.failures.append(f"schemathesis: {said[-6000:]}")


async def _seeded(shop: Installation) -> Known:
    """Put so much into the shop that there is something of every kind to ask about."""
    await shop.item(stock=1)
    await stock_lots(shop)
    await shop.post("/customers", {"name": "Grace", "email": f"{uuid4().hex}@example.com"})
    skus = await asyncio.gather(*(shop.item(stock=10**6) for _ in range(3)))
    orders = await asyncio.gather(*(shop.place({sku: 1}) for sku in skus for _ in range(3)))
    found = await asyncio.gather(*(shop.booked(order) for order in orders[:4]))
    numbers = [number for booked in found for number in booked]
    await shop.travel(numbers[:2])
    # A lost parcel asks a person: without it there would be no task to decide.
    await shop.travel(numbers[2:4], "lost")
    holds = await shop.post(f"/orders/{orders[-1]}/holds", {"reason": "manual", "note": "wait"})
    refunds = await _asked_for(shop, orders[0])
    await shop.reaches(orders[0], status="completed")
    coming = await coming_back(shop, skus[0], orders[0])
    warranties = await promised(shop, skus[0], orders[1])
    for order in orders[2:4]:
        await shop.task("parcel_lost", (await shop.show(order))["shipments"][0]["id"])
    works, named = await worked_on(shop, skus[0])
    description = (await shop.shop.get("/openapi.json")).body
    ids: dict[str, list[str]] = {}
    for path in description["paths"]:
        if "{" in path or "get" not in description["paths"][path]:
            continue
        answer = await shop.shop.get(path)
        rows = answer.body.get("items", ()) if answer.status == 200 else ()
        ids[path] = [row["id"] for row in rows if isinstance(row, dict) and "id" in row]
    # Who orders, and what is ordered, stays: suspended or given up, no order would get far.
    kept = {shop.customer_id, *(await _ids_of(shop, skus))}
    for path in ("/customers", "/items"):
        ids[path] = [each for each in ids[path] if each not in kept]
    # That whose parcel is named in bodies, and one that has no label.
    ends = (await shop.show(orders[0]), await shop.show(orders[-1]))
    ids["/shipments"] = [each["id"] for one in ends for each in one["shipments"]]
    ids["{hold_id}"] = [hold["id"] for hold in holds.body["holds"]]
    secrets = {
        name: partner.settings().webhook_secret.get_secret_value()
        for name, partner in PARTNERS.items()
    }
    bodies = {**_bodies(shop, skus, numbers), **refunds, **coming.bodies, **warranties}
    ids, key = ids | coming.ids | named, shop.record.api_key or ""
    return Known(description, key, ids, bodies | works, numbers, secrets, coming.token)


async def _ids_of(shop: Installation, skus: Iterable[str]) -> list[str]:
    pages = [(await shop.shop.get("/items", sku=sku)).body["items"] for sku in skus]
    return [item["id"] for page in pages for item in page]


async def _asked_for(shop: Installation, order_id: str) -> dict[str, list[object]]:
    """Have some money of a delivered order asked back; return sound bodies for more of that."""
    asked = {"order_id": order_id, "goodwill": dollars(1), "reason": "scratched"}
    await shop.reaches(order_id, payment_status="captured")
    await asyncio.gather(*(shop.post("/refunds", asked) for _ in range(3)))
    by_hand = {"reason": "asked", "amount": dollars(1)}
    return {
        "POST /payments/{payment_id}/capture": [by_hand],
        "POST /payments/{payment_id}/void": [by_hand, {**by_hand, "although_needed": True}],
        "POST /refunds": [asked],
        "POST /refunds/preview": [{"order_id": order_id, "goodwill": dollars(1)}],
        "POST /payments/{payment_id}/receipts": [{"amount": dollars(1), **_TRANSFER}],
        "POST /refunds/{refund_id}/cancel": [{"reason": "paid in cash"}],
    }


def _bodies(shop: Installation, skus: list[str], numbers: list[str]) -> dict[str, list[object]]:
    """Return sound bodies: of these one thing at a time is made unsound."""
    seen = {"tracking_number": numbers[0], "status": "in_transit"}
    stock = stock_bodies(skus[0])
    return {
        "POST /customers": [{"email": f"{uuid4().hex}@example.com", "name": "Ada"}],
        "PATCH /customers/{customer_id}": [{"name": "Ada"}, {"metadata": {"tier": "gold"}}],
        "POST /items": [
            {"sku": "FUZZ-1", "name": "Mug", "prices": [dollars(100)]},
            *stock.pop("POST /items"),
        ],
        "PATCH /items/{item_id}": [{"name": "Mug"}, {"prices": [dollars(5)], "weight_grams": 9}],
        "POST /orders": [
            shop.order({skus[0]: 1}, source="fuzz", external_reference=uuid4().hex),
            *(shop.order({sku: 1}) for sku in skus[1:]),
        ],
        "PATCH /orders/{order_id}": [{"notes": "ring twice"}, {"ship_to": ADDRESS}],
        "POST /orders/{order_id}/cancel": [{"reason": "staff"}],
        "POST /orders/{order_id}/holds": [{"reason": "manual", "note": "look"}],
        "POST /orders/{order_id}/holds/{hold_id}/release": [{"note": "go on"}],
        "POST /orders/{order_id}/payments": [{"token": "tok_ok"}],
        **stock,
        "POST /tasks/{task_id}/decide": [
            {"choice": choice, "note": "done"} for choice in ("refund", "write_off", "dealt_with")
        ],
        "POST /shipments/{shipment_id}/tracking": [seen],
    }
