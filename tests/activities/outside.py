"""What the carrier, the provider and the customer's bank do in a story, and their mail."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2

from activities.facts import FactIntake
from db import facts
from domain.ids import new_id
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.activities.scene import Fact, Scene

CODES = ["PU", "DP", "OD", "A1", "X1", "X2", "DY", "DL", "DL", "RS", "RT", "LO", "ZZ"]
DAY = datetime.now(UTC)


class Outside(Scene):
    """A scene with partners."""

    async def parcels(self) -> list[Mapping[str, Any]]:
        return await self.bench.shop.rows(
            "SELECT p.tracking_number, p.status, s.id, s.status AS shipment FROM parcels p"
            " JOIN shipments s ON s.id = p.shipment_id WHERE s.order_id = :id"
            " ORDER BY s.number, p.tracking_number",
            id=self.order,
        )

    async def scan(self, code: str = "", number: str = "", minutes: int | None = None) -> str:
        """Scan a parcel; the mail may take its time."""
        parcels = await self.parcels()
        if not parcels:
            return "nothing"
        number = number or self.rng.choice(parcels)["tracking_number"]
        code = code or self.rng.choice(CODES)
        minutes = self.rng.randint(0, 600) if minutes is None else minutes
        body = {
            "code": code,
            "occurred_at": (DAY + timedelta(minutes=minutes)).isoformat(),
            "place": "",
            "message": "",
            "signed_by": "",
        }
        path = f"/sandbox/parcels/{number}/scans"
        try:
            scanned = await self.bench.carrier.ask("POST", path, body)
        except httpx2.HTTPStatusError as refused:
            if refused.response.json()["error"]["code"] != "voided":
                raise
            # Not this carrier, but others scan what was put into their van all the same.
            scanned = {"event_id": f"evt_{uuid4().hex}", "tracking_number": number, **body}
        event_id = scanned.pop("event_id")
        fact = {"id": event_id, "type": "tracking.scan", "data": scanned}
        self.mail.append(Fact(SANDBOX_CARRIER.webhooks, event_id, fact))
        return f"{code} {number[-4:]} at {minutes}"

    async def operations(self) -> list[dict[str, Any]]:
        keys = await self.bench.shop.rows(
            "SELECT DISTINCT e.key FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id ORDER BY 1",
            id=self.order,
        )
        found = []
        for row in keys:
            found += (await self.bench.payments.ask("GET", f"/operations?key={row['key']}"))["data"]
        return found

    async def provider(self) -> str:
        """Let the customer answer the bank, and the provider report what was decided."""
        words = ""
        for operation in await self.operations():
            if operation["outcome"] == "action_required" and self.rng.random() < 0.5:
                verb = self.rng.choice(["confirm", "confirm", "fail"])
                path = f"/authorizations/{operation['authorization']}/{verb}"
                await self.bench.payments.ask("POST", path)
                words += f"{verb} "
        for operation in await self.operations():
            name = (operation["key"], operation["outcome"])
            if operation["outcome"] not in ("succeeded", "failed") or name in self.announced:
                continue
            self.announced.add(name)
            event_id = f"evt_{uuid4().hex}"
            body = {
                "id": event_id,
                "type": f"operation.{operation['outcome']}",
                "created_at": operation["updated_at"],
                "data": operation,
            }
            self.mail.append(Fact(SANDBOX_PAYMENTS.webhooks, event_id, body))
            words += f"{operation['kind']} {operation['outcome']} "
        return words

    async def deliver(self, *, keep: bool = False) -> str:
        """Deliver some of the messages, whichever; what comes together is applied together."""
        told = self.rng.sample(self.mail, self.rng.randint(1, min(3, len(self.mail))))
        for fact in told:
            if not keep:
                self.mail.remove(fact)
            fact_id = new_id()
            async with self.bench.shop.books.begin() as db:
                kept = facts.Fact(fact_id, fact.provider, fact.event_id, fact.body)
                new = await facts.record_facts(db, [kept])
            if new:
                self.parked[fact_id] = fact.words
        return await self.unpark()

    async def unpark(self) -> str:
        """Apply what came in; what is about nothing that we know waits."""
        waiting = await FactIntake(self.bench.shop.books).apply(list(self.parked))
        applied = [words for fact, words in self.parked.items() if fact not in waiting]
        self.parked = {fact: words for fact, words in self.parked.items() if fact in waiting}
        return ", ".join(applied)
