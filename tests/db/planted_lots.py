"""Faults of lots, planted in sound books: for each check what breaks it."""

LOTS: dict[str, tuple[str, set[str]]] = {
    "I16a": (
        "UPDATE balances SET lot_id = md5('milk-1')::uuid WHERE item_id = md5('pot')::uuid;"
        "UPDATE reservations SET lot_id = md5('milk-1')::uuid WHERE item_id = md5('pot')::uuid;"
        "ALTER TABLE movements DISABLE TRIGGER USER;"
        "UPDATE movements SET lot_id = md5('milk-1')::uuid WHERE item_id = md5('pot')::uuid",
        set(),
    ),
    "I16b": (
        "UPDATE lots SET status = 'quarantined' WHERE code = 'milk-1';"
        "INSERT INTO reservations (id, item_id, location_id, lot_id, quantity, document_type,"
        " document_id, line_id, status) SELECT md5('bad')::uuid, item_id, location_id, lot_id, 1,"
        " 'transfer', md5('bad')::uuid, md5('bad')::uuid, 'active' FROM balances"
        " WHERE lot_id = md5('milk-1')::uuid;"
        "UPDATE balances SET reserved = 1 WHERE lot_id = md5('milk-1')::uuid",
        set(),
    ),
    "I16c": (
        "UPDATE movements SET lot_id = md5('milk-1')::uuid,"
        " key = 'issue/' || md5('sent-' || line_id)::uuid"
        " WHERE key = 'issue/' || md5('done-pot')::uuid",
        {"I16a", "I2a"},
    ),
    "I16d": (
        "INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id,"
        " to_location_id, lot_id, document_type, actor, occurred_at)"
        " SELECT md5('late')::uuid, 'late', 'issue', item_id, 1, location_id,"
        " (SELECT id FROM locations WHERE kind = 'customer'), lot_id, 'shipment', 'test',"
        " '2031-02-02 00:30+00' FROM balances WHERE lot_id = md5('milk-1')::uuid;"
        "UPDATE balances SET on_hand = 3 WHERE lot_id = md5('milk-1')::uuid",
        {"I2f"},
    ),
}
