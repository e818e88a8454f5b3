"""The process of a document: what it waits for, since when, what was tried, what next."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from api.runs import Runs, look_at
from api.temporal import TemporalProvider
from api.views import ProcessView, Wait
from db.waiting import Part, waits_of
from domain.access import Caller
from domain.disclosure import disclose, wait_withheld
from domain.documents import Document

_PERSON = "a person"
_WHO = {
    "dispatch": "our dispatcher",
    "task": _PERSON,
    "hold": f"{_PERSON}, to release the hold",
    "stock": "new stock",
    "work": "the workshop",
}

_AWAY = Wait(
    who="our process engine",
    what="Temporal does not answer, and what its runs are doing is not known",
    since=None,
)


class LeftOut(NamedTuple):
    """How many of a document's parts, and of its waits in the books, are not told of."""

    parts: int
    waits: int


async def waiting_in_books(
    db: AsyncConnection, document: Document, caller: Caller
) -> tuple[list[Wait], int]:
    """Return what the books know of why the document has not ended, as the caller may see it.

    And how much of that is left out.
    """
    known, left_out = await waits_of(db, document)
    waits = [
        _shown(
            wait.what,
            Wait(
                who=_WHO.get(wait.what, f"the {wait.what}"),
                what=wait.detail,
                since=wait.since,
                attempts=wait.attempts,
                last_error=wait.last_error,
                next_attempt_at=wait.next_attempt_at,
            ),
            caller,
        )
        for wait in known
    ]
    return waits, left_out


def _shown(what: str, wait: Wait, caller: Caller) -> Wait:
    instead = wait_withheld(what, caller)
    if instead is None:
        return wait
    return Wait(who=wait.who, what=instead, since=wait.since)


async def describe(
    temporal: TemporalProvider,
    document: Document,
    parts: Sequence[Part],
    waits: Sequence[Wait],
    caller: Caller,
    left_out: LeftOut,
) -> ProcessView:
    """Join the books with what Temporal says of the runs of the document and its parts.

    What the caller may not see of the runs is withheld; ``waits`` are as that one may see them.
    While Temporal does not answer, the books' half is told, and that the rest is missing.
    """
    found = await look_at(temporal, parts)
    runs = found or Runs()
    itself = parts[0]
    steps = [_shown("step", step, caller) for step in runs.steps]
    still = [_shown("step", step, caller) for step in runs.still]
    away = [] if found or not itself.on_its_way else [_shown("step", _AWAY, caller)]
    # What stands still hears no answer. Then people, for they alone may end it; then a step that
    # is being tried, which says more than the general state that it is part of.
    asked = [wait for wait in waits if wait.who.startswith(_PERSON)]
    others = [wait for wait in waits if wait not in asked]
    goes_on = itself.on_its_way or still or steps
    waiting = (*away, *still, *asked, *steps, *others) if goes_on else ()
    return ProcessView(
        document_type=document.kind,
        document_id=document.id,
        number=itself.number,
        status=itself.status,
        summary=_summary(itself, waiting),
        waiting_for=waiting,
        waits_left_out=left_out.waits + runs.unseen if waiting else 0,
        parts_left_out=left_out.parts,
        runs_known=found is not None,
        **disclose("process", {"runs": tuple(runs.shown)}, caller),
    )


def _summary(document: Part, waiting: Sequence[Wait]) -> str:
    so_far = f"{document.number} is {document.status.replace('_', ' ')}"
    if not document.on_its_way:
        return f"{so_far}: nothing is awaited."
    if not waiting:
        return f"{so_far} and being worked on."
    first = waiting[0]
    tried = f", tried {first.attempts} times" if first.attempts > 1 else ""
    return f"{so_far} and waits for {first.who}: {first.what}{tried}."
