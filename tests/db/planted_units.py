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
    "I11c": ("UPDATE unit_events SET to_status = 'scrapped'", set()),
    "I11d": (
        "UPDATE units SET shipment_line_id = (SELECT x.id FROM shipment_lines x"
        " JOIN shipments s ON s.id = x.shipment_id WHERE s.number = 'SHP-3' LIMIT 1)",
        set(),
    ),
}
