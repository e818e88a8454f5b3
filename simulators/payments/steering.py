"""What a tester, the card holder or the bank does: confirm, expire, settle, dispute."""

import secrets
from typing import Literal

from simulators.errors import Refusal
from simulators.payments.book import TALLIES, Book
from simulators.payments.messages import (
    Authorization,
    Correction,
    Kind,
    MoneyRequest,
    Operation,
    Settlement,
)
from simulators.payments.rules import refundable
from simulators.storage import Storage, timestamp


class Steering:
    """Changes that no client of the provider could ask for in production."""

    def __init__(self, storage: Storage, book: Book) -> None:
        self._storage = storage
        self._book = book

    def decide(self, authorization: str, outcome: Literal["succeeded", "failed"]) -> Authorization:
        """Let the customer confirm or fail a pending authorization; repeating it is fine."""
        row = self._book.authorization(authorization)
        if row["outcome"] not in ("action_required", outcome):
            raise Refusal(409, "already_decided", f"the authorization has {row['outcome']}")
        if row["outcome"] == "action_required":
            failure = "" if outcome == "succeeded" else "confirmation_failed"
            with self._storage.transaction() as db:
                self._book.end_authorization(db, authorization, outcome, failure)
        return self._book.show(authorization)

    def expire(self, authorization: str) -> Authorization:
        """Let the seven days of an authorization be over now, and say so."""
        return self._end(authorization, "authorization_expired")

    def _end(self, authorization: str, failure: str) -> Authorization:
        row = self._book.authorization(authorization)
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE authorizations SET expires_at = ? WHERE id = ?",
                (timestamp(), authorization),
            )
            if row["outcome"] == "succeeded":
                self._book.report_end(db, authorization, failure)
        return self._book.show(authorization)

    def settle(self, settlement: Settlement) -> Operation:
        """End a pending operation; let one fail after all, or a refund succeed after all."""
        found = self._book.find(settlement.key).data
        if not found:
            raise Refusal(404, "not_found", "there is no operation with this key")
        operation = found[0]
        late_failure = operation.outcome == "succeeded" and settlement.outcome == "failed"
        late_success = (operation.kind, operation.outcome) == ("refund", "failed")
        late_success = late_success and settlement.outcome == "succeeded"
        if operation.outcome != "pending" and not (late_failure or late_success):
            raise Refusal(409, "already_settled", f"the operation has {operation.outcome}")
        failure = settlement.failure_code or f"{operation.kind}_failed"
        if late_failure and operation.kind == "authorization":
            self._end(operation.authorization, failure)
            return self._book.find(settlement.key).data[0]
        with self._storage.transaction() as db:
            if late_success:
                # What was never captured of it is the provider's own loss.
                db.execute(
                    "UPDATE authorizations"
                    " SET refunded = min(refunded + ?, captured - charged_back) WHERE id = ?",
                    (operation.amount, operation.authorization),
                )
            if settlement.outcome == "succeeded":
                return self._book.settle(db, operation, "succeeded", "")
            self._book.take_back(db, operation)
            return self._book.settle(db, operation, "failed", failure)

    def correct(self, correction: Correction) -> Operation:
        """Play the provider's staff who put the amount of a succeeded operation right."""
        found = self._book.find(correction.key).data
        if not found or found[0].outcome != "succeeded":
            raise Refusal(404, "not_found", "no operation has succeeded under this key")
        operation = found[0]
        column = TALLIES.get(operation.kind, "amount")
        with self._storage.transaction() as db:
            db.execute(
                f"UPDATE authorizations SET {column} = {column} + ? WHERE id = ?",
                (correction.amount - operation.amount, operation.authorization),
            )
            db.execute(
                "UPDATE operations SET amount = ? WHERE key = ?",
                (correction.amount, correction.key),
            )
        return self._book.find(correction.key).data[0]

    def originate(
        self, kind: Literal["refund", "chargeback"], authorization: str, money: MoneyRequest
    ) -> Operation:
        """Move captured money back without being asked, under a key of the provider's own."""
        row = self._book.authorization(authorization)
        if row["currency"] != money.currency or money.amount > refundable(row):
            raise Refusal(409, "amount_exceeded", f"{refundable(row)} {row['currency']} remain")
        key = f"provider/{secrets.token_hex(8)}"
        recorded: Kind = kind
        with self._storage.transaction() as db:
            return self._book.record(db, key, recorded, authorization, "", money, "succeeded", "")
