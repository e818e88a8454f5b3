"""A workflow that imports something into its sandbox, as nobody should."""

import httpx2
from temporalio import workflow


@workflow.defn
class Stray:
    @workflow.run
    async def run(self) -> str:
        return httpx2.__name__
