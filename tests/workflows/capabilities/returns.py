"""Returns, as those see them who look at their runs."""

from typing import Any
from uuid import UUID

from temporalio.client import WorkflowHandle

from domain.documents import Kind
from tests.workflows.capabilities.runs import Runs


class Returns(Runs):
    """The runs of returns."""

    def returning(self, return_id: UUID) -> WorkflowHandle[Any, Any]:
        """Return the return's run."""
        return self._run(Kind.RETURN, return_id)
