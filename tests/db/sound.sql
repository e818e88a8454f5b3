-- Books without a fault: a delivered order of two lines, a lost parcel that was refunded, a running
-- order, and a cancelled one; a unit of the delivered order came back on a return and was paid back.
CREATE FUNCTION pg_temp.id(name text) RETURNS uuid LANGUAGE sql AS $$ SELECT md5(name)::uuid $$;
CREATE FUNCTION pg_temp.place(wanted text) RETURNS uuid LANGUAGE sql AS
$$ SELECT id FROM locations WHERE kind = wanted AND site_id IS NULL $$;

INSERT INTO sites (id, code, name, address) VALUES (pg_temp.id('site'), 'AUS', 'Austin', '{}');
INSERT INTO locations (id, site_id, code, kind, sellable, valued) VALUES
    (pg_temp.id('shelf'), pg_temp.id('site'), 'A-1', 'stock', true, true),
    (pg_temp.id('back'), pg_temp.id('site'), 'Q-1', 'quarantine', false, true);
INSERT INTO customers (id, kind, name, status, source)
    VALUES (pg_temp.id('customer'), 'person', 'Ada', 'active', 'test');
INSERT INTO items (id, sku, name, status) VALUES
    (pg_temp.id('mug'), 'MUG', 'Mug', 'active'), (pg_temp.id('pot'), 'POT', 'Pot', 'active');

INSERT INTO orders (id, number, customer_id, source, status, currency, payment_method,
    shipping_service, ship_to, bill_to, subtotal_amount, discount_amount, shipping_amount,
    shipping_tax_amount, tax_amount, total_amount, captured_shipping_amount, payment_due_at,
    confirmed_at, completed_at, cancelled_at, cancel_reason)
SELECT pg_temp.id(name), number, pg_temp.id('customer'), 'test', status, 'USD', 'card', 'ground',
    '{}', '{}', 3000, 0, 500, 0, 300, 3800, shipping, now() + interval '30 minutes',
    CASE WHEN name <> 'dropped' THEN now() END, CASE WHEN status = 'completed' THEN now() END,
    CASE WHEN status = 'cancelled' THEN now() END,
    CASE WHEN status = 'cancelled' THEN 'customer_request' END
FROM (VALUES ('done', 'SO-1', 'completed', 500), ('lost', 'SO-2', 'completed', 500),
    ('running', 'SO-3', 'confirmed', 0), ('dropped', 'SO-4', 'cancelled', 0))
    AS o(name, number, status, shipping);

INSERT INTO order_lines (id, order_id, position, item_id, sku, name, quantity, unit_price_amount,
    discount_amount, tax_rate, tax_amount, total_amount, cancelled, shipped, delivered,
    written_off, captured_amount, refunded_amount)
SELECT pg_temp.id(o || '-' || item), pg_temp.id(o), position, pg_temp.id(item), upper(item), item,
    quantity, price, 0, 0, tax, quantity * price + tax,
    CASE o WHEN 'dropped' THEN quantity ELSE 0 END,
    CASE WHEN o IN ('done', 'lost') THEN quantity ELSE 0 END,
    CASE o WHEN 'done' THEN quantity ELSE 0 END,
    CASE o WHEN 'lost' THEN quantity ELSE 0 END,
    CASE WHEN o IN ('done', 'lost') THEN quantity * price + tax ELSE 0 END,
    CASE o WHEN 'lost' THEN quantity * price + tax ELSE 0 END
FROM (VALUES ('done'), ('lost'), ('running'), ('dropped')) AS orders(o),
    (VALUES ('mug', 1, 2, 1000, 200), ('pot', 2, 1, 1000, 100))
    AS lines(item, position, quantity, price, tax);

INSERT INTO balances (item_id, location_id, on_hand, reserved) VALUES
    (pg_temp.id('mug'), pg_temp.id('shelf'), 6, 2), (pg_temp.id('pot'), pg_temp.id('shelf'), 8, 1);
