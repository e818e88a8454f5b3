"""Movements of returned goods that people ask for; words where the goods are not there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.failures import violated
from db.inventory.movements import Movement
from db.inventory.posting import post
from db.returns.tables import ReturnRow
from domain.errors import IllegalMove

_NOT_FREE = frozenset({"ck_balances_on_hand", "ck_balances_reserved_on_hand"})


async def move_goods(db: AsyncConnection, found: ReturnRow, movements: Sequence[Movement]) -> None:
    """Post movements of a locked return's goods.

    Raises IllegalMove for goods that are not where they were put any more, or promised since.
    """
    with missing_in_words(found):
        await post(db, movements)


@contextmanager
def missing_in_words(found: ReturnRow) -> Iterator[None]:
    """Raise IllegalMove where a balance refuses to give up goods of a locked return."""
    try:
        yield
    except IntegrityError as error:
        if violated(error) not in _NOT_FREE:
            raise
        raise IllegalMove(
            "the goods are promised to orders by now, or gone: what was said of them stays",
            current_status=found.status,
            allowed=[],
        ) from error
