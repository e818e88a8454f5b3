"""Database errors by their meaning: conflict (deadlock), outage, bad value, duplicate, or a bug."""

from enum import StrEnum

import asyncpg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.metadata import Base

LONGEST_CAUSE = 500
"""Characters of a cause in words."""


class Trouble(StrEnum):
    """What to do about a database error."""

    CONFLICT = "conflict"
    """Another transaction was in the way: nothing was written, run the whole transaction again."""
    DOWN = "down"
    """The server, the network or the pool cannot serve now."""
    UNSTORABLE = "unstorable"
    """A given value is none that PostgreSQL can store."""
    DUPLICATE = "duplicate"
    """A unique constraint refused the row."""
    REFUSED = "refused"
    """A value does not fit its column, or a constraint other than a unique one refused it."""
    BUG = "bug"
    """Nothing that the caller can help."""


_BY_STATE = {
    "40001": Trouble.CONFLICT,  # serialization_failure
    "40P01": Trouble.CONFLICT,  # deadlock_detected
    "55P03": Trouble.CONFLICT,  # lock_not_available
    "57014": Trouble.DOWN,  # query_canceled by statement_timeout
    "25006": Trouble.DOWN,  # read_only_sql_transaction
    "25P03": Trouble.DOWN,  # idle_in_transaction_session_timeout
    "22021": Trouble.UNSTORABLE,  # character_not_in_repertoire
    "22P05": Trouble.UNSTORABLE,  # untranslatable_character
    "22001": Trouble.REFUSED,  # string_data_right_truncation
    "22003": Trouble.REFUSED,  # numeric_value_out_of_range
    "22007": Trouble.REFUSED,  # invalid_datetime_format
    "22008": Trouble.REFUSED,  # datetime_field_overflow
    "22P02": Trouble.REFUSED,  # invalid_text_representation
    "23502": Trouble.REFUSED,  # not_null_violation
    "23503": Trouble.REFUSED,  # foreign_key_violation
    "23505": Trouble.DUPLICATE,  # unique_violation
    "23514": Trouble.REFUSED,  # check_violation
    "23P01": Trouble.REFUSED,  # exclusion_violation
}
BEGIN_AGAIN = text(
    """DO $$ BEGIN RAISE EXCEPTION 'another transaction has made this one void'
        USING ERRCODE = 'serialization_failure'; END $$"""
)
"""Fails as a conflict: of what was read before nothing holds any more."""
_DOWN_CLASSES = ("08", "53", "57P")


def diagnose(error: BaseException) -> Trouble:
    """Say what an error raised by SQLAlchemy or its driver means."""
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError):
        return Trouble.DOWN
    if not isinstance(error, DBAPIError):
        return Trouble.BUG
    if not told_by_server(error.orig) and isinstance(_driver_error(error.orig), asyncpg.DataError):
        return Trouble.UNSTORABLE
    state = getattr(error.orig, "sqlstate", None)
    if state in _BY_STATE:
        return _BY_STATE[state]
    lost = state is None and error.connection_invalidated
    if lost or (state is not None and state.startswith(_DOWN_CLASSES)):
        return Trouble.DOWN
    return Trouble.BUG


def short_cause(error: BaseException) -> str:
    """Say in a line what went wrong, without the statement and its parameters."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"[:LONGEST_CAUSE]


def violated(error: BaseException) -> str | None:
    """Return the name of the constraint that refused a row, if one did."""
    name = getattr(_driver_error(getattr(error, "orig", None)), "constraint_name", None)
    return name if isinstance(name, str) else None


def refused_column(error: BaseException) -> str | None:
    """Return the column whose value the server refused, if it told or its constraint is named so.

    Constraints are named by kind, table and columns: ``ck_items_tax_rate``.
    """
    cause = _driver_error(getattr(error, "orig", None))
    column, table = getattr(cause, "column_name", None), getattr(cause, "table_name", None)
    if isinstance(column, str):
        return column
    kind, _, name = (violated(error) or "").partition(f"_{table}_")
    known = Base.metadata.tables.get(str(table))
    return name if known is not None and kind and name in known.columns else None


def told_by_server(error: BaseException | None) -> bool:
    """Say whether the server sent this error, so that it knows that the statement has ended.

    What the driver raises by itself, such as a value that it cannot write, may leave the statement
    half asked: the server cuts it off later, in the middle of another caller's.
    """
    cause = _driver_error(error)
    # The driver makes some errors of the server's classes itself; those lack what a server sends.
    return isinstance(cause, asyncpg.PostgresError) and cause.severity is not None


def hide_values(error: BaseException, wrapper: BaseException | None = None) -> None:
    """Take from a driver's error what it quotes of rows and parameters, which may be personal.

    What remains for logs, traces and histories is its class and the names of tables, columns and
    constraints. ``wrapper`` is what SQLAlchemy made of the error.
    """
    cause = _driver_error(error)
    if isinstance(cause, asyncpg.PostgresError):
        cause.detail = None
    if isinstance(cause, asyncpg.DataError):
        # Of the class 22 the sentence itself quotes the value, and so does what it arose from.
        cause.__cause__ = cause.__context__ = None
        for one in (cause, error, wrapper):
            if one is not None:
                one.args = (f"{type(cause).__name__}: a value does not fit its type",)


def _driver_error(error: BaseException | None) -> BaseException | None:
    """Return the driver's own error beneath the one that SQLAlchemy's dialect makes of it."""
    wrapped = isinstance(error, AsyncAdapt_asyncpg_dbapi.Error)
    return error.__cause__ if wrapped and error is not None else error