INSERT INTO reservations (id, item_id, location_id, quantity, document_type, document_id, line_id,
    status, ended_at)
SELECT pg_temp.id('held-' || l.id), l.item_id, pg_temp.id('shelf'), l.quantity, 'order', l.order_id,
    l.id, CASE o.status WHEN 'completed' THEN 'consumed' WHEN 'confirmed' THEN 'active'
        ELSE 'released' END, CASE WHEN o.status <> 'confirmed' THEN now() END
FROM order_lines l JOIN orders o ON o.id = l.order_id;

INSERT INTO reservations (id, item_id, location_id, quantity, document_type, document_id, line_id,
    status, ended_at, reference, expires_at)
SELECT pg_temp.id('held-for-a-fair'), pg_temp.id('mug'), pg_temp.id('shelf'), 1, 'manual',
    pg_temp.id('fair'), pg_temp.id('fair'), 'released', now(), 'fair', now() + interval '9 days';

INSERT INTO shipments (id, number, order_id, site_id, status, carrier, service, ship_from, ship_to,
    booking_reference, booked_at, handed_over_at, delivered_at, settled_at)
VALUES
    (pg_temp.id('done-shipment'), 'SHP-1', pg_temp.id('done'), pg_temp.id('site'), 'delivered',
     'sandbox', 'ground', '{}', '{}', 'B1', now(), now(), now(), now()),
    (pg_temp.id('lost-shipment'), 'SHP-2', pg_temp.id('lost'), pg_temp.id('site'), 'lost',
     'sandbox', 'ground', '{}', '{}', 'B2', now(), now(), NULL, now()),
    (pg_temp.id('running-shipment'), 'SHP-3', pg_temp.id('running'), pg_temp.id('site'), 'pending',
     'sandbox', 'ground', '{}', '{}', NULL, NULL, NULL, NULL, NULL),
    (pg_temp.id('dropped-shipment'), 'SHP-4', pg_temp.id('dropped'), pg_temp.id('site'), 'voided',
     'sandbox', 'ground', '{}', '{}', 'B4', now(), NULL, NULL, NULL);
INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id, reservation_id,
    quantity)
SELECT pg_temp.id('sent-' || l.id), s.id, l.id, l.item_id, pg_temp.id('shelf'),
    pg_temp.id('held-' || l.id), l.quantity
FROM shipments s JOIN order_lines l ON l.order_id = s.order_id;

INSERT INTO parcels (id, shipment_id, carrier, tracking_number, status) VALUES
    (pg_temp.id('done-parcel'), pg_temp.id('done-shipment'), 'sandbox', 'T1', 'delivered'),
    (pg_temp.id('lost-parcel'), pg_temp.id('lost-shipment'), 'sandbox', 'T2', 'lost'),
    (pg_temp.id('dropped-parcel'), pg_temp.id('dropped-shipment'), 'sandbox', 'T4', 'voided');
INSERT INTO tracking_events (id, parcel_id, hash, code, status, exception, place, message,
    signed_by, source, occurred_at)
SELECT pg_temp.id(parcel || code), pg_temp.id(parcel), parcel || code, code, status, NULL, '', '',
    '', 'webhook', now() + after * interval '1 hour'
FROM (VALUES ('done-parcel', 'PU', 'picked_up', 1), ('done-parcel', 'DL', 'delivered', 2),
    ('lost-parcel', 'PU', 'picked_up', 1), ('lost-parcel', 'LO', 'lost', 2))
    AS scans(parcel, code, status, after);

INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, actor,
    occurred_at)
SELECT pg_temp.id('opening-' || item), 'opening/' || item, 'adjustment', pg_temp.id(item), 10,
    pg_temp.place('opening'), pg_temp.id('shelf'), 'test', now()
FROM (VALUES ('mug'), ('pot')) AS items(item);
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, actor,
    occurred_at, reverses_id)
