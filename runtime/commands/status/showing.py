"""One screen of what was found: what is wrong stands out, and everything has its age."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from runtime.commands.status.parts import State

_STYLES = {
    State.OK: "green",
    State.DEGRADED: "yellow",
    State.AWAY: "bold red",
    State.NOT_ASKED: "dim",
}
_UNKNOWN = "cannot be known now"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def screen(found: Mapping[str, Any]) -> RenderableType:
    """Return everything that was found, as one screen."""
    now: datetime = found["at"]
    return Group(
        _parts(found["parts"]),
        _work(found, now),
        _people(found, now),
        _pending(found["pending"], now),
    )


def ago(instant: datetime | None, now: datetime) -> str:
    """Return in a few characters how long ago an instant was: ``40 s``, ``5 min``, ``3 d``."""
    if instant is None:
        return "never"
    return _span((now - instant).total_seconds())


def _span(seconds: float) -> str:
    whole = max(int(seconds), 0)
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def _table(title: str, *columns: str) -> Table:
    return Table(*columns, title=title, title_justify="left", title_style="bold", expand=True)


def _parts(parts: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Processes", "part", "where", "is", "says")
    for part in parts:
        state = State(part["state"])
        words = state.replace("_", " ")
        told = Text(words, style=_STYLES[state]), Text(part["says"])
        table.add_row(part["part"], part["where"], *told)
    return table


def _work(found: Mapping[str, Any], now: datetime) -> Table:
    table = Table(show_header=False, title="Work", title_justify="left", title_style="bold")
    table.expand = True
    rows = [("outbox", *_outbox(found["outbox"])), ("runs", *_runs(found["runs"]))]
    if found["partners"] == []:
        rows.append(("partners", "none was called yet", "dim"))
    rows += [
        (f"partner {each['partner']}", *_partner(each, now)) for each in _listed(found["partners"])
    ]
    rows.append(("books", *_verified(found["verify"], now, found["pending"] is not None)))
    for name, words, style in rows:
        table.add_row(name, Text(words, style=style))
    return table


def _outbox(outbox: Mapping[str, Any] | None) -> tuple[str, str]:
    if outbox is None:
        return _UNKNOWN, "dim"
    if not outbox["depth"]:
        return "nothing waits to be told to Temporal", "green"
    oldest = float(outbox["oldest_seconds"])
    words = f"{outbox['depth']} wait, the oldest for {_span(oldest)}; {outbox['failing']} fail"
    return words, "bold red" if oldest > _MINUTE or outbox["failing"] else "yellow"


def _runs(runs: Mapping[str, Any] | None) -> tuple[str, str]:
    if runs is None:
        return _UNKNOWN, "dim"
    if not runs["lost"] + runs["standing_still"]:
        whole = runs["all_compared"] and runs["asked"] >= runs["compared"]
        oldest = "" if runs["all_compared"] else "the oldest "
        some = f"of {oldest}{runs['compared']} none is lost; of {runs['asked']} asked none stands"
        return "none is lost, none stands still" if whole else f"{some} still", "green"
    named = ", ".join(runs["samples"])
    return f"{runs['lost']} lost, {runs['standing_still']} stand still: {named}", "bold red"


def _partner(health: Mapping[str, Any], now: datetime) -> tuple[str, str]:
    answered = ago(health["answered_at"], now)
    if health["state"] == State.OK:
        return f"answered {answered} ago", "green"
    failed = ago(health["failed_at"], now)
    last = "it never answered" if answered == "never" else f"its last answer was {answered} ago"
    return f"failed {failed} ago: {health['failure']}; {last}", "bold red"


def _verified(verify: Mapping[str, Any] | None, now: datetime, known: bool) -> tuple[str, str]:
    if verify is None:
        return ("were never checked: stateset verify", "yellow") if known else (_UNKNOWN, "dim")
    when = f"checked {ago(verify['ended_at'], now)} ago: {verify['checks']} rules"
    full = "in full" if verify["full"] else f"in full {ago(verify['full_at'], now)} ago"
    when = f"{when}, {full}"
    if verify["broken"]:
        return f"{when}, broken: {', '.join(verify['broken'])}", "bold red"
    return f"{when}, all hold", "green"


def _people(found: Mapping[str, Any], now: datetime) -> Table:
    table = _table("What waits for people", "role", "what", "open", "overdue", "oldest", "age")
    for each in _listed(found["questions"]):
        late = Text(str(each["overdue"]), style="bold red" if each["overdue"] else "")
        oldest = f"{each['number']} {each['kind']}"
        table.add_row(
            each["role"], "tasks", str(each["open"]), late, oldest, ago(each["since"], now)
        )
    for each in _listed(found["holds"]):
        what = f"hold {each['reason']}"
        table.add_row(
            each["role"], what, str(each["open"]), "", each["number"], ago(each["since"], now)
        )
    return _filled(table, found["questions"], "nothing waits for people")


def _pending(pending: Sequence[Mapping[str, Any]] | None, now: datetime) -> Table:
    table = _table("What has not ended", "kind", "open", "oldest", "age")
    for each in _listed(pending):
        kind = each["kind"].replace("_", " ")
        table.add_row(kind, str(each["open"]), each["number"], ago(each["since"], now))
    return _filled(table, pending, "everything has ended")


def _filled(table: Table, rows: object | None, nothing: str) -> Table:
    if not table.row_count:
        table.add_row(Text(nothing if rows is not None else _UNKNOWN, style="dim"))
    return table


def _listed(rows: Iterable[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    return list(rows or ())
