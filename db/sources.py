"""Which documents, customers and warranties are a source's: what confines callers to one."""

from db.documents import DOCUMENTS

_ROWS = {str(kind): each.run for kind, each in DOCUMENTS.items()} | {
    "customer": "SELECT id, source FROM customers",
    "warranty": "SELECT w.id, o.source FROM warranties w JOIN orders o ON o.id = w.order_id",
    "manual": "SELECT r.document_id AS id, r.source FROM reservations r"
    " WHERE r.document_type = 'manual'",
}


def of_source(kind: str, document_id: str) -> str:
    """Return the SQL of whether a document is of ``:source``, given the SQL of its kind and id."""
    known = " ".join(
        f"WHEN '{name}' THEN EXISTS (SELECT 1 FROM ({rows}) d"
        f" WHERE d.id = {document_id} AND d.source = :source)"
        for name, rows in _ROWS.items()
    )
    return f"CASE {kind} {known} ELSE false END"