SELECT pg_temp.id(key), key, 'adjustment', pg_temp.id('mug'), 2, source, target, 'test', now(),
    pg_temp.id(reverses)
FROM (VALUES
    ('adjustment/found', pg_temp.place('loss'), pg_temp.id('shelf'), NULL),
    ('reversal/found', pg_temp.id('shelf'), pg_temp.place('loss'), 'adjustment/found'),
    ('adjustment/begun', pg_temp.place('opening'), pg_temp.id('shelf'), NULL),
    ('reversal/begun', pg_temp.id('shelf'), pg_temp.place('opening'), 'adjustment/begun'))
    AS m(key, source, target, reverses);
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id,
    document_type, document_id, line_id, actor, occurred_at)
SELECT pg_temp.id('issue-' || l.id), 'issue/' || l.id, 'issue', l.item_id, l.quantity,
    pg_temp.id('shelf'), pg_temp.place('customer'), 'order', o.id, l.id, 'test', now()
FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.status = 'completed';

INSERT INTO payments (id, order_id, provider, method, amount, currency, created_by)
SELECT pg_temp.id('payment-' || name), pg_temp.id(name), 'sandbox', 'card', 3800, 'USD', 'test'
FROM (VALUES ('done'), ('lost'), ('running'), ('dropped')) AS o(name);
INSERT INTO idempotency_keys (caller, key, route, fingerprint, resource_id, state, status, answer)
VALUES ('planner', 'deleted', '/work_orders', '', pg_temp.id('deleted'), 'done', 201, '{}');
INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, shipment_id)
SELECT pg_temp.id(name || kind || phase), pg_temp.id('payment-' || name), kind, phase,
    kind || '/' || name, amount,
    CASE kind WHEN 'capture' THEN pg_temp.id(name || '-shipment') END
FROM (VALUES ('done', 'authorization', 3800), ('done', 'capture', 3800),
    ('lost', 'authorization', 3800), ('lost', 'capture', 3800), ('lost', 'refund', 3300),
    ('running', 'authorization', 3800),
    ('dropped', 'authorization', 3800), ('dropped', 'void', 3800)) AS e(name, kind, amount),
    (VALUES ('requested'), ('succeeded')) AS phases(phase);

INSERT INTO returns (id, number, order_id, customer_id, site_id, quarantine_id, status, kind,
    resolution_wanted, resolution, resolved, ship_back, currency, decision, notes, requested_by,
    last_received_at, closed_at)
SELECT pg_temp.id('return'), 'RMA-1', pg_temp.id('done'), pg_temp.id('customer'),
    pg_temp.id('site'), pg_temp.id('back'), 'closed', 'withdrawal', 'refund', 'refund', 1, 'own',
    'USD', '{}', '', 'key:support', now(), now();
INSERT INTO return_lines (id, return_id, order_line_id, quantity, received, reason, comment,
    evidence)
SELECT pg_temp.id('return-pot'), pg_temp.id('return'), pg_temp.id('done-pot'), 1, 1, 'defective',
    '', '[]';
INSERT INTO return_labels (id, return_id, status, service, ship_from, ship_to, carrier,
    booking_reference, booked_at)
SELECT pg_temp.id('label'), pg_temp.id('return'), 'booked', 'ground', '{}', '{}', 'sandbox', 'b/back',
    now();
INSERT INTO parcels (id, return_label_id, carrier, tracking_number, status)
SELECT pg_temp.id('back-parcel'), pg_temp.id('label'), 'sandbox', 'T-back', 'booked';
INSERT INTO return_dispositions (id, return_line_id, quantity, disposition, accepted, location_id,
    condition, note, inspector)
SELECT pg_temp.id('scrapped'), pg_temp.id('return-pot'), 1, 'scrap', true, pg_temp.place('loss'),
    '', '', 'key:inspector';
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, actor,
    document_type, document_id, line_id, occurred_at)
