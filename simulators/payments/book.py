"""The provider's book: every operation once per key, and no more money than there is."""

import hashlib
import json
import secrets
import sqlite3
from datetime import UTC, datetime
from typing import Any

from simulators.errors import NoAnswer, Refusal
from simulators.payments.messages import (
    Authorization,
    AuthorizationRequest,
    Kind,
    MoneyRequest,
    Operation,
    OperationList,
    Outcome,
)
from simulators.payments.rules import (
    EXPIRES_AFTER,
    UNANSWERED,
    Movement,
    decide_authorization,
    decide_movement,
    decide_renewal,
    refundable,
    uncaptured,
    words_for,
)
from simulators.storage import Storage, timestamp
from simulators.webhooks import Outbox

TALLIES: dict[Kind, str] = {
    "capture": "captured",
    "void": "voided",
    "refund": "refunded",
    "chargeback": "charged_back",
}
"""The column of an authorization that sums up each kind of movement."""

OPERATIONS = (
    "SELECT operations.*, authorizations.expires_at AS authorization_expires_at,"
    " confirmations.secret AS confirmation"
    " FROM operations JOIN authorizations ON authorizations.id = operations.authorization"
    " LEFT JOIN confirmations ON confirmations.authorization = operations.authorization"
)


class Book:
    """Authorizations and operations in store. Every method is one transaction."""

    def __init__(self, storage: Storage, outbox: Outbox, hang_seconds: float) -> None:
        self._storage = storage
        self._outbox = outbox
        self._hang_seconds = hang_seconds

    def authorize(self, key: str, request: AuthorizationRequest, money: MoneyRequest) -> Operation:
        """Reserve ``money``, usually what is asked; a known key gets the outcome that it has."""
        fingerprint = _fingerprint("authorization", request.model_dump(exclude_none=True))
        if known := self.replay(key, fingerprint):
            return known
        outcome, failure = decide_authorization(request.token)
        if UNANSWERED.get(request.token) == "before" and self._first_call(key):
            raise NoAnswer(self._hang_seconds)
        with self._storage.transaction() as db:
            authorization = self._reserve(
                db, request.token, money, outcome, failure, request.metadata
            )
            if outcome == "action_required":
                db.execute(
                    "INSERT INTO confirmations VALUES (?, ?, ?)",
                    (secrets.token_urlsafe(24), authorization, request.return_url),
                )
            operation = self.record(
                db, key, "authorization", authorization, fingerprint, money, outcome, failure
            )
        if UNANSWERED.get(request.token) == "after":
            raise NoAnswer(self._hang_seconds)
        return operation

    def renew(
        self, key: str, authorization: str, request: MoneyRequest, money: MoneyRequest
    ) -> Operation:
        """Reserve ``money`` anew on the card behind an authorization, which stays as it is."""
        facts = {"authorization": authorization, **request.model_dump()}
        fingerprint = _fingerprint("renewal", facts)
        if known := self.replay(key, fingerprint):
            return known
        row = self.authorization(authorization)
        outcome, failure = decide_renewal(row, money.amount, request.currency)
        with self._storage.transaction() as db:
            renewed = self._reserve(
                db, row["token"], money, outcome, failure, {"renews": authorization}
            )
            return self.record(
                db, key, "authorization", renewed, fingerprint, money, outcome, failure
            )

    def move(
        self,
        key: str,
        kind: Movement,
        authorization: str,
        request: MoneyRequest,
        money: MoneyRequest,
    ) -> Operation:
        """Capture, void or refund ``money``; a known key gets the outcome that it has.

        It is what is asked for, unless a fault was ordered. What breaks the rules of money is
        refused without a trace; a decline is an outcome.
        """
        facts = {"authorization": authorization, **request.model_dump()}
        fingerprint = _fingerprint(kind, facts)
        if known := self.replay(key, fingerprint):
            return known
        row = self.authorization(authorization)
        outcome, failure = decide_movement(kind, row, money.amount, money.currency)
        with self._storage.transaction() as db:
            if kind == "void" and row["outcome"] == "action_required":
                self.end_authorization(db, authorization, "failed", "voided")
            return self.record(db, key, kind, authorization, fingerprint, money, outcome, failure)

    def find(self, key: str) -> OperationList:
        """Return the operation with this key, or an empty list."""
        rows = self._storage.all(OPERATIONS + " WHERE key = ?", key)
        return OperationList(data=[_operation(row) for row in rows])

    def ledger(self, authorization: str | None, after: int, limit: int) -> OperationList:
        """Return operations in the order in which they happened."""
        rows = self._storage.all(
            OPERATIONS + " WHERE sequence > ? AND (? IS NULL OR operations.authorization = ?)"
            " ORDER BY sequence LIMIT ?",
            *(after, authorization, authorization, limit),
        )
        return OperationList(data=[_operation(row) for row in rows])

    def show(self, authorization: str) -> Authorization:
        """Return an authorization and its sums."""
        row = self.authorization(authorization)
        live = row["outcome"] == "succeeded" and row["expires_at"] > timestamp()
        sums = {"capturable": uncaptured(row) if live else 0, "refundable": refundable(row)}
        return Authorization.model_validate(
            {**row, **sums, "metadata": json.loads(row["metadata"])}
        )

    def confirmation(self, secret: str) -> dict[str, Any]:
        """Return the authorization that is decided under a secret, with its ``return_url``."""
        row = self._storage.one(
            "SELECT authorizations.*, return_url FROM confirmations"
            " JOIN authorizations ON authorizations.id = authorization WHERE secret = ?",
            secret,
        )
        if row is None:
            raise Refusal(404, "not_found", "there is nothing to confirm here")
        return dict(row)

    def authorization(self, authorization: str) -> dict[str, Any]:
        """Return the stored authorization, or refuse with 404."""
        row = self._storage.one("SELECT * FROM authorizations WHERE id = ?", authorization)
        if row is None:
            raise Refusal(404, "not_found", "there is no such authorization")
        return dict(row)

    def record(
        self,
        db: sqlite3.Connection,
        key: str,
        kind: Kind,
        authorization: str,
        fingerprint: str,
        money: MoneyRequest,
        outcome: Outcome,
        failure: str,
    ) -> Operation:
        """Write the operation, count its money, and announce its outcome when it has one.

        A pending refund holds its money from now on, so that it cannot be given twice.
        """
        if kind in TALLIES and outcome in ("succeeded", "pending"):
            db.execute(
                f"UPDATE authorizations SET {TALLIES[kind]} = {TALLIES[kind]} + ? WHERE id = ?",
                (money.amount, authorization),
            )
        now, operation_id = timestamp(), f"op_{secrets.token_hex(12)}"
        db.execute(
            "INSERT INTO operations (id, key, kind, authorization, fingerprint, amount, currency,"
            " outcome, failure_code, executed, requests, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
            (
                *(operation_id, key, kind, authorization, fingerprint),
                *(money.amount, money.currency, outcome, failure),
                *(int(outcome == "succeeded"), now, now),
            ),
        )
        return self._announce(db, operation_id)

    def settle(
        self, db: sqlite3.Connection, operation: Operation, outcome: Outcome, failure: str
    ) -> Operation:
        """Change the outcome of a recorded operation and announce it."""
        db.execute(
            "UPDATE operations SET outcome = ?, failure_code = ?, executed = max(executed, ?),"
            " updated_at = ? WHERE id = ?",
            (outcome, failure, int(outcome == "succeeded"), timestamp(), operation.id),
        )
        return self._announce(db, operation.id)

    def end_authorization(
        self, db: sqlite3.Connection, authorization: str, outcome: Outcome, failure: str
    ) -> None:
        """Give an unconfirmed authorization its outcome."""
        db.execute(
            "UPDATE authorizations SET outcome = ?, failure_code = ? WHERE id = ?",
            (outcome, failure, authorization),
        )
        self._end(db, authorization, outcome, failure)

    def report_end(self, db: sqlite3.Connection, authorization: str, failure: str) -> None:
        """Announce that what is left of a succeeded authorization is reserved no more."""
        self._end(db, authorization, "failed", failure)

    def _end(
        self, db: sqlite3.Connection, authorization: str, outcome: Outcome, failure: str
    ) -> None:
        row = db.execute(
            OPERATIONS + " WHERE operations.authorization = ? AND kind = 'authorization'",
            (authorization,),
        ).fetchone()
        self.settle(db, _operation(row), outcome, failure)

    def take_back(self, db: sqlite3.Connection, operation: Operation) -> None:
        """Count the money of a movement no more; refuse when others rest on it."""
        column = TALLIES[operation.kind]
        try:
            db.execute(
                f"UPDATE authorizations SET {column} = {column} - ? WHERE id = ?",
                (operation.amount, operation.authorization),
            )
        except sqlite3.IntegrityError as error:
            raise Refusal(409, "given_back", "of this capture, money has gone back") from error

    def replay(self, key: str, fingerprint: str) -> Operation | None:
        """Return the operation of a known key; refuse the key when the request differs."""
        row = self._storage.one(OPERATIONS + " WHERE key = ?", key)
        if row is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise Refusal(409, "idempotency_key_reused", "this key came with another request")
        with self._storage.transaction() as db:
            db.execute("UPDATE operations SET requests = requests + 1 WHERE key = ?", (key,))
        return _operation(row)

    def _reserve(
        self,
        db: sqlite3.Connection,
        token: str,
        money: MoneyRequest,
        outcome: Outcome,
        failure: str,
        metadata: dict[str, str],
    ) -> str:
        now, authorization = datetime.now(UTC), f"auth_{secrets.token_hex(12)}"
        db.execute(
            "INSERT INTO authorizations (id, token, amount, currency, outcome, failure_code,"
            " expires_at, created_at, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(authorization, token, money.amount, money.currency, outcome, failure),
                *(timestamp(now + EXPIRES_AFTER), timestamp(now), json.dumps(metadata)),
            ),
        )
        return authorization

    def _first_call(self, key: str) -> bool:
        with self._storage.transaction() as db:
            return bool(db.execute("INSERT OR IGNORE INTO first_calls VALUES (?)", (key,)).rowcount)

    def _announce(self, db: sqlite3.Connection, operation_id: str) -> Operation:
        row = db.execute(OPERATIONS + " WHERE operations.id = ?", (operation_id,)).fetchone()
        operation = _operation(row)
        if operation.outcome in ("succeeded", "failed"):
            kept = {
                *("sequence", "executed", "requests", "redirect_url", "created_at", "updated_at")
            }
            facts = operation.model_dump(exclude=kept)
            self._outbox.add(db, f"operation.{operation.outcome}", facts)
        return operation


def _operation(row: sqlite3.Row) -> Operation:
    asked = row["kind"] == "authorization" and row["outcome"] == "action_required"
    # A path: who answers knows under which address the provider was asked.
    page = f"/confirmations/{row['confirmation']}" if asked and row["confirmation"] else ""
    told = {"failure_message": words_for(row["failure_code"]), "redirect_url": page}
    return Operation.model_validate({**row, **told})


def _fingerprint(kind: str, facts: dict[str, Any]) -> str:
    canonical = json.dumps([kind, facts], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
