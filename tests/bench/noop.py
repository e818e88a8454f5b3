"""A workflow of the shape of one of ours whose steps do nothing: the engine's own cost."""

from datetime import timedelta

from temporalio import workflow

_SHORT = timedelta(seconds=10)


@workflow.defn(name="BenchNothing")
class Nothing:
    """Runs as many activities and local activities and awaits as many signals as it is told."""

    def __init__(self) -> None:
        self._signals = 0

    @workflow.run
    async def run(self, shape: list[str]) -> None:
        for position, step in enumerate(shape):
            place = [workflow.info().workflow_id, position]
            if step == "activity":
                await workflow.execute_activity(
                    "do_nothing", args=place, start_to_close_timeout=_SHORT
                )
            elif step == "local":
                await workflow.execute_local_activity(
                    "do_nothing", args=place, start_to_close_timeout=_SHORT
                )
            else:
                await workflow.wait_condition(lambda: self._signals > 0)
                self._signals -= 1

    @workflow.signal
    def go_on(self) -> None:
        self._signals += 1
