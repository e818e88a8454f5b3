"""Faults of claims on warranties, planted in sound books: for each check what breaks it."""

_ANEW = (
    "INSERT INTO warranties SELECT (jsonb_populate_record(w, jsonb_build_object("
    "'id', gen_random_uuid(), 'number', 'WTY-9', 'source', 'replacement', 'status', 'void',"
    "'replaces_id', w.id, 'handed_on_until', w.ends_on))).* FROM warranties w"
    " WHERE number = 'WTY-2';"
)

CLAIMS: dict[str, tuple[str, set[str]]] = {
    "I5-claims": ("UPDATE claims SET status = 'withdrawn' WHERE number = 'CLM-2'", set()),
    "I13a": ("UPDATE returns SET claim_id = NULL WHERE number = 'RMA-2'", set()),
    "I13b": ("UPDATE claims SET resolution = 'refund' WHERE number = 'CLM-2'", set()),
    "I13c": ("UPDATE claims SET quantity = 3 WHERE number = 'CLM-1'", set()),
    "I13d": (_ANEW + _ANEW, set()),
    "I13e": ("UPDATE warranties SET status = 'replaced' WHERE number = 'WTY-2'", set()),
}
