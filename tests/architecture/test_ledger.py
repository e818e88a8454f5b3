"""The stock ledger: movements, balances and reservations are written by two modules alone."""

import ast
import re

import pytest

from tests.architecture.source import OURS, Module, assigned, dotted

DOORS = {"db/inventory/posting.py", "db/inventory/splitting.py"}
TABLES = "movements|balances|reservations"
ROWS = {"MovementRow", "BalanceRow", "ReservationRow"}
WRITES = re.compile(
    rf"\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate|copy)\s+"
    rf"(?:table\s+|only\s+)*\"?(?:{TABLES})\b",
    re.IGNORECASE,
)


def texts(module: Module) -> list[str]:
    return [
        node.value
        for node in module.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def writes(module: Module) -> list[str]:
    """Return the statements of a module that write the ledger, in SQL or by mapped class."""
    in_sql = [found[0] for text in texts(module) for found in WRITES.finditer(text)]
    calls = [node for node in module.nodes if isinstance(node, ast.Call)]
    by_class = [
        f"{dotted(call.func)}({dotted(given)})"
        for call in calls
        for given in call.args
        if dotted(call.func).rpartition(".")[2] in {"insert", "update", "delete"}
        and dotted(given).partition(".")[0] in ROWS
    ]
    return in_sql + by_class


def test_only_its_doors_write_the_stock_ledger() -> None:
    found = {one.path: writes(one) for one in OURS if one.path not in DOORS}
    assert {path: wrote for path, wrote in found.items() if wrote} == {}


def test_statements_that_are_made_up_by_table_leave_the_ledger_alone() -> None:
    made_up = re.compile(r"\b(?:insert\s+into|update|delete\s+from)\s+$", re.IGNORECASE)
    found = [one for one in OURS if any(made_up.search(text) for text in texts(one))]
    assert [one.path for one in found] == [
        "db/document.py",
        "db/loading.py",
        "db/orders/accept.py",
    ]
    kit, loading, accept = found
    columns = assigned(accept, "_COLUMNS")
    assert isinstance(columns, ast.Dict)
    tables = {ast.literal_eval(key) for key in columns.keys if key is not None}
    assert (tables | set(texts(loading)) | set(texts(kit))) & set(TABLES.split("|")) == set()


def test_the_doors_themselves_are_seen() -> None:
    doors = [one for one in OURS if one.path in DOORS]
    assert [bool(writes(door)) for door in doors] == [True, True]
    written = {wrote.split()[-1] for door in doors for wrote in writes(door)}
    assert written == set(TABLES.split("|"))


@pytest.mark.parametrize(
    "source",
    [
        'SQL = """WITH x AS (INSERT INTO movements (id) VALUES (1)) SELECT 1"""',
        'SQL = "update  balances b SET on_hand = 1"',
        'SQL = f"""UPDATE\\n reservations r SET status = {status}"""',
        "sqlalchemy.insert(BalanceRow).values(on_hand=1)",
        "update(ReservationRow.__table__)",
    ],
)
def test_every_way_to_write_it_is_seen(source: str) -> None:
    module = Module("none.py")
    module.__dict__["text"] = source
    assert len(writes(module)) == 1
