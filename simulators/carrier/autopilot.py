"""Parcels that travel by themselves, scan by scan, to the end that their postal code asks for."""

import asyncio
import time
from contextlib import suppress

from simulators.carrier.messages import Autopilot
from simulators.carrier.parcels import Parcels
from simulators.carrier.scenarios import POSTAL_CODES, SCENARIOS, choose, remaining
from simulators.errors import Refusal
from simulators.storage import Storage

TICK = 0.05
BATCH = 50


class Pilot:
    """The autopilot's settings in store, and its loop."""

    def __init__(self, storage: Storage, parcels: Parcels) -> None:
        self._storage = storage
        self._parcels = parcels
        row = storage.one("SELECT settings FROM autopilot")
        self.settings = (
            Autopilot.model_validate_json(row["settings"]) if row else Autopilot(enabled=False)
        )
        self._changed = asyncio.Event()

    def plan(self, postal_code: str, tracking_number: str) -> tuple[str, float | None]:
        """Return a new parcel's scenario and when it makes its first move, if by itself."""
        scenario = POSTAL_CODES.get(postal_code)
        if scenario is None:
            scenario = choose(self.settings.outcomes, tracking_number)
        if not self.settings.enabled:
            return scenario, None
        return scenario, time.time() + self.settings.seconds_per_scan

    def set(self, settings: Autopilot) -> Autopilot:
        """Store the settings; parcels that are under way start or stop moving."""
        if unknown := set(settings.outcomes) - set(SCENARIOS):
            raise Refusal(422, "unknown_outcome", f"{', '.join(sorted(unknown))}")
        moves_at = time.time() + settings.seconds_per_scan if settings.enabled else None
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO autopilot VALUES (1, ?)"
                " ON CONFLICT DO UPDATE SET settings = excluded.settings",
                (settings.model_dump_json(),),
            )
            db.execute(
                "UPDATE parcels SET moves_at = ? FROM bookings"
                " WHERE bookings.id = booking_id AND NOT voided",
                (moves_at,),
            )
        self.settings = settings
        self._changed.set()
        return settings

    async def run(self) -> None:
        """Move parcels until cancelled."""
        while True:
            self._changed.clear()
            if not self.settings.enabled:
                await self._changed.wait()
                continue
            moved = self._move_due()
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if moved == BATCH else TICK):
                    await self._changed.wait()

    def _move_due(self) -> int:
        rows = self._storage.all(
            "SELECT tracking_number, scenario FROM parcels WHERE moves_at <= ?"
            " ORDER BY moves_at LIMIT ?",
            time.time(),
            BATCH,
        )
        for row in rows:
            self._move(row["tracking_number"], row["scenario"])
        return len(rows)

    def _move(self, tracking_number: str, scenario: str) -> None:
        self._parcels.advance(tracking_number, scenario, steps=1)
        had = [scan.code for scan in self._parcels.show(tracking_number).scans]
        on = time.time() + self.settings.seconds_per_scan if remaining(scenario, had) else None
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE parcels SET moves_at = ? WHERE tracking_number = ?", (on, tracking_number)
            )
