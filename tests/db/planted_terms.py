"""Faults of orders on terms, planted in sound books."""

_ON_TERMS = (
    "UPDATE orders SET payment_method = 'net_terms', capture_on = 'confirmation', terms_days = 30"
    " WHERE number = 'SO-3';"
    "UPDATE payments SET provider = 'bank', method = 'net_terms'"
    " WHERE id = md5('payment-running')::uuid;"
    "DELETE FROM payment_entries WHERE payment_id = md5('payment-running')::uuid;"
)


def _confirmed(limit: int, needed: int) -> str:
    credit = f'{{"limit": {limit}, "exposure": 0, "needed": {needed}, "let_pass": false}}'
    return (
        f"{_ON_TERMS}UPDATE events SET data = data || '{{\"credit\": {credit}}}'"
        " WHERE subject = 'running' AND type = 'order.confirmed.v1'"
    )


TERMS: dict[str, tuple[str, set[str]]] = {
    "I10a": (_confirmed(limit=3799, needed=3800), {"I10b"}),
    # As if another one had been confirmed beside it, which it did not see.
    "I10b": (_confirmed(limit=3799, needed=3799), set()),
    "I10c": ("UPDATE orders SET credited_amount = 1 WHERE number = 'SO-3'", set()),
}
"""By check what breaks it, and which others must see it."""
