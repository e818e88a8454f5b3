"""Creating and naming API keys, in the caller's transaction; only a key's hash is kept."""

import re
import secrets
import string
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.access import add_key, hash_of, rename_key
from domain.access import Caller, Role, Scope
from domain.errors import Malformed
from domain.ids import CustomerId
from domain.value import Name

_LETTERS = string.ascii_letters + string.digits
_FORM = re.compile(r"sk_([A-Za-z0-9]{8})_[A-Za-z0-9_-]{43}")


def make_secret() -> str:
    """Return a new key: ``sk_<prefix>_<256 random bits>``; the prefix names it in lists."""
    prefix = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"sk_{prefix}_{secrets.token_urlsafe(32)}"


async def create_key(
    db: AsyncConnection,
    key_id: UUID,
    *,
    name: str,
    role: str,
    scopes: Sequence[str] = (),
    customer_id: UUID | None = None,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> str:
    """Store a key's hash and return the key, which is shown this once.

    ``secret`` is given where the key must be known beforehand. Raises Malformed for an unknown
    role, scope or customer, and for a key that is not of our form or is in use.
    """
    key = make_secret() if secret is None else secret
    form = _FORM.fullmatch(key)
    if form is None:
        raise Malformed("a key is sk_, 8 letters or digits, _, and 43 characters of base64url")
    try:
        granted = TypeAdapter(list[Scope]).validate_python(list(scopes))
        caller = Caller(
            subject=TypeAdapter(Name).validate_python(name),
            role=Role(role),
            scopes=frozenset(granted),
            customer_id=None if customer_id is None else CustomerId(customer_id),
        )
    except ValueError as error:
        found = error.errors() if isinstance(error, ValidationError) else []
        reasons: list[Mapping[str, Any]] = [*found] or [{"msg": str(error)}]
        raise Malformed(_sentence(reasons)) from error
    try:
        await add_key(
            db,
            key_id=key_id,
            name=caller.subject,
            prefix=form[1],
            secret_sha256=hash_of(key),
            role=caller.role,
            scopes=sorted(caller.scopes),
            customer_id=caller.customer_id,
            expires_at=expires_at,
        )
    except IntegrityError as error:
        raise Malformed("the key is in use, or there is no such customer") from error
    return key


async def give_name(db: AsyncConnection, prefix: str, name: str) -> int:
    """Rename the live keys with this prefix; return how many there were. Raises Malformed."""
    try:
        return await rename_key(db, prefix, TypeAdapter(Name).validate_python(name))
    except ValidationError as error:
        raise Malformed(_sentence([*error.errors()])) from error


def _sentence(reasons: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(str(reason["msg"]).removeprefix("Value error, ") for reason in reasons)
