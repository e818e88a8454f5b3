"""What the docs draw and list from the code's tables: ``python -m tests.checks.diagrams``."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from db.deadlines import DEADLINES
from domain.claims.status import MOVES as CLAIMS
from domain.claims.status import ClaimStatus
from domain.documents import Kind
from domain.lifecycle import Moves, ends
from domain.orders.status import MOVES as ORDERS
from domain.questions import RULES
from domain.refunds.status import MOVES as REFUNDS
from domain.refunds.status import RefundStatus
from domain.returns.status import MOVES as RETURNS
from domain.shipments.status import ENDED
from domain.shipments.status import MOVES as SHIPMENTS
from domain.warranties.status import MOVES as WARRANTIES
from domain.work_orders.status import MOVES as WORK_ORDERS
from tests.checks.outcome import ROOT, refuse

PROCESSES = ROOT / "docs/processes"
MARKED = re.compile(
    r"(<!-- generated: (?P<what>[\w ]+) -->\n)(?P<drawn>.*?)(<!-- end -->)", re.DOTALL
)


def draw(moves: Moves[Any], last: frozenset[Any]) -> str:
    """Return a state table as a Mermaid diagram; in the states of ``last`` documents stay."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {next(iter(moves))}"]
    for current, followers in moves.items():
        lines += [f"    {current} --> {target}" for target in moves if target in followers]
        lines += [f"    {current} --> [*]"] if current in last else []
    return "\n".join([*lines, "```", ""])


def tasks(asker: Kind | None) -> str:
    """Return the tasks whose answer a run acts on, or (None) that are only recorded."""
    lines = ["| task | role | question | answers, and what follows |", "|---|---|---|---|"]
    for kind, rule in RULES.items():
        if rule.asker is asker:
            answers = "<br>".join(f"`{choice}`: {then}" for choice, then in rule.choices.items())
            lines.append(f"| `{kind}` | {rule.role} | {rule.question} | {answers} |")
    return "\n".join([*lines, ""])


def deadlines(document: str) -> str:
    """Return what a sweep warns of about a kind of document, and when."""
    lines = ["| deadline | after | opens | event |", "|---|---|---|---|"]
    for each in DEADLINES:
        if each.document == document:
            longer = "pending" if document == "refund" else "abroad"
            after = _words(each.after) + (
                f", {longer} {_words(each.abroad)}" if each.abroad else ""
            )
            after += f"; again {_words(each.again)} after an answer" if each.again else ""
            task = f"task `{each.task}`" if each.task else ""
            event = f"`{document}.{each.event}`" if each.event else ""
            lines.append(f"| `{each.name}` | {after} | {task} | {event} |")
    return "\n".join([*lines, ""])


def _words(duration: timedelta) -> str:
    hours = int(duration.total_seconds() // 3600)
    if not hours:
        return "at once"
    return f"{hours} hours" if hours <= 48 else f"{hours // 24} days"


def messages(process: str) -> str:
    """Return the signals and updates that a workflow takes, as it describes them itself."""
    lines = ["| message | kind | |", "|---|---|---|"]
    tree = ast.parse((ROOT / f"workflows/{process}.py").read_text())
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in handler.decorator_list:
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute):
                said = {word.arg: ast.literal_eval(word.value) for word in mark.keywords}
                lines.append(f"| `{handler.name}` | {mark.func.attr} | {said['description']} |")
    return "\n".join([*lines, ""])


DRAWN: dict[str, Callable[[], str]] = {
    "states of orders": lambda: draw(ORDERS, ends(ORDERS)),
    "states of shipments": lambda: draw(SHIPMENTS, ends(SHIPMENTS) | ENDED),
    "states of refunds": lambda: draw(REFUNDS, ends(REFUNDS) | {RefundStatus.SUCCEEDED}),
    "states of returns": lambda: draw(RETURNS, ends(RETURNS)),
    "states of claims": lambda: draw(CLAIMS, ends(CLAIMS) | {ClaimStatus.DENIED}),
    "states of warranties": lambda: draw(WARRANTIES, ends(WARRANTIES)),
    "messages of inventory_replenishment": lambda: messages("inventory_replenishment"),
    "states of work orders": lambda: draw(WORK_ORDERS, ends(WORK_ORDERS)),
    "messages of return_authorization": lambda: messages("return_authorization"),
    "messages of payment_refund": lambda: messages("payment_refund"),
    "messages of order_fulfillment": lambda: messages("order_fulfillment"),
    "messages of shipment_tracking": lambda: messages("shipment_tracking"),
    "messages of warranty_claim_review": lambda: messages("warranty_claim_review"),
    "messages of work_order_execution": lambda: messages("work_order_execution"),
    "deadlines of claims": lambda: deadlines("claim"),
    "deadlines of holds": lambda: deadlines("hold"),
    "deadlines of orders": lambda: deadlines("order"),
    "deadlines of refunds": lambda: deadlines("refund"),
    "deadlines of returns": lambda: deadlines("return"),
    "deadlines of shipments": lambda: deadlines("shipment"),
    "deadlines of work orders": lambda: deadlines("work_order"),
    "tasks of orders": lambda: tasks(Kind.ORDER),
    "tasks of shipments": lambda: tasks(Kind.SHIPMENT),
    "tasks of nobody": lambda: tasks(None),
}
"""Everything that a page may hold between its marks."""


def pages() -> Iterator[tuple[Path, str, str]]:
    """Yield every page of a process, with its text as it is and as it should be."""
    for page in sorted(PROCESSES.glob("*.md")):
        text = page.read_text()
        yield page, text, MARKED.sub(lambda at: at[1] + DRAWN[at["what"]]() + at[4], text)


def check_the_docs_show_what_the_code_knows() -> None:
    findings = [
        f"{page.relative_to(ROOT)} is out of step: python -m tests.checks.diagrams"
        for page, text, wanted in pages()
        if text != wanted
    ]
    shown = {at["what"] for _, text, _ in pages() for at in MARKED.finditer(text)}
    refuse(findings + [f"no page shows the {what}" for what in sorted(DRAWN.keys() - shown)])


def check_every_process_has_a_page() -> None:
    workflows = [
        path for path in (ROOT / "workflows").glob("*.py") if "@workflow.defn" in path.read_text()
    ]
    missing = {path.stem for path in workflows} - {page.stem for page in PROCESSES.glob("*.md")}
    refuse([f"docs/processes/{name}.md is missing" for name in sorted(missing)])


def write() -> None:
    """Draw everything anew."""
    for page, text, wanted in pages():
        if text != wanted:
            page.write_text(wanted)


if __name__ == "__main__":
    write()
