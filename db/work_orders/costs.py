"""What work costs: parts at their value when they were issued, time at its rate when it ended."""


def of_work(work: str) -> str:
    """Return the query for what the work order of this id has cost, line by line.

    It selects kind, currency, amount and name. Each line is rounded once, half up: a part, less
    what went back of it, and an entry of time. The amount is NULL where something has no value.
    """
    return f"""SELECT 'parts' AS kind, x.currency,
        round(x.value * (p.issued - p.returned) / p.issued)::bigint AS amount, i.sku AS name
    FROM work_order_parts p JOIN items i ON i.id = p.item_id
    CROSS JOIN LATERAL (
        SELECT m.unit_cost_currency AS currency, sum(m.quantity * m.unit_cost_amount) AS value
        FROM movements m WHERE m.document_id = {work} AND m.line_id = p.id AND m.kind = 'issue'
        GROUP BY 1) x
    WHERE p.work_order_id = {work} AND p.issued > p.returned
    UNION ALL SELECT 'labour', t.hourly_rate_currency,
        round(t.hourly_rate_amount * extract(epoch FROM t.until - t.since) / 3600)::bigint, e.code
    FROM time_entries t JOIN technicians e ON e.id = t.technician_id
    WHERE t.work_order_id = {work} AND t.until > t.since AND t.corrected_by_id IS NULL"""


def spent(lines: str) -> str:
    """Return the expression for what these lines come to: JSON by kind and currency."""
    return f"""(SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM (
        SELECT kind, currency, sum(amount) AS amount,
            array_agg(DISTINCT name ORDER BY name) FILTER (WHERE amount IS NULL) AS unknown
        FROM ({lines}) lines GROUP BY 1, 2 ORDER BY 1, 2) s)"""
