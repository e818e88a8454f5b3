"""A workflow that imports the database's driver at the top, which would crash inside a sandbox."""

import asyncpg
import sqlalchemy
from temporalio import workflow


@workflow.defn
class Driver:
    @workflow.run
    async def run(self) -> str:
        return f"{asyncpg.__name__} and {sqlalchemy.__name__}"
