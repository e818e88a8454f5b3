"""Faults of work orders, planted in sound books: for each check what breaks it."""

_ENDED = "UPDATE {} SET {} WHERE work_order_id = md5('mending')::uuid"


def _promised(item: str, quantity: int, document: str, line: str) -> str:
    """Promise so much of an item to a part of a work order."""
    return (
        "INSERT INTO reservations (id, item_id, location_id, quantity, document_type, document_id,"
        f" line_id, status) VALUES (gen_random_uuid(), md5('{item}')::uuid, md5('shelf')::uuid,"
        f" {quantity}, 'work_order', md5('{document}')::uuid, md5('{line}')::uuid, 'active');"
        f"UPDATE balances SET reserved = reserved + {quantity} WHERE item_id = md5('{item}')::uuid"
        " AND location_id = md5('shelf')::uuid"
    )


WORK_ORDERS: dict[str, tuple[str, set[str]]] = {
    "I5-work_orders": (
        "UPDATE work_orders SET status = 'released' WHERE number = 'WO-2'",
        set(),
    ),
    "I3m deleted without a word": (
        "DELETE FROM events WHERE subject_id = md5('deleted')::uuid"
        " AND type = 'work_order.deleted.v1'",
        set(),
    ),
    "I14a": (_promised("mug", 1, "mending", "lid"), set()),
    "I14b": (_promised("pot", 2, "mending", "lid"), set()),
    "I14c": (_ENDED.format("work_order_parts", "issued = 1"), set()),
    "I14d": (
        "INSERT INTO assignments SELECT (jsonb_populate_record(a, jsonb_build_object("
        "'id', gen_random_uuid(), 'since', a.since + interval '30 minutes'))).* FROM assignments a",
        set(),
    ),
    "I14e": ("UPDATE installations SET removed_at = NULL", set()),
    "I14f": ("UPDATE work_orders SET signed_off_by = 'user:ana' WHERE number = 'WO-1'", set()),
    "I14g": (
        "UPDATE time_entries SET until = NULL WHERE work_order_id = md5('mended')::uuid;"
        "DELETE FROM time_entries WHERE work_order_id = md5('mending')::uuid",
        set(),
    ),
    "I14h": (
        "UPDATE work_order_parts SET cancelled = 0 WHERE work_order_id = md5('mended')::uuid",
        set(),
    ),
    "I14i": (
        "INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id,"
        " to_location_id, lot_id, document_type, document_id, line_id, actor, occurred_at)"
        " SELECT md5('back')::uuid, 'unused/back', 'return', item_id, 1,"
        " (SELECT id FROM locations WHERE kind = 'production'), location_id, lot_id, 'work_order',"
        " md5('mending')::uuid, md5('lid')::uuid, 'test', now() FROM balances"
        " WHERE lot_id = md5('milk-1')::uuid;"
        "UPDATE balances SET on_hand = on_hand + 1 WHERE lot_id = md5('milk-1')::uuid",
        {"I14c"},
    ),
}
