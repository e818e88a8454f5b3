"""Faults planted in what is held by hand, as in `planted`."""

RUNNING = "md5('running')::uuid"

RESERVATIONS: dict[str, tuple[str, set[str]]] = {
    "I1h": (
        "UPDATE reservations SET reference = 'fair', expires_at = now() + interval '1 day'"
        f" WHERE document_id = {RUNNING}",
        set(),
    ),
    "I1h longer": (
        "UPDATE reservations SET expires_at = now() + interval '60 days'"
        " WHERE document_type = 'manual'",
        set(),
    ),
    "I1i": (
        "UPDATE reservations SET expires_at = now() - interval '1 day'"
        f" WHERE document_id = {RUNNING}",
        set(),
    ),
}
