"""Faults planted in sound books: for each check what breaks it, and which others must see it."""

from tests.db.planted_claims import CLAIMS
from tests.db.planted_corrections import CORRECTIONS
from tests.db.planted_lots import LOTS
from tests.db.planted_notes import NOTES
from tests.db.planted_reservations import RESERVATIONS
from tests.db.planted_returns import RETURNS
from tests.db.planted_terms import TERMS
from tests.db.planted_units import UNITS
from tests.db.planted_warranties import WARRANTIES
from tests.db.planted_work_orders import WORK_ORDERS

SHELF = "md5('shelf')::uuid"
RUNNING = "md5('running')::uuid"
DROPPED = "md5('dropped')::uuid"
DONE = "md5('done')::uuid"

REPLACED = (
    "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object("
    "'id', md5('anew'), 'number', 'SO-6', 'status', 'pending', 'confirmed_at', NULL,"
    "'kind', 'replacement', 'replaces_return_id', md5('return'), 'payment_method', 'none',"
    "'subtotal_amount', 0, 'shipping_amount', 0, 'tax_amount', 0, 'total_amount', 0))).*"
    " FROM orders o WHERE number = 'SO-3'"
)
"""An order that replaces the goods of a return whose money went back."""

RENEWAL = (
    "INSERT INTO payments (id, order_id, provider, method, amount, currency, renews, created_by)"
    " SELECT md5('renewal')::uuid, order_id, provider, method, 3800, currency, id, 'system'"
    " FROM payments WHERE id = md5('payment-running')::uuid;"
)

