"""Telling who waits for a return that it has moved."""

from sqlalchemy.ext.asyncio import AsyncConnection

from db.outbox import signal
from db.returns.tables import ReturnRow
from domain.documents import Document, Kind, Signal


async def tell_claim(db: AsyncConnection, found: ReturnRow) -> None:
    """Have the claim look again for which the goods of a return come in that has ended."""
    if found.claim_id is not None:
        await signal(db, Document(Kind.CLAIM, found.claim_id), Signal.CLAIM_CHANGED)
