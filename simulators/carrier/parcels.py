"""What happens to parcels: scans are stored, shown on request, and announced."""

import sqlite3
from datetime import UTC, datetime, timedelta

from simulators.carrier.messages import Parcel, Scan, ScanRequest
from simulators.carrier.scenarios import CODES, PLACES, SCENARIOS, remaining
from simulators.errors import Refusal
from simulators.storage import Storage, timestamp
from simulators.webhooks import Outbox, new_event_id

ONE_PARCEL = (
    "SELECT parcels.*, reference, voided, json_extract(ship_to, '$.name') AS recipient"
    " FROM parcels JOIN bookings ON bookings.id = booking_id WHERE tracking_number = ?"
)
SCANS = "SELECT * FROM scans WHERE tracking_number = ? ORDER BY occurred_at, sequence"


class Parcels:
    """Parcels and their scans in store."""

    def __init__(self, storage: Storage, outbox: Outbox) -> None:
        self._storage = storage
        self._outbox = outbox

    def show(self, tracking_number: str) -> Parcel:
        """Return the parcel with its scans by the time at which they happened."""
        parcel = self._get(tracking_number)
        scans = self._storage.all(SCANS, tracking_number)
        return Parcel(
            tracking_number=tracking_number,
            reference=parcel["reference"],
            booking_id=parcel["booking_id"],
            voided=bool(parcel["voided"]),
            scans=[Scan(**dict(row), reference=parcel["reference"]) for row in scans],
        )

    def scan(self, tracking_number: str, request: ScanRequest) -> Scan:
        """Add one scan, however unlikely; real carriers report unlikely things too."""
        parcel = self._get(tracking_number)
        _refuse_voided(parcel)
        with self._storage.transaction() as db:
            return self._record(db, parcel, request, request.occurred_at or datetime.now(UTC))

    def advance(self, tracking_number: str, scenario: str, steps: int | None = None) -> list[Scan]:
        """Add the scans, or the next ``steps``, that the parcel still lacks of the scenario."""
        if scenario not in SCENARIOS:
            raise Refusal(422, "unknown_destination", f"parcels get to {', '.join(SCENARIOS)}")
        parcel = self._get(tracking_number)
        _refuse_voided(parcel)
        had = self._storage.all(SCANS, tracking_number)
        missing = remaining(scenario, [row["code"] for row in had])[:steps]
        moment = datetime.now(UTC)
        if had:
            # One parcel's natural scans never share an instant nor run backwards.
            last = datetime.fromisoformat(had[-1]["occurred_at"])
            moment = max(moment, last + timedelta(milliseconds=1))
        with self._storage.transaction() as db:
            return [
                self._record(
                    db,
                    parcel,
                    ScanRequest(
                        code=code,
                        place=PLACES[(len(had) + i) % len(PLACES)],
                        message=CODES[code],
                        signed_by=parcel["recipient"] if code == "DL" else "",
                    ),
                    moment + timedelta(milliseconds=i),
                )
                for i, code in enumerate(missing)
            ]

    def _get(self, tracking_number: str) -> sqlite3.Row:
        row = self._storage.one(ONE_PARCEL, tracking_number)
        if row is None:
            raise Refusal(404, "not_found", "there is no such parcel")
        return row

    def _record(
        self, db: sqlite3.Connection, parcel: sqlite3.Row, request: ScanRequest, at: datetime
    ) -> Scan:
        scan = Scan(
            event_id=new_event_id(),
            tracking_number=parcel["tracking_number"],
            reference=parcel["reference"],
            occurred_at=timestamp(at),
            **request.model_dump(exclude={"occurred_at"}),
        )
        db.execute(
            "INSERT INTO scans (event_id, tracking_number, code, occurred_at, place, message,"
            " signed_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(scan.event_id, scan.tracking_number, scan.code, scan.occurred_at),
                *(scan.place, scan.message, scan.signed_by),
            ),
        )
        facts = scan.model_dump(exclude={"event_id"})
        self._outbox.add(db, "tracking.scan", facts, event_id=scan.event_id)
        return scan


def _refuse_voided(parcel: sqlite3.Row) -> None:
    if parcel["voided"]:
        raise Refusal(409, "voided", "the label of this parcel was voided")
