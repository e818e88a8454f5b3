"""Taking back adjustments: a use case in the caller's transaction, with its event."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import add_event
from db.inventory.reversing import reverse_movement
from domain.access import EVERYTHING, Reach
from domain.adjustments import ReverseMovement
from domain.quantities import plain


async def accept_reversal(
    db: AsyncConnection,
    reversal_id: UUID,
    movement_id: UUID,
    asked: ReverseMovement,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Post the opposite of an adjustment, and tell of it; raises what `reverse_movement` does."""
    made = await reverse_movement(db, reversal_id, movement_id, asked, actor=actor, reach=reach)
    await add_event(
        db,
        "inventory.adjusted",
        subject=made.sku,
        subject_id=reversal_id,
        actor=actor,
        correlation_id=f"adjustment/{movement_id}",
        data={
            "item_id": str(made.item_id),
            "location_id": str(made.location_id),
            "quantity": plain(made.quantity),
            "reason": "reversal",
            "reverses_id": str(movement_id),
            **({"lot_id": str(made.lot_id)} if made.lot_id else {}),
        },
    )
