"""The stock of sites as a story sees it."""

from typing import Any
from uuid import UUID

from temporalio.client import WorkflowHandle

from domain.documents import Kind
from tests.workflows.capabilities.runs import Runs


class Inventory(Runs):
    """The runs that serve who waits for stock."""

    def review(self, site_id: UUID) -> WorkflowHandle[Any, Any]:
        return self._run(Kind.SITE, site_id)