SELECT pg_temp.id(key), key, kind, pg_temp.id('pot'), 1, source, target, 'test', 'return',
    pg_temp.id('return'), pg_temp.id('done-pot'), now()
FROM (VALUES ('return/1', 'return', pg_temp.place('customer'), pg_temp.id('back')),
    ('disposition/1', 'scrap', pg_temp.id('back'), pg_temp.place('loss')))
    AS m(key, kind, source, target);
UPDATE order_lines SET returned = 1 WHERE id = pg_temp.id('done-pot');

INSERT INTO withdrawals (id, order_id, name, lines, statement, declared_by, declared_at,
    confirmed_by, confirmed_at, return_id, acknowledgement)
SELECT pg_temp.id('withdrawal'), pg_temp.id('done'), 'Ada', jsonb_build_array(jsonb_build_object(
        'order_line_id', pg_temp.id('done-pot'), 'sku', 'POT', 'name', 'Pot', 'quantity', 1)),
    'I withdraw', 'guest', now(), 'guest', now(), pg_temp.id('return'), 'received';
INSERT INTO refunds (id, number, order_id, payment_id, status, source, currency, amount,
    shipping_amount, shipping_tax_amount, goodwill_amount, goodwill_tax_amount, tax_amount, reason,
    requested_by, approved_by, attempt, succeeded_at, return_id)
SELECT pg_temp.id('back'), 'REF-1', pg_temp.id('done'), pg_temp.id('payment-done'), 'succeeded',
    'return', 'USD', 1100, 0, 0, 0, 0, 100, 'broken', 'key:support', 'system', 1, now(),
    pg_temp.id('return');
INSERT INTO refund_lines (id, refund_id, order_line_id, units, amount, tax_amount)
SELECT pg_temp.id('back-pot'), pg_temp.id('back'), pg_temp.id('done-pot'), 1, 1100, 100;
INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount, refund_id)
SELECT pg_temp.id('back' || phase), pg_temp.id('payment-done'), 'refund', phase, 'refund/back/1',
    1100, pg_temp.id('back')
FROM (VALUES ('requested'), ('succeeded')) AS phases(phase);
UPDATE order_lines SET refunded_units = 1, refunded_amount = 1100 WHERE id = pg_temp.id('done-pot');

INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)
SELECT pg_temp.id(document || sequence), type || '.v1', document, pg_temp.id(document), sequence,
    'test', '', CASE WHEN target IS NULL THEN '{}'::jsonb
        ELSE jsonb_build_object('from', source, 'to', target) END
FROM (VALUES
    ('done', 1, 'order.placed', NULL, NULL), ('done', 2, 'order.confirmed', 'pending', 'confirmed'),
    ('done', 3, 'order.completed', 'confirmed', 'completed'),
    ('lost', 1, 'order.placed', NULL, NULL), ('lost', 2, 'order.confirmed', 'pending', 'confirmed'),
    ('lost', 3, 'order.completed', 'confirmed', 'completed'),
    ('running', 1, 'order.placed', NULL, NULL),
    ('running', 2, 'order.confirmed', 'pending', 'confirmed'),
    ('dropped', 1, 'order.placed', NULL, NULL),
    ('dropped', 2, 'order.cancelled', 'pending', 'cancelled'),
    ('done-shipment', 1, 'shipment.planned', NULL, NULL),
    ('done-shipment', 2, 'shipment.booked', 'pending', 'booked'),
    ('done-shipment', 3, 'shipment.picked_up', 'booked', 'picked_up'),
    ('done-shipment', 4, 'shipment.delivered', 'picked_up', 'delivered'),
    ('lost-shipment', 1, 'shipment.planned', NULL, NULL),
    ('lost-shipment', 2, 'shipment.booked', 'pending', 'booked'),
    ('lost-shipment', 3, 'shipment.lost', 'booked', 'lost'),
    ('running-shipment', 1, 'shipment.planned', NULL, NULL),
    ('dropped-shipment', 1, 'shipment.planned', NULL, NULL),
    ('dropped-shipment', 2, 'shipment.booked', 'pending', 'booked'),
    ('dropped-shipment', 3, 'shipment.voided', 'booked', 'voided'),
    ('back', 1, 'refund.requested', NULL, NULL),
    ('back', 2, 'refund.approved', 'requested', 'approved'),
    ('back', 3, 'refund.submitted', 'approved', 'submitted'),
    ('back', 4, 'refund.succeeded', 'submitted', 'succeeded'),
    ('return', 1, 'return.requested', NULL, NULL),
    ('return', 2, 'return.authorized', 'requested', 'authorized'),
    ('return', 3, 'return.received', 'authorized', 'received'),
    ('return', 4, 'return.inspected', 'received', 'inspected'),
    ('return', 5, 'return.closed', 'inspected', 'closed'))
    AS e(document, sequence, type, source, target);
