"""How a refund ends: counted on its order's lines, or failed and put to finance."""

from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import REFUNDS
from db.outbox import signal
from db.refunds.tables import RefundRow
from db.refunds.writes import change_amount, count_refund
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.money import Money
from domain.payments import Refusal
from domain.refunds.status import RefundStatus
from domain.tasks import TaskKind
from gateways.payments.port import PaymentResult

PROVIDER = "provider"


async def settle_refund(
    db: AsyncConnection,
    refund: RefundRow,
    amount: int,
    reference: str | None,
    actor: str = PROVIDER,
) -> None:
    """Book that ``amount`` (minor units) of a locked refund has gone back to the customer.

    Another amount than was asked for counts where finance, the ``actor`` then, let it stand.
    """
    if amount != refund.amount:
        await change_amount(db, refund, amount)
    await count_refund(db, refund.id)
    money = Money(amount=amount, currency=refund.currency).model_dump()
    await REFUNDS.move(
        db,
        refund,
        RefundStatus.SUCCEEDED,
        actor,
        {"amount": money},
        provider_reference=reference,
        failure_code="",
        failure_message="",
    )
    await cancel_tasks(db, refund.id, TaskKind.REFUND_FAILED)
    await tell_return(db, refund)


async def tell_return(db: AsyncConnection, refund: RefundRow) -> None:
    """Have the run of the return for which a refund is, if it is for one, hear of its end."""
    if refund.return_id is not None:
        await signal(db, Document(Kind.RETURN, refund.return_id), Signal.REFUND_SETTLED)


async def unsettle_refund(db: AsyncConnection, refund: RefundRow, told: PaymentResult) -> None:
    """Book that the money of a locked refund did not arrive after all, and ask finance."""
    await count_refund(db, refund.id, times=-1)
    await fail_refund(db, refund, told.failure_code, told.failure_message)


async def fail_refund(
    db: AsyncConnection, refund: RefundRow, code: str, message: str, actor: str = PROVIDER
) -> None:
    """Book that the money of a locked refund is still ours, as ``actor`` says; ask finance."""
    await REFUNDS.move(
        db,
        refund,
        RefundStatus.FAILED,
        actor,
        {"failure_code": code},
        failure_code=code,
        failure_message=message,
    )
    amount = Money(amount=refund.amount, currency=refund.currency)
    refused = Refusal(code=code, message=message, amount=amount)
    facts = {
        "refund": refund.number,
        "order_id": refund.order_id,
        "amount": amount.model_dump(),
        "refused": refused.model_dump(),
    }
    told = f"{refund.number} could not be given back: {refused}."
    await open_task(db, TaskKind.REFUND_FAILED, Kind.REFUND, refund.id, facts, told=told)
