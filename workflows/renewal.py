"""Renewal: when a run has to go on as a new one, because its history takes no more."""

from temporalio import workflow

LONGEST_HISTORY = 2_000
"""Events after which a run goes on as a new one; Temporal refuses the 2,001st update of a run."""


def is_due() -> bool:
    """Whether the run's history is so long, or Temporal suggests it; the books know all it knew."""
    info = workflow.info()
    long = info.get_current_history_length() >= LONGEST_HISTORY
    return long or info.is_continue_as_new_suggested()