INSERT INTO idempotency_keys (caller, key, route, fingerprint, resource_id, state, status, answer)
SELECT 'shop', name, '/orders', '', pg_temp.id(name), 'done', 201, '{}'
FROM (VALUES ('done'), ('lost'), ('running'), ('dropped')) AS o(name);
INSERT INTO tasks (id, kind, document_type, document_id, role, question, facts, choices, status,
    due_at, outcome)
VALUES (pg_temp.id('task'), 'parcel_lost', 'shipment', pg_temp.id('lost-shipment'), 'support', '?',
    '{}', '[]', 'done', now() + interval '1 day', 'refund');
UPDATE shipment_lines x SET capture_amount = l.captured_amount FROM order_lines l
WHERE l.id = x.order_line_id;
UPDATE shipments SET capture_shipping_amount = 500 WHERE number IN ('SHP-1', 'SHP-2');

INSERT INTO items (id, sku, name, status, tracking)
VALUES (pg_temp.id('saw'), 'SAW', 'Saw', 'active', 'serial');
INSERT INTO balances (item_id, location_id, on_hand)
VALUES (pg_temp.id('saw'), pg_temp.id('shelf'), 1);
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, actor,
    occurred_at)
VALUES (pg_temp.id('opening-saw'), 'opening/saw', 'adjustment', pg_temp.id('saw'), 1,
    pg_temp.place('opening'), pg_temp.id('shelf'), 'test', now());
INSERT INTO units (id, item_id, serial, serial_key, status, ownership, location_id, events)
VALUES (pg_temp.id('saw-1'), pg_temp.id('saw'), 'S1', 's1', 'in_stock', 'own',
    pg_temp.id('shelf'), 2);
INSERT INTO unit_events (unit_id, sequence, kind, from_status, to_status, from_location_id,
    to_location_id, document_type, document_id, line_id, movement_id, reason, actor)
VALUES (pg_temp.id('saw-1'), 1, 'entered', NULL, 'in_stock', NULL, pg_temp.id('shelf'), '', NULL,
        NULL, pg_temp.id('opening-saw'), '', 'test'),
    (pg_temp.id('saw-1'), 2, 'moved', 'returned', 'in_stock', pg_temp.id('back'),
        pg_temp.id('shelf'), 'return', pg_temp.id('return'), pg_temp.id('return-pot'), NULL,
        'restock', 'test');

INSERT INTO warranty_terms (id, code, version, duration_months, starts, covers, excluded_symptoms,
    transferable, replacement_rule, settle_by, evidence_for, defined_by, valid_from)
VALUES (pg_temp.id('term'), 'YEAR', 1, 12, 'delivery', '["parts"]', '[]', false, 'remaining',
    '["repair"]', '[]', 'test', now() - interval '1 day');
