"""The status of a run's document as Temporal's list shows it: it follows every move of the run."""

from uuid import UUID

from temporalio import workflow

from workflows.runs import STATUS


def show_status(status: str, *, was_shown: bool = False) -> None:
    """Show the status that the document has now, unless Temporal shows it already.

    Runs named by a UUID began under releases that showed a status only where ``was_shown`` is
    true, and there always; their histories hold just these commands.
    """
    info = workflow.info()
    if is_named_by_uuid(info.workflow_id):
        due = was_shown
    else:
        due = status != info.typed_search_attributes.get(STATUS)
    if due:
        workflow.upsert_search_attributes([STATUS.value_set(status)])


def is_named_by_uuid(workflow_id: str) -> bool:
    """Whether a run began under a release before 0.2: its id ends with its document's id."""
    try:
        UUID(workflow_id.rpartition("/")[2])
    except ValueError:
        return False
    return True
