"""The carrier's codes, the journeys that parcels take, and the postal codes that choose them."""

from collections import Counter
from collections.abc import Iterable

CODES = {
    "PU": "Picked up",
    "DP": "Departed from facility",
    "AR": "Arrived at facility",
    "OD": "Out for delivery",
    "A1": "Delivery attempted, nobody there",
    "AP": "Ready for pickup at the counter",
    "DL": "Delivered",
    "X1": "Problem with the address",
    "X2": "Damaged",
    "X3": "Held by customs",
    "DY": "Delayed",
    "RS": "On the way back to the sender",
    "RT": "Returned to the sender",
    "LO": "Lost",
}
PHYSICAL = frozenset(CODES) - {"DY"}
"""Codes that prove that the carrier has, or had, the parcel."""

# A parcel that is taken to a state stops there; what happens after it has a name of its own.
SCENARIOS: dict[str, tuple[str, ...]] = {
    "picked_up": ("PU",),
    "in_transit": ("PU", "DP"),
    "out_for_delivery": ("PU", "DP", "AR", "OD"),
    "delivered": ("PU", "DP", "AR", "OD", "DL"),
    "attempt_failed": ("PU", "DP", "AR", "OD", "A1"),
    "second_attempt": ("PU", "DP", "AR", "OD", "A1", "OD", "DL"),
    "ready_for_pickup": ("PU", "DP", "AR", "AP"),
    "address_problem": ("PU", "DP", "AR", "X1"),
    "address_clarified": ("PU", "DP", "AR", "X1", "OD", "DL"),
    "damaged": ("PU", "DP", "X2"),
    "customs": ("PU", "DP", "X3"),
    "customs_cleared": ("PU", "DP", "X3", "AR", "OD", "DL"),
    "delayed": ("PU", "DP", "DY"),
    "late": ("PU", "DP", "DY", "AR", "OD", "DL"),
    "lost": ("PU", "DP", "LO"),
    "returning": ("PU", "DP", "AR", "OD", "A1", "RS"),
    "returned": ("PU", "DP", "AR", "OD", "A1", "RS", "RT"),
}
POSTAL_CODES = {"00001": "lost", "00002": "address_clarified", "00003": "returned"}
SERVICES = {"economy": 390, "ground": 490, "standard": 590, "express": 1490, "overnight": 2990}
"""Price of a parcel in cents, before its weight."""
TRANSIT_DAYS = {"economy": 7, "ground": 5, "standard": 4, "express": 2, "overnight": 1}
"""Days from the booking to the arrival that it promises."""
PLACES = ("Memphis, TN", "Louisville, KY", "Columbus, OH", "Denver, CO", "Reno, NV")

DESCRIPTION = "\n".join(
    [
        "A parcel carrier's sandbox. Postal codes of the recipient choose what happens:",
        "",
        "* `00000`: the booking is refused with `unserviceable`",
        "* `00004`: only `express` and `overnight`, else `service_not_offered`",
        "* `00005`: parcels of at most 10 kg, else `parcel_too_heavy`",
        "* `00006`: one parcel per booking, else `too_many_parcels`",
        *(
            f"* `{postal_code}`: {scenario} ({', '.join(SCENARIOS[scenario])})"
            for postal_code, scenario in POSTAL_CODES.items()
        ),
        "* any other: delivered",
        "",
        "Anywhere a parcel weighs at most 70 kg, and a booking has at most 50 parcels. What is"
        " taken to a postal code can be changed: `PUT /sandbox/areas/{postal_code}`.",
        "",
        "Parcels move when told to (`/sandbox/parcels`) or by themselves (`/sandbox/autopilot`).",
        f"Services: {', '.join(SERVICES)}.",
        "",
        "Codes: " + ", ".join(f"`{code}` {meaning.lower()}" for code, meaning in CODES.items()),
    ]
)


def remaining(scenario: str, scanned: Iterable[str]) -> list[str]:
    """Return the codes of the scenario that the parcel has not had yet, in order."""
    had = Counter(scanned)
    left = []
    for code in SCENARIOS[scenario]:
        if had[code]:
            had[code] -= 1
        else:
            left.append(code)
    return left


def choose(outcomes: dict[str, int], tracking_number: str) -> str:
    """Return a scenario by weight; the same parcel always gets the same one."""
    total = sum(outcomes.values())
    if not total:
        return "delivered"
    # The last digit is a check digit; the five before it are as good as random.
    at = int(tracking_number[-6:-1]) * total // 100_000
    for scenario, weight in outcomes.items():
        if at < weight:
            return scenario
        at -= weight
    return "delivered"
