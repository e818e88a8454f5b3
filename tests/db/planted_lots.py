"""Faults of lots, planted in sound books: for each check what breaks it."""

LOTS: dict[str, tuple[str, set[str]]] = {
    "I16a": (
        "UPDATE balances SET lot_id = md5('milk-1')::uuid WHERE item_id = md5('pot')::uuid;"
        "UPDATE reservations SET lot_id = md5('milk-1')::uuid WHERE item_id = md5('pot')::uuid;"
        "ALTER TABLE movements DISABLE TRIGGER USER;"
        "UPDATE movements SET lot_id = md5('milk-1')::uuid WHERE item_id = md5('pot')::uuid",
        set(),
    ),
}
