"""Faults of warranties, planted in sound books: for each check what breaks it."""

_AGAIN = (
    "INSERT INTO warranties SELECT (jsonb_populate_record(w, jsonb_build_object("
    "'id', md5('again'), 'number', 'WTY-9'))).* FROM warranties w WHERE number = 'WTY-2'"
)

WARRANTIES: dict[str, tuple[str, set[str]]] = {
    "I12a": ("DELETE FROM warranties WHERE number = 'WTY-1'", set()),
    "I12b": ("UPDATE warranties SET ends_on = ends_on + 1 WHERE number = 'WTY-1'", set()),
    "I12c": (_AGAIN, set()),
    "I12d": ("UPDATE warranties SET quantity = 3 WHERE number = 'WTY-1'", {"I12a"}),
    "I12e": (
        "DELETE FROM warranties WHERE number = 'WTY-2';"
        "UPDATE warranties SET status = 'active', cancelled = 0 WHERE number = 'WTY-3'",
        {"I12d"},
    ),
}
