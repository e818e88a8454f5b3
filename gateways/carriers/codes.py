"""What each carrier's tracking codes mean to us; one table per carrier, because codes differ."""

SANDBOX_CODES: dict[str, tuple[str | None, str, bool]] = {
    "PU": ("picked_up", "", False),
    "DP": ("in_transit", "", False),
    "AR": ("in_transit", "", False),
    "OD": ("out_for_delivery", "", False),
    "A1": ("out_for_delivery", "attempt_failed", False),
    "AP": ("out_for_delivery", "ready_for_pickup", False),
    "DL": ("delivered", "", False),
    "X1": (None, "address_problem", True),
    "X2": (None, "damaged", True),
    "X3": (None, "customs", True),
    "DY": (None, "carrier_delay", True),
    "RS": ("returning", "", False),
    "RT": ("returned", "", False),
    "LO": ("lost", "", False),
}
"""Code to (parcel status, reason, whether it is an exception).

A status of None leaves the parcel's status as it is: the code only puts an exception over it. A
code that is missing here is stored, moves nothing, and opens a task.
"""
