"""What the carrier takes along, by the recipient's postal code; a tester may change it."""

from simulators.carrier.messages import Area, BookingRequest
from simulators.carrier.scenarios import SERVICES
from simulators.errors import Refusal
from simulators.storage import Storage

HEAVIEST_GRAMS = 70_000
MOST_PARCELS = 50

AREAS = {
    "00000": Area(serviced=False),
    "00004": Area(services=["express", "overnight"]),
    "00005": Area(heaviest_grams=10_000),
    "00006": Area(most_parcels=1),
}
"""The postal codes that refuse; to any other one everything is taken within the limits."""


class Areas:
    """The rules by postal code; what a tester has set is kept and outweighs the table."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def show(self, postal_code: str) -> Area:
        """Return the rules of a postal code."""
        row = self._storage.one("SELECT rules FROM areas WHERE postal_code = ?", postal_code)
        if row is not None:
            return Area.model_validate_json(row["rules"])
        return AREAS.get(postal_code, Area())

    def set(self, postal_code: str, area: Area) -> Area:
        """Keep the rules of a postal code."""
        if unknown := set(area.services or ()) - set(SERVICES):
            raise Refusal(422, "unknown_service", ", ".join(sorted(unknown)))
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO areas VALUES (?, ?) ON CONFLICT DO UPDATE SET rules = excluded.rules",
                (postal_code, area.model_dump_json()),
            )
        return area

    def check(self, request: BookingRequest) -> None:
        """Refuse a booking that this carrier does not take: by address, service, size or number."""
        if request.service not in SERVICES:
            raise Refusal(422, "unknown_service", f"services are {', '.join(SERVICES)}")
        area = self.show(request.ship_to.postal_code)
        if not area.serviced:
            raise Refusal(422, "unserviceable", f"we do not deliver to {request.ship_to.city}")
        if area.services is not None and request.service not in area.services:
            offered = ", ".join(area.services) or "nothing"
            raise Refusal(
                422, "service_not_offered", f"{request.service} is not offered there: {offered} is"
            )
        limit = min(area.heaviest_grams or HEAVIEST_GRAMS, HEAVIEST_GRAMS)
        heaviest = max(parcel.weight_grams for parcel in request.parcels)
        if heaviest > limit:
            raise Refusal(
                422,
                "parcel_too_heavy",
                f"a parcel weighs {heaviest} g, the most that we take there is {limit} g",
            )
        most = min(area.most_parcels or MOST_PARCELS, MOST_PARCELS)
        if len(request.parcels) > most:
            raise Refusal(
                422,
                "too_many_parcels",
                f"{len(request.parcels)} parcels in one booking, there we take at most {most}",
            )
