"""The sandbox is on, and what strays into it is seen when a worker starts."""

import pytest
from temporalio.worker import Worker

from tests.workflows.stage import Stage


async def test_a_workers_sandbox_lets_the_database_driver_pass(staffed: Stage) -> None:
    from tests.workflows.driver import Driver

    async with Worker(staffed.client, task_queue="driver", workflows=[Driver]):
        found = await staffed.client.execute_workflow(Driver.run, id="driver", task_queue="driver")
    assert found == "asyncpg and sqlalchemy"


async def test_a_worker_whose_workflow_imports_something_else_does_not_start(
    staffed: Stage,
) -> None:
    from tests.workflows.stray import Stray

    with pytest.raises(RuntimeError) as refused:
        Worker(staffed.client, task_queue="stray", workflows=[Stray])
    assert "httpx2" in str(refused.value.__cause__)
