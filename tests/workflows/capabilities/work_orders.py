"""Work orders as a story sees them."""

from typing import Any
from uuid import UUID

from temporalio.client import WorkflowHandle

from domain.documents import Kind
from tests.workflows.capabilities.runs import Runs


class WorkOrders(Runs):
    """The runs of work orders."""

    def working_on(self, work_order_id: UUID) -> WorkflowHandle[Any, Any]:
        return self._run(Kind.WORK_ORDER, work_order_id)
