"""What a run can be searched by in the Temporal UI, and the names of queue and runs."""

from uuid import UUID

from temporalio.common import SearchAttributeKey

NUMBER = SearchAttributeKey.for_keyword("DocumentNumber")
STATUS = SearchAttributeKey.for_keyword("DocumentStatus")
CUSTOMER = SearchAttributeKey.for_keyword("CustomerId")

ALL = (NUMBER, STATUS, CUSTOMER)

_STEMS = {"OrderFulfillment": "order-fulfillment", "ShipmentTracking": "shipment-tracking"}


def run_id(workflow: str, document_id: UUID) -> str:
    """Return the workflow id of a document's run: the business id under the process's name."""
    return f"{_STEMS[workflow]}/{document_id}"
