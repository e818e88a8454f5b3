"""A claim is settled once, by a return of its goods; what replaces them is promised once."""

from db.metadata import in_words
from db.verify.check import Check
from domain.claims.status import RUNNING
from domain.returns.status import RUNNING as COMING

CHECKS = (
    Check(
        "I13a",
        "An approved claim has a return of its own that has not ended",
        f"""SELECT c.number, c.resolution FROM claims c WHERE c.status = 'approved' AND NOT EXISTS (
            SELECT FROM returns r WHERE r.claim_id = c.id
                AND r.status IN ({in_words(sorted(COMING))}))""",
        settles=True,
    ),
    # One whose replacement got lost is open once more.
    Check(
        "I13b",
        "A claim that was settled as promised has a return that has given the customer something",
        """SELECT c.number, c.resolution FROM claims c
        WHERE c.status = 'settled' AND c.resolution IS NOT NULL AND NOT EXISTS (
            SELECT FROM returns r WHERE r.claim_id = c.id AND r.resolution <> 'rejected'
                AND r.status IN ('inspected', 'closed'))""",
    ),
    Check(
        "I13c",
        "Units that claims promise for, or accepted, are no more than their warranty was on",
        f"""SELECT w.number, w.quantity, x.units FROM warranties w JOIN (
            SELECT c.warranty_id, sum(coalesce(a.units, 0) + CASE WHEN a.units IS NULL
                AND c.status IN ({in_words(sorted(RUNNING))})
                -- What is only looked at once more may be about goods that are not there.
                AND (c.status = 'approved' OR c.appeal_reason = '')
                THEN c.quantity ELSE 0 END) AS units
            FROM claims c LEFT JOIN LATERAL (SELECT sum(d.quantity) AS units FROM returns r
                JOIN return_lines l ON l.return_id = r.id
                JOIN return_dispositions d ON d.return_line_id = l.id
                WHERE r.claim_id = c.id AND r.status = 'closed' AND d.accepted
                    AND d.revised_at IS NULL) a ON true GROUP BY 1) x ON x.warranty_id = w.id
        WHERE x.units > w.quantity""",
    ),
    Check(
        "I13d",
        "Goods that replaced others on a claim have one warranty of each that those had",
        """SELECT replaces_id, shipment_id, unit_id, count(*) AS warranties FROM warranties
        WHERE source = 'replacement' GROUP BY replaces_id, shipment_id, order_line_id, unit_id
        HAVING count(*) > 1""",
    ),
    Check(
        "I13e",
        "A replaced warranty is on a unit that was to be replaced on a claim",
        """SELECT w.number FROM warranties w WHERE w.status = 'replaced' AND NOT EXISTS (
            SELECT FROM claims c WHERE c.unit_id = w.unit_id AND (c.resolution = 'replacement'
                OR EXISTS (SELECT FROM returns r WHERE r.claim_id = c.id
                    AND r.resolution_wanted = 'replacement')))""",
    ),
)
