"""Servers that the stories run on."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from runtime.local.binaries import temporal_program
from tests.partners import Simulator
from workflows.plugin import plugin
from workflows.runs import ALL


@dataclass
class Partners:
    """Both simulators."""

    carrier: Simulator
    payments: Simulator


@contextlib.asynccontextmanager
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server on which a test may let a run's time pass; else time is real."""
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(temporal_program()),
        search_attributes=ALL,
        plugins=[plugin()],
        ts_config=TimeSkippingConfig(enabled=False),
        dev_server_log_level="error",
        dev_server_extra_args=[
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
            "--dynamic-config-value",
            'history.timerProcessorMaxTimeShift="10ms"',
        ],
    ) as environment:
        yield environment