INSERT INTO item_warranty_terms (item_id, valid_from, code)
VALUES (pg_temp.id('mug'), now() - interval '1 day', 'YEAR');
INSERT INTO warranties (id, number, status, item_id, customer_id, order_id, order_line_id,
    shipment_id, unit_id, quantity, term_id, term_code, duration_months, starts_on, ends_on, source,
    proof_of_purchase, registered_by)
VALUES
    (pg_temp.id('warranty'), 'WTY-1', 'active', pg_temp.id('mug'), pg_temp.id('customer'),
     pg_temp.id('done'), pg_temp.id('done-mug'), pg_temp.id('done-shipment'), NULL, 2,
     pg_temp.id('term'), 'YEAR', 12, '2032-02-29', '2033-02-28', 'delivery', '', 'system'),
    (pg_temp.id('saw-warranty'), 'WTY-2', 'active', pg_temp.id('saw'), pg_temp.id('customer'),
     NULL, NULL, NULL, pg_temp.id('saw-1'), 1, pg_temp.id('term'), 'YEAR', 12, '2031-01-31',
     '2032-01-31', 'manual', 'receipt 1187', 'test');
INSERT INTO warranties (id, number, status, item_id, customer_id, order_id, order_line_id, unit_id,
    quantity, cancelled, term_id, term_code, duration_months, starts_on, ends_on, source,
    registered_by)
VALUES (pg_temp.id('former-warranty'), 'WTY-3', 'cancelled', pg_temp.id('saw'),
    pg_temp.id('customer'), pg_temp.id('done'), pg_temp.id('done-pot'), pg_temp.id('saw-1'), 1, 1,
    pg_temp.id('term'), 'YEAR', 12, '2031-01-31', '2032-01-31', 'manual', 'test');

INSERT INTO claims (id, number, status, warranty_id, unit_id, customer_id, order_id, quantity,
    failed_on, symptom, description, evidence, rule, checks, resolution, filed_by, decided_by)
VALUES
    (pg_temp.id('claim'), 'CLM-1', 'approved', pg_temp.id('warranty'), NULL, pg_temp.id('customer'),
     pg_temp.id('done'), 1, '2032-03-01', 'chipped', '', '[]', 'within_limit', '[]', 'refund',
     'test', 'system'),
    (pg_temp.id('saw-claim'), 'CLM-2', 'settled', pg_temp.id('saw-warranty'), pg_temp.id('saw-1'),
     pg_temp.id('customer'), NULL, 1, '2031-03-01', 'blunt', '', '[]', 'person', '[]', NULL,
     'test', 'key:support');
INSERT INTO returns (id, number, order_id, customer_id, site_id, quarantine_id, status, kind,
    claim_id, resolution_wanted, ship_back, currency, decision, notes, requested_by)
SELECT pg_temp.id('claim-return'), 'RMA-2', pg_temp.id('done'), pg_temp.id('customer'),
    pg_temp.id('site'), pg_temp.id('back'), 'authorized', 'warranty', pg_temp.id('claim'), 'refund',
    'label', 'USD', '{}', '', 'system';
INSERT INTO return_lines (id, return_id, order_line_id, quantity, received, reason, comment,
    evidence)
SELECT pg_temp.id('return-mug'), pg_temp.id('claim-return'), pg_temp.id('done-mug'), 1, 0,
    'defective', '', '[]';
UPDATE order_lines SET coming_back = 1 WHERE id = pg_temp.id('done-mug');
INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)
SELECT pg_temp.id(document || sequence), type || '.v1', document, pg_temp.id(document), sequence,
    'test', '', CASE WHEN target IS NULL THEN '{}'::jsonb
        ELSE jsonb_build_object('from', source, 'to', target) END
FROM (VALUES
    ('claim', 1, 'claim.filed', NULL, NULL), ('claim', 2, 'claim.approved', 'filed', 'approved'),
    ('saw-claim', 1, 'claim.filed', NULL, NULL),
    ('saw-claim', 2, 'claim.under_review', 'filed', 'under_review'),
    ('saw-claim', 3, 'claim.settled', 'under_review', 'settled'),
    ('claim-return', 1, 'return.requested', NULL, NULL),
    ('claim-return', 2, 'return.authorized', 'requested', 'authorized'))
    AS e(document, sequence, type, source, target);

