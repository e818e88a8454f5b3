-- Wake the run of every open order, shipment, refund, return, claim and work order, or start it where Temporal has none:
-- after a restore, when the books and Temporal are from different moments. Safe to repeat: a run that is
-- there only looks again, and a new one goes on from the rows, with the same keys at the partners.
\set ON_ERROR_STOP on

-- Numbers that were given out after the backup stay with the documents that had them.
SELECT setval(numbers, nextval(numbers) + 100000)
FROM unnest('{order_numbers,shipment_numbers,refund_numbers,return_numbers,claim_numbers,work_order_numbers,task_numbers,warranty_numbers}'::regclass[]) AS numbers;

INSERT INTO outbox (kind, document_type, document_id, payload)
SELECT 'signal', 'order', id, '{"signal": "payment_reported"}'
FROM orders WHERE status IN ('pending', 'confirmed');

INSERT INTO outbox (kind, document_type, document_id, payload)
SELECT 'signal', 'shipment', id, '{"signal": "carrier_reported"}'
FROM shipments s WHERE handed_over_at IS NOT NULL AND settled_at IS NULL
  OR s.status = 'booked' AND EXISTS (SELECT 1 FROM parcels p
    WHERE p.shipment_id = s.id AND p.status NOT IN ('booked', 'voided'));

INSERT INTO outbox (kind, document_type, document_id, payload)
SELECT 'signal', 'refund', id, '{"signal": "payment_reported"}'
FROM refunds WHERE status IN ('requested', 'approved', 'submitted', 'failed');

INSERT INTO outbox (kind, document_type, document_id, payload)
SELECT 'signal', 'return', id, '{"signal": "return_changed"}'
FROM returns r WHERE status IN ('requested', 'authorized', 'received', 'inspected')
  OR EXISTS (SELECT 1 FROM return_labels l WHERE l.return_id = r.id
      AND (l.status = 'voiding' OR l.direction = 'outbound' AND l.status = 'pending'));

INSERT INTO outbox (kind, document_type, document_id, payload)
SELECT 'signal', 'claim', id, '{"signal": "claim_changed"}'
FROM claims WHERE status IN ('filed', 'under_review', 'approved');

INSERT INTO outbox (kind, document_type, document_id, payload)
SELECT 'signal', 'work_order', id, '{"signal": "work_order_changed"}'
FROM work_orders WHERE status IN ('released', 'in_progress', 'completed');
