"""One stage for all stories; after each of them the books must be sound."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.servers import temporal
from tests.workflows.stage import Stage, open_stage


@pytest.fixture(scope="package")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with temporal() as environment:
        yield environment


@pytest.fixture(scope="package")
async def staffed(template_url: str, environment: WorkflowEnvironment) -> AsyncIterator[Stage]:
    """The stage with a worker."""
    async with open_stage(template_url, environment) as stage, stage.working():
        yield stage


@pytest.fixture
async def stage(staffed: Stage) -> AsyncIterator[Stage]:
    """The stage; what a story ordered of the partners is forgotten, and the books are checked."""
    yield staffed
    for partner in (staffed.carrier, staffed.payments):
        await partner.forget_faults()
    assert staffed.refusals == {}
    assert await staffed.broken() == []