-- One of the running order's mugs waits for stock.
UPDATE order_lines SET short_since = now() WHERE id = pg_temp.id('running-mug');
UPDATE reservations SET quantity = 1 WHERE line_id = pg_temp.id('running-mug');
UPDATE shipment_lines SET quantity = 1 WHERE order_line_id = pg_temp.id('running-mug');
UPDATE balances SET reserved = 1
WHERE item_id = pg_temp.id('mug') AND location_id = pg_temp.id('shelf');

INSERT INTO items (id, sku, name, status, tracking)
VALUES (pg_temp.id('milk'), 'MILK', 'Milk', 'active', 'lot');
INSERT INTO lots (id, item_id, code, code_key, received_on, expires_on)
SELECT pg_temp.id(code), pg_temp.id('milk'), code, code, '2031-01-01', expires_on
FROM (VALUES ('milk-1', DATE '2031-02-01'), ('milk-2', NULL)) AS l(code, expires_on);
INSERT INTO balances (item_id, location_id, lot_id, on_hand)
SELECT item_id, pg_temp.id('shelf'), id, 4 FROM lots;
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, lot_id,
    actor, occurred_at)
SELECT pg_temp.id('opening-' || code), 'opening/' || code, 'adjustment', item_id, 4,
    pg_temp.place('opening'), pg_temp.id('shelf'), id, 'test', now()
FROM lots;
-- One work order was closed, another is worked on by a technician who is timed.
INSERT INTO technicians (id, no, code, site_id, subject, capacity_minutes, skills)
VALUES (pg_temp.id('technician'), 1, 'ANA', pg_temp.id('site'), 'user:ana', 480, '[]');
INSERT INTO work_orders (id, number, status, kind, site_id, item_id, quantity, title, outcome,
    signoff_required, created_by, signed_off_by, released_at, in_progress_at, completed_at,
    closed_at)
VALUES (pg_temp.id('mended'), 'WO-1', 'closed', 'repair', pg_temp.id('site'), pg_temp.id('mug'), 1,
        'Chipped', 'done', true, 'test', 'key:inspector', now(), now(), now(), now()),
    (pg_temp.id('mending'), 'WO-2', 'in_progress', 'rework', pg_temp.id('site'), pg_temp.id('pot'),
        1, 'Dull', NULL, true, 'test', NULL, now(), now(), NULL, NULL);
INSERT INTO work_order_operations (id, work_order_id, position, name, instruction, planned_minutes,
    checks, status, done_by, done_at)
VALUES (pg_temp.id('glued'), pg_temp.id('mended'), 1, 'Glue', '', 10, '[]', 'done', 'key:operator',
        now()),
    (pg_temp.id('polish'), pg_temp.id('mending'), 1, 'Polish', '', 10, '[]', 'open', NULL, NULL);
INSERT INTO work_order_parts (id, work_order_id, line, item_id, planned, cancelled)
VALUES (pg_temp.id('handle'), pg_temp.id('mended'), 1, pg_temp.id('mug'), 1, 1),
    (pg_temp.id('lid'), pg_temp.id('mending'), 1, pg_temp.id('pot'), 1, 0);
INSERT INTO assignments (id, work_order_id, technician_id, technician_no, since, until, assigned_by)
VALUES (pg_temp.id('morning'), pg_temp.id('mending'), pg_temp.id('technician'), 1,
    '2031-03-04T09:00:00Z', '2031-03-04T10:00:00Z', 'test');
INSERT INTO time_entries (id, work_order_id, technician_id, technician_no, kind, source, since,
    until, parallel, recorded_by)
