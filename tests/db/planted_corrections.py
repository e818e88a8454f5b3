"""Faults of what was taken back, planted in sound books: for each check what breaks it."""

CORRECTIONS: dict[str, tuple[str, set[str]]] = {
    "I2m opposite": (
        "UPDATE movements SET from_location_id = to_location_id,"
        " to_location_id = (SELECT id FROM locations WHERE kind = 'loss')"
        " WHERE key = 'adjustment/found';"
        "UPDATE balances SET on_hand = on_hand - 4 WHERE item_id = md5('mug')::uuid",
        set(),
    ),
    "I2m twice": (
        "INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id,"
        " to_location_id, actor, occurred_at, reverses_id) SELECT md5('again' || key)::uuid,"
        " 'again/' || key, kind, item_id, quantity, from_location_id, to_location_id, actor,"
        " occurred_at, reverses_id"
        " FROM movements WHERE reverses_id IS NOT NULL;"
        "UPDATE balances SET on_hand = on_hand - 4 WHERE item_id = md5('mug')::uuid",
        set(),
    ),
    "I2m earlier": (
        "UPDATE movements SET occurred_at = occurred_at - interval '1 day'"
        " WHERE reverses_id IS NOT NULL",
        set(),
    ),
    "I2m of none": (
        "UPDATE movements SET reverses_id = md5('none')::uuid WHERE reverses_id IS NOT NULL",
        set(),
    ),
    "I2n of no count": (
        "UPDATE movements SET line_id = NULL WHERE balances_id IS NOT NULL",
        set(),
    ),
    "I2n of another": (
        "UPDATE movements SET balances_id = md5('opening/cup')::uuid WHERE balances_id IS NOT NULL",
        set(),
    ),
    "I2n another day": (
        "UPDATE movements SET occurred_at = occurred_at + interval '1 day'"
        " WHERE balances_id IS NOT NULL",
        {"I2o"},
    ),
    "I2o counted": ("UPDATE count_lines SET counted = counted + 1", set()),
    "I2o moved": (
        "UPDATE movements SET occurred_at = occurred_at + interval '1 day' WHERE key = 'count/cup'",
        set(),
    ),
}
