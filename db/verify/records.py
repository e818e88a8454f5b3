"""Every change is announced in order, every request answered once, and nothing waits unnoticed."""

from typing import Any

from db.document import Documents
from db.documents import DOCUMENTS
from db.events import AHEAD
from db.verify.check import Check
from domain.documents import PROCESSES


def _path(check: str, documents: Documents[Any]) -> Check:
    """Say that the events of each document walk through its state table to its present state."""
    table, first, moves = documents.table, documents.first, documents.moves
    return Check(
        check,
        f"The history of {table} is a path of their state table that ends at the present state",
        f"""WITH steps AS (
            SELECT d.id, d.number, d.status, e.sequence, e.data->>'from' AS source,
                e.data->>'to' AS target,
                lag(e.data->>'to', 1, '{first}') OVER w AS reached,
                lead(e.sequence) OVER w IS NULL AS newest
            FROM {table} d LEFT JOIN events e ON e.subject_id = d.id
                AND e.data->>'from' IS NOT NULL AND e.data->>'to' IS NOT NULL
            WINDOW w AS (PARTITION BY d.id ORDER BY e.sequence))
        SELECT number, status, sequence, source, target FROM steps
        WHERE (sequence IS NULL AND status <> '{first}')
          OR source <> reached
          OR source || '>' || target <> ALL(CAST(:moves AS text[]))
          OR (newest AND target <> status)""",
        {"moves": [f"{state}>{target}" for state in moves for target in moves[state]]},
    )


CHECKS = (
    Check(
        "I5a",
        "The events of a document are numbered from 1 without a gap",
        """SELECT subject, subject_id, count(*) AS events, max(sequence) AS last FROM events
        GROUP BY subject, subject_id
        HAVING min(sequence) <> 1 OR max(sequence) <> count(DISTINCT sequence)
            OR count(*) <> max(sequence)""",
    ),
    *(_path(f"I5-{each.table}", each) for each in DOCUMENTS.values()),
    Check(
        "I5d",
        "Every document's first event tells that it was made, and every event names its actor",
        " UNION ALL ".join(
            f"""SELECT d.number, e.id AS event_id, e.type FROM {each.table} d
            LEFT JOIN events e ON e.subject_id = d.id AND e.sequence = 1
            WHERE e.type IS DISTINCT FROM '{kind}.{each.made}.v1'"""
            for kind, each in DOCUMENTS.items()
        )
        + " UNION ALL SELECT subject, id, type FROM events WHERE actor = ''",
    ),
    Check(
        "I5e",
        "Events are added after all that the feed has shown; else migrate before anything is added",
        f"SELECT newest FROM ({AHEAD}) ahead",
        whole=True,
    ),
    Check(
        "I4b",
        "What must be told to a run is told within a minute",
        """SELECT id, kind, document_type, document_id, created_at, attempts, last_error FROM outbox
        WHERE kind <> 'fact' AND created_at < now() - interval '60 seconds'""",
        whole=True,
    ),
    Check(
        "I4c",
        "What partners report is applied within a minute, or becomes a task within a day",
        """SELECT provider, provider_event_id, state, received_at FROM inbound_facts
        WHERE (state = 'received' AND received_at < now() - interval '60 seconds')
          OR (state = 'waiting' AND received_at < now() - interval '25 hours')""",
        whole=True,
    ),
    Check(
        "I3m",
        "A request that was answered with a new document has that document, or it was deleted",
        " UNION ALL ".join(
            f"""SELECT k.caller, k.key, k.resource_id FROM idempotency_keys k
            WHERE k.state = 'done' AND k.status = 201
              AND k.route ~ '^(POST )?/{PROCESSES[kind].path}$'
              AND NOT EXISTS (SELECT 1 FROM {each.table} d WHERE d.id = k.resource_id)
              AND NOT EXISTS (SELECT 1 FROM events e WHERE e.subject_id = k.resource_id
                AND e.type = '{kind}.deleted.v1')"""
            for kind, each in DOCUMENTS.items()
        ),
        whole=True,
    ),
    Check(
        "I3n",
        "One request made one document",
        """SELECT min(caller) AS caller, min(key) AS key, resource_id, count(*) AS requests
        FROM idempotency_keys GROUP BY resource_id HAVING count(*) > 1""",
        whole=True,
    ),
    Check(
        "N1",
        "Tasks that a person should have decided by now",
        """SELECT number, kind, role, due_at FROM tasks
        WHERE status = 'open' AND due_at < now()""",
        informs=True,
        whole=True,
    ),
    Check(
        "N2",
        "Partners' reports about what we do not know yet",
        """SELECT provider, provider_event_id, received_at, note FROM inbound_facts
        WHERE state = 'waiting'""",
        informs=True,
        whole=True,
    ),
    Check(
        "N3",
        "Requests that broke off: their caller may repeat them",
        """SELECT caller, key, route, created_at FROM idempotency_keys
        WHERE state = 'running' AND created_at < now() - interval '5 minutes'""",
        informs=True,
        whole=True,
    ),
)