BREAKS: dict[str, tuple[str, set[str]]] = {
    "I1a": ("UPDATE balances SET on_hand = 0 WHERE item_id = md5('mug')::uuid", {"I2a"}),
    "I1b": (f"UPDATE locations SET sellable = false WHERE id = {SHELF}", set()),
    "I1c": (
        f"UPDATE reservations SET document_id = {DONE} WHERE document_id = {RUNNING}",
        {"I1f"},
    ),
    "I1d": (
        f"UPDATE reservations SET quantity = 3 WHERE document_id = {RUNNING}"
        " AND item_id = md5('mug')::uuid",
        {"I1e", "I1g", "I2b"},
    ),
    "I1e": (
        f"UPDATE reservations SET status = 'released' WHERE document_id = {RUNNING};"
        "UPDATE balances SET reserved = 0",
        set(),
    ),
    "I1f": (
        f"UPDATE reservations SET status = 'active' WHERE document_id = {DROPPED}"
        " AND quantity = 1; UPDATE balances SET reserved = 2 WHERE item_id = md5('pot')::uuid",
        {"I1d"},
    ),
    "I1g": (f"UPDATE order_lines SET short_since = now() WHERE order_id = {RUNNING}", set()),
    "I2a": ("UPDATE balances SET on_hand = on_hand + 1 WHERE item_id <> md5('saw')::uuid", set()),
    "I2b": ("UPDATE balances SET reserved = reserved + 1", set()),
    "I2c": (
        "INSERT INTO balances SELECT md5('mug')::uuid, id, 1 FROM locations WHERE kind = 'loss'",
        set(),
    ),
    "I2d": ("UPDATE movements SET kind = 'scrap' WHERE kind = 'issue'", {"I2f"}),
    "I2e": ("UPDATE movements SET key = 'same' WHERE kind = 'adjustment'", set()),
    "I2f": (
        "UPDATE movements SET quantity = quantity + 1 WHERE kind = 'issue';"
        "UPDATE balances SET on_hand = on_hand - 2"
        " WHERE item_id IN (md5('mug')::uuid, md5('pot')::uuid)",
        set(),
    ),
    "I2g": (f"UPDATE reservations SET status = 'released' WHERE document_id = {DONE}", set()),
    "I2h": (
        f"UPDATE order_lines SET shipped = 1 WHERE order_id = {RUNNING}"
        " AND item_id = md5('mug')::uuid",
        {"I1g"},
    ),
    "I2i": (
        f"UPDATE order_lines SET delivered = delivered - 1 WHERE order_id = {DONE}",
        {"I7d", "I8d", "I12d"},
    ),
    "I2j": (
        "INSERT INTO shipments (id, order_id, site_id, status, carrier, service, ship_from,"
        " ship_to) SELECT md5('again')::uuid, order_id, site_id, 'pending', carrier, service,"
        " ship_from, ship_to FROM shipments WHERE number = 'SHP-3';"
        "INSERT INTO shipment_lines SELECT gen_random_uuid(), md5('again')::uuid, order_line_id,"
        " item_id, location_id, reservation_id, quantity FROM shipment_lines"
        " WHERE shipment_id = md5('running-shipment')::uuid",
        {"I5d"},
    ),
    "I2k": (
        "UPDATE shipment_lines SET location_id = md5('back')::uuid"
        " WHERE shipment_id = md5('running-shipment')::uuid",
        set(),
    ),
    "I2l": (
        "UPDATE shipments SET status = 'booked' WHERE number = 'SHP-4';"
        "UPDATE parcels SET status = 'booked' WHERE tracking_number = 'T4';"
        "DELETE FROM events WHERE type = 'shipment.voided.v1'",
        set(),
    ),
    "I3a": ("UPDATE payment_entries SET amount = 3801 WHERE key = 'void/dropped'", set()),
    "I3b": ("UPDATE payment_entries SET amount = 3801 WHERE key = 'refund/lost'", set()),
    "I3c": (f"UPDATE order_lines SET refunded_amount = 9999 WHERE order_id = {DONE}", {"I3o"}),
    "I3d": (
        "UPDATE payment_entries SET amount = 3801 WHERE payment_id = md5('payment-done')::uuid"
        " AND kind <> 'refund'",
        {"I3e", "I3h", "I3p"},
    ),
    "I3e": (
        "UPDATE payment_entries SET amount = 3700 WHERE key = 'capture/done';"
        "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount)"
        " VALUES (gen_random_uuid(), md5('payment-done')::uuid, 'void', 'succeeded', 'v', 100);"
        f"UPDATE orders SET captured_shipping_amount = 400 WHERE id = {DONE};"
        "UPDATE shipments SET capture_shipping_amount = 400 WHERE number = 'SHP-1'",
        set(),
    ),
    "I3f": (
        "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, shipment_id)"
        " VALUES (gen_random_uuid(), md5('payment-done')::uuid, 'capture', 'succeeded', 'twice',"
        " 1, md5('done-shipment')::uuid);"
        "UPDATE payment_entries SET amount = 3799 WHERE key = 'capture/done'",
        {"I3p"},
    ),
    "I3r": ("UPDATE shipments SET refund_shipping_amount = 501 WHERE number = 'SHP-1'", set()),
    "I3g": (
        "UPDATE payment_entries SET amount = 3000 WHERE key = 'refund/lost'"
        " AND phase = 'requested'",
        set(),
    ),
    "I3h": (f"UPDATE orders SET captured_shipping_amount = 0 WHERE id = {DONE}", set()),
    "I3i": (
        "UPDATE payment_entries SET kind = 'capture', key = 'c' WHERE key = 'void/dropped'",
        set(),
    ),
    "I3j": ("DELETE FROM payment_entries WHERE key = 'void/dropped'", set()),
    "I3k": ("DELETE FROM payment_entries WHERE key = 'authorization/running'", set()),
    "I3l": (
        "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, recorded_at)"
        " VALUES (gen_random_uuid(), md5('payment-lost')::uuid, 'refund', 'requested', 'r', 1,"
        " now() - interval '1 hour')",
        set(),
    ),
    "I3m": ("UPDATE idempotency_keys SET resource_id = md5('?')::uuid WHERE key = 'done'", set()),
    "I3n": (f"UPDATE idempotency_keys SET resource_id = {DONE} WHERE key = 'lost'", set()),
    "I3o": ("UPDATE order_lines SET refunded_amount = 1 WHERE id = md5('done-mug')::uuid", set()),
    "I3p": ("UPDATE shipments SET capture_shipping_amount = 0 WHERE number = 'SHP-1'", set()),
    "I3q": ("UPDATE payment_entries SET shipment_id = NULL WHERE key = 'capture/done'", set()),
    "I3s": (
        "UPDATE payment_entries SET phase = 'reversed'"
        " WHERE key = 'authorization/running' AND phase = 'succeeded'",
        {"I3a"},
    ),
    "I3t": (
        "UPDATE payments SET authorization_expires_at = now() + interval '1 hour'"
        " WHERE id = md5('payment-running')::uuid;"
        + RENEWAL
        + "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, recorded_at)"
        " VALUES (gen_random_uuid(), md5('renewal')::uuid, 'authorization', 'succeeded', 'again',"
        " 3800, now() - interval '6 minutes')",
        set(),
    ),
    "I3v": (
        f"UPDATE order_lines SET captured_units = quantity WHERE order_id = {DONE}",
        set(),
    ),
    "I3w": (
        f"UPDATE order_lines SET captured_units = quantity, cancelled = 2 WHERE order_id = {DONE}"
        " AND item_id = md5('mug')::uuid;"
        "UPDATE payment_entries SET shipment_id = NULL WHERE key = 'capture/done'",
        {"I1d", "I7d"},
    ),
    "I3u": (RENEWAL.replace("3800", "3801"), set()),
    "I4a": (
        "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object("
        "'id', md5('old'), 'number', 'SO-5', 'status', 'pending', 'confirmed_at', NULL,"
        " 'payment_due_at', now() - interval '1 hour'))).* FROM orders o WHERE number = 'SO-3'",
        {"I5d", "I7a"},
    ),
    "I4b": (
        "INSERT INTO outbox (kind, document_type, document_id, payload, created_at)"
        f" VALUES ('start', 'x', {RUNNING}, '{{}}', now() - interval '2 minutes')",
        set(),
    ),
    "I4c": (
        "INSERT INTO inbound_facts (id, provider, provider_event_id, payload, state, received_at)"
        " VALUES (gen_random_uuid(), 'p', 'e', '{}', 'received', now() - interval '2 minutes')",
        set(),
    ),
    "I5a": (f"UPDATE events SET sequence = 4 WHERE subject_id = {DONE} AND sequence = 3", set()),
    "I5-orders": (
        f'UPDATE events SET data = \'{{"from": "pending", "to": "completed"}}\''
        f" WHERE subject_id = {DONE} AND sequence = 3",
        set(),
    ),
    "I5-shipments": ("UPDATE shipments SET status = 'cancelled' WHERE number = 'SHP-3'", set()),
    "I5-refunds": (
        'UPDATE events SET data = \'{"from": "requested", "to": "cancelled"}\''
        " WHERE type = 'refund.approved.v1'",
        set(),
    ),
    "I5-returns": (
        'UPDATE events SET data = \'{"from": "requested", "to": "cancelled"}\''
        " WHERE type = 'return.authorized.v1'",
        set(),
    ),
    "I5d": ("UPDATE events SET actor = '' WHERE subject = 'running'", set()),
    "I5e": ("UPDATE events SET position = position + (1::bigint << 50)", set()),
    "I6a": ("UPDATE parcels SET status = 'picked_up' WHERE tracking_number = 'T2'", {"I6b"}),
    "I6b": (
        "INSERT INTO parcels (id, shipment_id, carrier, tracking_number, status)"
        " VALUES (gen_random_uuid(), md5('done-shipment')::uuid, 'sandbox', 'T9', 'booked')",
        set(),
    ),
    "I6c": ("UPDATE tracking_events SET hash = 'same' WHERE code = 'PU'", set()),
    "I6d": (
        "INSERT INTO parcels (id, shipment_id, carrier,"
        " tracking_number, status) SELECT gen_random_uuid(), id, 'sandbox', 'T9', 'booked'"
        " FROM shipments WHERE number IN ('SHP-1', 'SHP-2')",
        {"I6b"},
    ),
    "I6e": ("UPDATE shipments SET booking_reference = NULL WHERE number = 'SHP-1'", set()),
    "I6f": (
        "UPDATE shipments SET handed_over_at = NULL WHERE number = 'SHP-1'",
        {"I2f", "I2g", "I2h"},
    ),
    "I7a": ("UPDATE orders SET tax_amount = 301, total_amount = 3801 WHERE number = 'SO-4'", set()),
    "I7b": (
        f"UPDATE order_lines SET unit_price_amount = unit_price_amount + 1"
        f" WHERE order_id = {DROPPED}; UPDATE orders SET subtotal_amount = 3003"
        " WHERE number = 'SO-4'",
        set(),
    ),
    "I7c": ("UPDATE orders SET confirmed_at = NULL WHERE number = 'SO-3'", set()),
    "I7d": (
        "UPDATE orders SET status = 'completed', completed_at = now() WHERE number = 'SO-3'",
        {"I1f", "I1g", "I3e", "I3j", "I5-orders"},
    ),
    "I7e": (
        f"UPDATE order_lines SET cancelled = 0, shipped = quantity WHERE order_id = {DROPPED}",
        {"I2h"},
    ),
    "I8a": ("UPDATE refunds SET goodwill_amount = 1", set()),
    "I8b": (
        "UPDATE refunds SET status = 'failed', failed_at = now();"
        'UPDATE events SET data = \'{"from": "submitted", "to": "failed"}\''
        " WHERE type = 'refund.succeeded.v1'",
        set(),
    ),
    "I8g": ("UPDATE payment_entries SET provider_reference = 'op' WHERE kind = 'refund'", set()),
    "I8c": ("UPDATE order_lines SET refunded_units = 0 WHERE id = md5('done-pot')::uuid", set()),
    "I8d": (
        "UPDATE refund_lines SET units = 2;"
        "UPDATE order_lines SET refunded_units = 2 WHERE id = md5('done-pot')::uuid",
        {"I9d"},
    ),
    "I8e": ("UPDATE refunds SET approved_by = requested_by", set()),
    "I9a": ("UPDATE order_lines SET coming_back = 1 WHERE id = md5('done-pot')::uuid", set()),
    "I9b": (
        "UPDATE returns SET status = 'inspected', closed_at = NULL WHERE number = 'RMA-1';"
        "DELETE FROM events WHERE type = 'return.closed.v1';"
        "INSERT INTO return_lines (id, return_id, order_line_id, quantity, received, comment,"
        " evidence) VALUES (gen_random_uuid(), md5('return')::uuid, md5('done-mug')::uuid, 1, 1,"
        " '', '[]');"
        "UPDATE order_lines SET returned = 1 WHERE id = md5('done-mug')::uuid",
        {"I9c", "I9i"},
    ),
    "I9c": ("UPDATE movements SET document_id = NULL WHERE key = 'disposition/1'", set()),
    "I9d": ("UPDATE return_dispositions SET accepted = false", set()),
    "I9e": (
        "UPDATE return_dispositions SET disposition = 'return_to_customer', location_id = NULL",
        {"I9c"},
    ),
    "I9f": (REPLACED, {"I5d", "I7a"}),
    "I9g": (
        f"{REPLACED};UPDATE refunds SET return_id = NULL;"
        "UPDATE return_dispositions SET accepted = false;"
        "INSERT INTO order_lines SELECT (jsonb_populate_record(l, jsonb_build_object("
        "'id', md5('anew-pot'), 'order_id', md5('anew'), 'quantity', 1, 'cancelled', 0,"
        "'shipped', 0, 'delivered', 0, 'returned', 0, 'refunded_units', 0, 'captured_amount', 0,"
        "'refunded_amount', 0, 'unit_price_amount', 0, 'tax_amount', 0, 'total_amount', 0))).*"
        " FROM order_lines l WHERE id = md5('done-pot')::uuid",
        {"I5d", "I1e"},
    ),
    "I9h": ("UPDATE returns SET resolution = 'replacement'", set()),
    "I8f": ("UPDATE refunds SET shipment_id = md5('done-shipment')::uuid", set()),
    "I9i": ("UPDATE withdrawals SET lines = jsonb_set(lines, '{0,quantity}', '2')", set()),
    "I17a": ("INSERT INTO closed_days VALUES ('events', now(), 1, 0, 1)", set()),
    "I3x": ("UPDATE orders SET prepaid_returned_amount = 1 WHERE number = 'SO-3'", set()),
    "I3y": ("UPDATE shipments SET prepaid_amount = 9999 WHERE number = 'SHP-3'", {"I3x"}),
    **CLAIMS,
    **CORRECTIONS,
    **LOTS,
    **NOTES,
    **RESERVATIONS,
    **RETURNS,
    **TERMS,
    **UNITS,
    **WARRANTIES,
    **WORK_ORDERS,
}
