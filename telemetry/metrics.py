"""Metrics: counters, gauges and histograms, which every process serves on a port of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_FAST = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)

http_requests = Counter(
    "stateset_http_requests",
    "Answered HTTP requests.",
    ("method", "route", "status"),
    registry=REGISTRY,
)
http_request_seconds = Histogram(
    "stateset_http_request_seconds",
    "Time from the first byte of a request to the last of its answer.",
    ("method", "route"),
    buckets=_FAST,
    registry=REGISTRY,
)
http_in_flight = Gauge(
    "stateset_http_in_flight", "HTTP requests being answered now.", registry=REGISTRY
)
http_connections = Gauge(
    "stateset_http_connections", "Connections of HTTP clients.", registry=REGISTRY
)
http_connections_ended = Counter(
    "stateset_http_connections_ended",
    "Connections of HTTP clients that were refused or cut off, by why.",
    ("reason",),
    registry=REGISTRY,
)
http_limited = Counter(
    "stateset_http_limited",
    "HTTP requests that a limit refused, by its kind.",
    ("kind",),
    registry=REGISTRY,
)
unfit_rows = Counter(
    "stateset_unfit_rows",
    "Rows that did not fit their view when they were to be shown.",
    ("view", "outcome"),
    registry=REGISTRY,
)

order_creations = Counter("order_creations", "Orders accepted.", registry=REGISTRY)
order_creation_failures = Counter(
    "order_creation_failures",
    "Orders refused, by the refusal's code.",
    ("code",),
    registry=REGISTRY,
)


def transitions(document: str) -> Counter:
    """Make the counter ``<document>_transitions`` of a kind of document."""
    return Counter(
        f"{document}_transitions",
        "Documents of the kind that changed state.",
        ("from_status", "to_status"),
        registry=REGISTRY,
    )


tasks_open = Gauge("tasks_open", "Tasks that wait for a person.", ("kind",), registry=REGISTRY)
tasks_overdue = Gauge("tasks_overdue", "Tasks past their due time.", ("kind",), registry=REGISTRY)

outbox_depth = Gauge(
    "stateset_outbox_depth",
    "Starts, signals and facts not dispatched yet.",
    ("kind",),
    registry=REGISTRY,
)
outbox_oldest_seconds = Gauge(
    "stateset_outbox_oldest_seconds",
    "Age of the oldest outbox row, as readiness tells it.",
    registry=REGISTRY,
)
outbox_failing = Gauge(
    "stateset_outbox_failing", "Outbox rows whose last attempt failed.", registry=REGISTRY
)
dispatches = Counter(
    "stateset_dispatches",
    "Attempts to dispatch an outbox row.",
    ("kind", "outcome"),
    registry=REGISTRY,
)
inbound_facts = Counter(
    "stateset_inbound_facts",
    "Partners' webhooks, by what became of them.",
    ("provider", "outcome"),
    registry=REGISTRY,
)
fact_ends = Counter(
    "stateset_fact_ends",
    "Partners' facts that were looked at, by what became of them.",
    ("provider", "end"),
    registry=REGISTRY,
)
partner_calls = Counter(
    "stateset_partner_calls",
    "Calls to partners' systems.",
    ("partner", "operation", "outcome"),
    registry=REGISTRY,
)
partner_call_seconds = Histogram(
    "stateset_partner_call_seconds",
    "How long partners take.",
    ("partner", "operation"),
    buckets=(*_FAST, 30),
    registry=REGISTRY,
)
db_pool_size = Gauge(
    "stateset_db_pool_size", "Database connections that the pool may have.", registry=REGISTRY
)
db_pool_in_use = Gauge("stateset_db_pool_in_use", "Database connections in use.", registry=REGISTRY)
database_answers = Gauge(
    "stateset_database_answers",
    "Whether the database answered an API process when it was last asked: 1 or 0.",
    registry=REGISTRY,
)
database_bytes = Gauge(
    "stateset_database_bytes", "Size of a database.", ("database",), registry=REGISTRY
)
database_connections = Gauge(
    "stateset_database_connections",
    "Connections to the database server, of everybody.",
    registry=REGISTRY,
)
database_connections_most = Gauge(
    "stateset_database_connections_most",
    "Connections that the database server takes, without those of administrators.",
    registry=REGISTRY,
)
wal_bytes = Gauge(
    "stateset_wal_bytes",
    "Size of the write-ahead log; 0 where our role may not see it.",
    registry=REGISTRY,
)
wal_most_bytes = Gauge(
    "stateset_wal_most_bytes",
    "Size to which the write-ahead log is kept while nothing holds it back.",
    registry=REGISTRY,
)
wal_kept_bytes = Gauge(
    "stateset_wal_kept_bytes",
    "Write-ahead log that a replication slot holds back.",
    ("slot",),
    registry=REGISTRY,
)
wal_archiving_fails = Gauge(
    "stateset_wal_archiving_fails_seconds",
    "Since when archiving the write-ahead log fails; 0 while it does not.",
    registry=REGISTRY,
)
api_key_expires = Gauge(
    "stateset_api_key_expires_timestamp_seconds",
    "When an API key of a process or a person ends that has no successor.",
    ("name", "prefix"),
    registry=REGISTRY,
)
stuck_documents = Gauge(
    "stateset_stuck_documents",
    "Unfinished documents without a run, a sweep or a task that will move them.",
    registry=REGISTRY,
)
runs_standing_still = Gauge(
    "stateset_runs_standing_still",
    "Runs whose history no worker can go on from: their workflow tasks fail again and again.",
    registry=REGISTRY,
)
verify_last = Gauge(
    "stateset_verify_last_timestamp_seconds",
    "When the books were last checked, in seconds since 1970; 0 when they never were.",
    registry=REGISTRY,
)
verify_full_last = Gauge(
    "stateset_verify_full_last_timestamp_seconds",
    "When all books were last checked, in seconds since 1970; 0 when they never were.",
    registry=REGISTRY,
)
verify_broken = Gauge(
    "stateset_verify_broken",
    "Rules that did not hold when the books were last checked.",
    registry=REGISTRY,
)
rows_dropped = Counter(
    "stateset_rows_dropped",
    "Rows that were dropped because they were kept long enough, by sweep.",
    ("sweep",),
    registry=REGISTRY,
)
sweep_last_success = Gauge(
    "stateset_sweep_last_success_timestamp_seconds",
    "When a sweep last came to its end, in seconds since 1970; 0 before that.",
    ("sweep",),
    registry=REGISTRY,
)
sweep_failures = Counter(
    "stateset_sweep_failures",
    "Sweeps that broke off; they are repeated at their next time.",
    ("sweep",),
    registry=REGISTRY,
)

_uncommitted: ContextVar[list[Counter] | None] = ContextVar("uncommitted", default=None)


@contextmanager
def counted_together() -> Iterator[None]:
    """Count what the block told ``count`` when it ends, and none of it when it fails."""
    counts: list[Counter] = []
    token = _uncommitted.set(counts)
    try:
        yield
    finally:
        _uncommitted.reset(token)
    for each in counts:
        each.inc()


def count(counter: Counter) -> None:
    """Count something that a transaction did, once it is committed."""
    counts = _uncommitted.get()
    if counts is None:
        counter.inc()
    else:
        counts.append(counter)
