"""Holds: the requests that stop a document, as runs have and had them."""

from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease

ORDER = UUID("01a208da-d892-70dd-ade9-a59c70015e70")
HOLD = UUID("01a208da-d8f4-7695-8cf8-0c6ef4868ff8")
DOCUMENT = Document(Kind.ORDER, ORDER)


def test_a_request_of_a_run_that_knew_only_orders_is_an_orders() -> None:
    release = {"order_id": str(ORDER), "hold_id": str(HOLD), "actor": "support"}
    assert HoldRelease.model_validate(release) == HoldRelease(
        document=DOCUMENT, hold_id=HOLD, actor="support"
    )
    placement = {**release, "reason": "manual", "note": ""}
    assert HoldPlacement.model_validate(placement) == HoldPlacement(
        document=DOCUMENT, hold_id=HOLD, actor="support", reason=HoldReason.MANUAL, note=""
    )


def test_a_request_keeps_its_document_on_its_way_to_the_run() -> None:
    release = HoldRelease(document=DOCUMENT, hold_id=HOLD, actor="support")
    assert HoldRelease.model_validate_json(release.model_dump_json()) == release


def test_a_request_without_a_document_is_refused() -> None:
    with pytest.raises(ValidationError, match="document"):
        HoldRelease.model_validate({"hold_id": str(HOLD), "actor": "support"})
