"""What is no fault but is told of, planted in sound books: for each note what makes it."""

RUNNING = "md5('running')::uuid"

NOTES: dict[str, tuple[str, set[str]]] = {
    "N5": (
        "UPDATE payment_entries SET key = 'refund/lost/after-all', amount = 3801"
        " WHERE key = 'refund/lost'",
        set(),
    ),
    "N4": (
        "INSERT INTO tasks (id, kind, document_type, document_id, role, question, facts, choices,"
        f" status, due_at) VALUES (gen_random_uuid(), 'payment_mismatch', 'order', {RUNNING},"
        " 'finance', '?', '{\"key\": \"k\"}', '[\"ours\"]', 'open', now() + interval '1 day')",
        set(),
    ),
    "N1": ("UPDATE tasks SET status = 'open', due_at = now() - interval '1 hour'", set()),
    "N3": (
        "UPDATE idempotency_keys SET state = 'running', created_at = now() - interval '1 hour'"
        " WHERE key = 'done'",
        set(),
    ),
    "N2": (
        "INSERT INTO inbound_facts (id, provider, provider_event_id, payload, state)"
        " VALUES (gen_random_uuid(), 'p', 'e', '{}', 'waiting')",
        set(),
    ),
}
