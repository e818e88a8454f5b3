"""What ``stateset up`` says when the stack is up."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from runtime.commands.up import show
from runtime.local.record import StackRecord

RECORD = StackRecord(
    started_at=datetime(2026, 1, 1, tzinfo=UTC),
    api_url="http://127.0.0.1:8000",
    api_key="sk_abcdefgh_" + "k" * 43,
    database_url=f"postgresql://stateset:{'p' * 43}@127.0.0.1:54320/stateset",
    temporal_address="127.0.0.1:7233",
    temporal_namespace="default",
    temporal_ui_url="http://127.0.0.1:8233",
    carrier_url="http://127.0.0.1:8101",
    payments_url="http://127.0.0.1:8102",
    worker_metrics_url="http://127.0.0.1:9464/metrics",
    api_metrics_url="http://127.0.0.1:9465/metrics",
    ports={},
    processes={},
)


@pytest.mark.parametrize("width", [80, 40])
def test_no_address_and_no_key_is_broken_over_two_lines(width: int) -> None:
    """Findings, operator: `make up` at 80 columns."""
    assert RECORD.api_key
    assert RECORD.temporal_ui_url
    shown = io.StringIO()
    show(Console(file=shown, width=width), RECORD)
    lines = [line.strip() for line in shown.getvalue().splitlines()]
    for value in (RECORD.api_key, RECORD.database_url, RECORD.temporal_ui_url):
        assert value in lines
