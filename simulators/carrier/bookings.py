"""The carrier's bookings: one label order per reference, whatever is asked how often."""

import hashlib
import secrets
import sqlite3
from datetime import datetime, timedelta

from simulators.carrier.areas import Areas
from simulators.carrier.autopilot import Pilot
from simulators.carrier.labels import label_pdf
from simulators.carrier.messages import Address, BookedParcel, Booking, BookingList, BookingRequest
from simulators.carrier.numbers import new_tracking_number
from simulators.carrier.scenarios import PHYSICAL, SERVICES, TRANSIT_DAYS
from simulators.errors import Refusal
from simulators.storage import Storage, timestamp

CENTS_PER_KILOGRAM = 90


class Bookings:
    """Bookings in store. Every method is one transaction."""

    def __init__(self, storage: Storage, pilot: Pilot, areas: Areas) -> None:
        self._storage = storage
        self._pilot = pilot
        self._areas = areas

    def book(self, request: BookingRequest, base_url: str, *, used_number: bool = False) -> Booking:
        """Sell a label; a known reference gets the booking that it has, voided or not.

        With ``used_number`` the first parcel is sold under the number of the one sold last before.
        """
        fingerprint = hashlib.sha256(request.model_dump_json().encode()).hexdigest()
        known = self._storage.one("SELECT * FROM bookings WHERE reference = ?", request.reference)
        if known is not None:
            return self._replay(known, fingerprint, base_url)
        self._areas.check(request)
        amount = sum(
            SERVICES[request.service] + CENTS_PER_KILOGRAM * parcel.weight_grams // 1000
            for parcel in request.parcels
        )
        used = self._last_number() if used_number else None
        with self._storage.transaction() as db:
            booking_id = f"bkg_{secrets.token_hex(12)}"
            row = db.execute(
                "INSERT INTO bookings (id, reference, fingerprint, service, ship_from, ship_to,"
                " amount, currency, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'USD', ?)"
                " RETURNING *",
                (
                    *(booking_id, request.reference, fingerprint, request.service),
                    *(request.ship_from.model_dump_json(), request.ship_to.model_dump_json()),
                    *(amount, timestamp()),
                ),
            ).fetchone()
            for position, parcel in enumerate(request.parcels):
                number = new_tracking_number()
                scenario, moves_at = self._pilot.plan(request.ship_to.postal_code, number)
                db.execute(
                    "INSERT INTO parcels VALUES (?, ?, ?, ?, ?, ?)",
                    (number, booking_id, position, parcel.weight_grams, scenario, moves_at),
                )
                if used is not None and position == 0:
                    db.execute("INSERT INTO used_numbers VALUES (?, ?)", (number, used))
        return self._booking(row, base_url)

    def find(self, reference: str | None, after: int, limit: int, base_url: str) -> BookingList:
        """Return bookings in the order in which they were made, of one reference or all."""
        rows = self._storage.all(
            "SELECT * FROM bookings WHERE sequence > ? AND (? IS NULL OR reference = ?)"
            " ORDER BY sequence LIMIT ?",
            *(after, reference, reference, limit),
        )
        return BookingList(data=[self._booking(row, base_url) for row in rows])

    def show(self, booking_id: str, base_url: str) -> Booking:
        """Return the booking, or refuse with 404."""
        return self._booking(self._get(booking_id), base_url)

    def void(self, booking_id: str, base_url: str) -> Booking:
        """Cancel an unused label; voiding it twice is fine, after a physical scan it is refused."""
        self._get(booking_id)
        scanned = self._storage.all(
            "SELECT DISTINCT code FROM scans JOIN parcels USING (tracking_number)"
            " WHERE booking_id = ?",
            booking_id,
        )
        if any(row["code"] in PHYSICAL for row in scanned):
            raise Refusal(409, "already_scanned", "a parcel of this booking is on its way")
        with self._storage.transaction() as db:
            db.execute("UPDATE bookings SET voided = 1 WHERE id = ?", (booking_id,))
            db.execute("UPDATE parcels SET moves_at = NULL WHERE booking_id = ?", (booking_id,))
        return self.show(booking_id, base_url)

    def label(self, booking_id: str, tracking_number: str) -> bytes:
        """Return the label of a parcel as PDF."""
        row = self._get(booking_id)
        parcels = {parcel.tracking_number for parcel in self._booking(row, "").parcels}
        if tracking_number not in parcels:
            raise Refusal(404, "not_found", "there is no such label")
        ship_to = Address.model_validate_json(row["ship_to"])
        return label_pdf(
            [
                *("SANDBOX CARRIER", row["service"].upper(), tracking_number, ""),
                *(ship_to.name, ship_to.line1, f"{ship_to.postal_code} {ship_to.city}"),
                *(ship_to.country, "", f"Reference {row['reference']}"),
            ]
        )

    def _last_number(self) -> str | None:
        row = self._storage.one(
            "SELECT coalesce(sold_as, tracking_number) AS sold FROM parcels"
            " LEFT JOIN used_numbers USING (tracking_number) ORDER BY parcels.rowid DESC LIMIT 1"
        )
        return None if row is None else str(row["sold"])

    def _replay(self, known: sqlite3.Row, fingerprint: str, base_url: str) -> Booking:
        if known["fingerprint"] != fingerprint:
            raise Refusal(409, "reference_reused", "this reference came with another booking")
        with self._storage.transaction() as db:
            db.execute("UPDATE bookings SET requests = requests + 1 WHERE id = ?", (known["id"],))
        return self._booking(known, base_url)

    def _get(self, booking_id: str) -> sqlite3.Row:
        row = self._storage.one("SELECT * FROM bookings WHERE id = ?", booking_id)
        if row is None:
            raise Refusal(404, "not_found", "there is no such booking")
        return row

    def _booking(self, row: sqlite3.Row, base_url: str) -> Booking:
        parcels = self._storage.all(
            "SELECT coalesce(sold_as, tracking_number) AS tracking_number, weight_grams"
            " FROM parcels LEFT JOIN used_numbers USING (tracking_number)"
            " WHERE booking_id = ? ORDER BY position",
            row["id"],
        )
        booked_on = datetime.fromisoformat(row["created_at"]).date()
        return Booking(
            **{field: row[field] for field in ("sequence", "id", "reference", "service")},
            **{field: row[field] for field in ("amount", "currency", "requests", "created_at")},
            carrier="sandbox",
            voided=bool(row["voided"]),
            arrives_on=booked_on + timedelta(days=TRANSIT_DAYS[row["service"]]),
            ship_to=Address.model_validate_json(row["ship_to"]),
            parcels=[
                BookedParcel(
                    tracking_number=parcel["tracking_number"],
                    label_url=f"{base_url}labels/{row['id']}/{parcel['tracking_number']}.pdf",
                    weight_grams=parcel["weight_grams"],
                )
                for parcel in parcels
            ],
        )
