"""The demonstration on the screen: a table that moves, or lines without a terminal."""

import asyncio
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from runtime.sample.act import Act

_REFRESH = 0.25
_STYLES = {"completed": "green", "cancelled": "yellow", "confirmed": "cyan", "pending": ""}


async def show(acts: Sequence[Act], links: Sequence[str], console: Console) -> None:
    """Show how far the stories are until cancelled; the last state is shown in any case."""
    if console.is_terminal:
        await _show_live(acts, links, console)
    else:
        await _show_lines(acts, links, console)


async def _show_live(acts: Sequence[Act], links: Sequence[str], console: Console) -> None:
    def frame() -> Group:
        return Group(*map(Text, links), table_of(acts))

    with Live(frame(), console=console, refresh_per_second=4) as live:
        try:
            while True:
                await asyncio.sleep(_REFRESH)
                live.update(frame())
        finally:
            live.update(frame())


async def _show_lines(acts: Sequence[Act], links: Sequence[str], console: Console) -> None:
    for link in links:
        console.print(link, soft_wrap=True)
    told: dict[str, tuple[str, str]] = {}

    def tell() -> None:
        for act in acts:
            news = (act.state, act.note)
            if act.state != "not placed" and told.get(act.story.reference) != news:
                told[act.story.reference] = news
                line = "  ".join(part for part in _cells(act) if part)
                console.print(Text(line), soft_wrap=True)

    try:
        while True:
            await asyncio.sleep(_REFRESH)
            tell()
    finally:
        tell()


def table_of(acts: Sequence[Act]) -> Table:
    """Return the stories as a table."""
    table = Table("order", "customer", "state", "goods", "money", "what happens")
    for act in acts:
        number, customer, state, goods, money, story = map(Text, _cells(act))
        state.stylize(_STYLES.get(act.state, "red") or "default")
        table.add_row(number, customer, state, goods, money, story)
    return table


def _cells(act: Act) -> tuple[str, str, str, str, str, str]:
    order = act.order
    return (
        str(order.get("number", act.story.reference)),
        act.story.customer,
        f"{act.state}{', on hold' if order.get('on_hold') else ''}",
        str(order.get("fulfillment_status", "")),
        str(order.get("payment_status", "")),
        "; ".join(part for part in (act.story.title, act.note) if part),
    )