VALUES (pg_temp.id('worked'), pg_temp.id('mended'), pg_temp.id('technician'), 1, 'work', 'timer',
        now() - interval '2 hours', now() - interval '1 hour', false, 'user:ana'),
    (pg_temp.id('running-timer'), pg_temp.id('mending'), pg_temp.id('technician'), 1, 'work',
        'timer', now() - interval '1 hour', NULL, false, 'user:ana');
INSERT INTO installations (id, parent_unit_id, unit_id, position, installed_by_id, removed_by_id,
    installed_at, removed_at)
VALUES (pg_temp.id('blade'), pg_temp.id('saw-1'), pg_temp.id('saw-1'), 'left',
    pg_temp.id('mended'), pg_temp.id('mended'), now(), now());
INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)
SELECT pg_temp.id(document || sequence), type || '.v1', document, pg_temp.id(document), sequence,
    'test', '', CASE WHEN target IS NULL THEN '{}'::jsonb
        ELSE jsonb_build_object('from', source, 'to', target) END
FROM (VALUES
    ('deleted', 1, 'work_order.created', NULL, NULL),
    ('deleted', 2, 'work_order.deleted', NULL, NULL),
    ('mended', 1, 'work_order.created', NULL, NULL),
    ('mended', 2, 'work_order.released', 'planned', 'released'),
    ('mended', 3, 'work_order.started', 'released', 'in_progress'),
    ('mended', 4, 'work_order.completed', 'in_progress', 'completed'),
    ('mended', 5, 'work_order.closed', 'completed', 'closed'),
    ('mending', 1, 'work_order.created', NULL, NULL),
    ('mending', 2, 'work_order.released', 'planned', 'released'),
    ('mending', 3, 'work_order.started', 'released', 'in_progress'))
    AS e(document, sequence, type, source, target);

-- A count of cups two of which were missing; one that had been found before it was written down late.
INSERT INTO items (id, sku, name, status) VALUES (pg_temp.id('cup'), 'CUP', 'Cup', 'active');
INSERT INTO balances (item_id, location_id, on_hand, reserved, counted_at)
VALUES (pg_temp.id('cup'), pg_temp.id('shelf'), 3, 0, '2021-01-05 12:00+00');
INSERT INTO counts (id, number, status, counted_by, note, decided_by, ended_at)
VALUES (pg_temp.id('count'), 'CNT-1', 'posted', 'key:warehouse', '', 'key:admin', now());
INSERT INTO count_lines (id, count_id, position, item_id, location_id, counted, counted_at, expected,
    posted_at)
VALUES (pg_temp.id('counted'), pg_temp.id('count'), 1, pg_temp.id('cup'), pg_temp.id('shelf'), 3,
    '2021-01-05 12:00+00', 5, now());
INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id, actor,
    document_type, document_id, line_id, balances_id, occurred_at)
SELECT pg_temp.id(key), key, kind, pg_temp.id('cup'), quantity, source, target, 'test', document,
    CASE document WHEN 'count' THEN pg_temp.id('count') END,
    CASE document WHEN 'count' THEN pg_temp.id('counted') END, pg_temp.id(balances), moment::timestamptz
FROM (VALUES
    ('opening/cup', 'adjustment', 5, pg_temp.place('opening'), pg_temp.id('shelf'), '', NULL,
        '2021-01-01 12:00+00'),
    ('count/cup', 'count', 2, pg_temp.id('shelf'), pg_temp.place('loss'), 'count', NULL,
        '2021-01-05 12:00+00'),
    ('adjustment/late', 'adjustment', 1, pg_temp.place('loss'), pg_temp.id('shelf'), '', NULL,
        '2021-01-03 12:00+00'),
    ('count/cup/late', 'count', 1, pg_temp.id('shelf'), pg_temp.place('loss'), 'count',
        'adjustment/late', '2021-01-05 12:00+00'))
    AS m(key, kind, quantity, source, target, document, balances, moment);
