"""Faults of returns, planted in sound books: for each check what breaks it."""

RETURNS: dict[str, tuple[str, set[str]]] = {
    "I9p": (
        "UPDATE return_dispositions SET disposition = 'return_to_customer', left_at = now(),"
        " location_id = NULL;"
        "UPDATE movements SET actor = 'carrier', key = 'left/' || md5('scrapped')::uuid"
        " WHERE key = 'disposition/1';"
        "INSERT INTO return_labels (id, return_id, direction, status, service, ship_from, ship_to,"
        " carrier, booking_reference, booked_at) SELECT md5('label-out')::uuid,"
        " md5('return')::uuid, 'outbound', 'booked', 'ground', '{}', '{}', 'sandbox', 'b/o', now();"
        "INSERT INTO parcels (id, return_label_id, carrier, tracking_number, status)"
        " SELECT md5('out-parcel')::uuid, md5('label-out')::uuid, 'sandbox', 'T-out', 'in_transit';"
        "INSERT INTO tracking_events SELECT (jsonb_populate_record(e, jsonb_build_object("
        "'id', md5('out-scan'), 'parcel_id', md5('out-parcel'), 'hash', 'out', 'status',"
        " 'in_transit', 'recorded_at', now() - interval '1 day'))).*"
        " FROM tracking_events e LIMIT 1",
        set(),
    ),
    "I9l": ("DELETE FROM parcels WHERE return_label_id IS NOT NULL", set()),
    "I9n": ("UPDATE refunds SET label_fee_amount = 1, fee_amount = 1", {"I8a"}),
    "I9m": (
        "UPDATE returns SET status = 'expired', closed_at = NULL WHERE number = 'RMA-1'",
        {"I5-returns"},
    ),
    "I9j": ("UPDATE returns SET shipment_id = md5('done-shipment')::uuid", {"I9k"}),
    "I9k": ("UPDATE order_lines SET undelivered = 1 WHERE id = md5('done-pot')::uuid", set()),
    "I9o": (
        "INSERT INTO replacement_losses (shipment_id, return_id, answer, answered_by, settled_at)"
        " SELECT md5('lost-shipment')::uuid, md5('return')::uuid, 'write_off', 'Ada', now()",
        set(),
    ),
}
