"""Claims on warranties as a story sees them."""

from typing import Any
from uuid import UUID

from temporalio.client import WorkflowHandle

from domain.documents import Kind
from tests.workflows.capabilities.runs import Runs


class Claims(Runs):
    """The runs of claims."""

    def claiming(self, claim_id: UUID) -> WorkflowHandle[Any, Any]:
        return self._run(Kind.CLAIM, claim_id)
