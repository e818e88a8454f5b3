"""Faults of serial units, planted in sound books: for each check what breaks it."""

UNITS: dict[str, tuple[str, set[str]]] = {
    "I11a": (
        "INSERT INTO units SELECT (jsonb_populate_record(u, jsonb_build_object("
        "'id', md5('saw-2'), 'serial', 'S2', 'serial_key', 's2'))).* FROM units u;"
        "INSERT INTO unit_events SELECT (jsonb_populate_record(e, jsonb_build_object("
        "'unit_id', md5('saw-2')))).* FROM unit_events e",
        set(),
    ),
    "I11b": ("UPDATE units SET status = 'sold'; UPDATE unit_events SET to_status = 'sold'", set()),
    "I11b in another unit and not installed": (
        "INSERT INTO units (id, item_id, serial, serial_key, status, ownership, parent_unit_id,"
        " events) SELECT md5('second-blade')::uuid, item_id, 'B', 'b', 'quarantined', 'own', id, 1"
        " FROM units;"
        "INSERT INTO unit_events (unit_id, sequence, kind, to_status, to_parent_id, document_type,"
        " reason, actor) SELECT id, 1, 'installed', status, parent_unit_id, '', '', 'test'"
        " FROM units WHERE serial = 'B';"
        "INSERT INTO installations (id, parent_unit_id, unit_id, position, installed_by_id)"
        " SELECT id, parent_unit_id, id, 'right', md5('mended')::uuid FROM units"
        " WHERE serial = 'B'",
        set(),
    ),
    "I11c": ("UPDATE unit_events SET to_status = 'scrapped'", set()),
    "I11d": (
        "UPDATE units SET shipment_line_id = (SELECT x.id FROM shipment_lines x"
        " JOIN shipments s ON s.id = x.shipment_id WHERE s.number = 'SHP-3' LIMIT 1)",
        set(),
    ),
}
