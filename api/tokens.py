"""Bearer tokens (JWT) of the configured issuer, checked by the rules of RFC 8725."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt
from pydantic import ValidationError

from api.issuer import Issuer
from domain.access import Caller
from domain.errors import Unauthenticated

ALGORITHMS = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""What a token may be signed with, and the kind of key that this takes; never a shared secret."""
LONGEST = 8192
MOST_REMEMBERED = 10_000
LONGEST_REMEMBERED = 3600
END_OF_TIME = 253_402_300_799
"""The last second of the year 9999; what expires later never does."""
_REQUIRED = ("exp", "iss", "aud", "sub", "role")


class _Verified(NamedTuple):
    """A token that was verified: whose it is, until when, and the key that it was verified by."""

    caller: Caller
    until: float
    key_id: str
    key: jwt.PyJWK


class Tokens:
    """The callers behind tokens; a verified one is remembered with its key until it expires."""

    def __init__(self, issuer: Issuer, *, name: str, audience: str) -> None:
        """``name`` is the ``iss`` that tokens must carry, ``audience`` their ``aud``."""
        self._issuer = issuer
        self._name = name
        self._audience = audience
        self._known: dict[bytes, _Verified] = {}

    async def identify(self, token: str) -> Caller:
        """Return the caller; raises Unauthenticated, or PartnerUnavailable without any keys."""
        if len(token) > LONGEST:
            raise Unauthenticated("the token is too long")
        name = _name_of(token)
        known = self._known.get(name)
        if known is not None and time.time() < known.until:
            # A key that was withdrawn or replaced since takes what it signed along.
            if await self._issuer.key(known.key_id) is known.key:
                return known.caller
            self._known.pop(name, None)
        key_id, key, claims = await self._verify(token)
        caller = _caller(claims, self._name)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        # Whatever the claim says, a token is checked again after an hour.
        until = min(claims["exp"], time.time() + LONGEST_REMEMBERED)
        self._known[name] = _Verified(caller, until, key_id, key)
        return caller

    def remembers(self, token: str) -> bool:
        """Whether a token was verified before and has not expired."""
        known = self._known.get(_name_of(token)) if len(token) <= LONGEST else None
        return known is not None and time.time() < known.until

    async def close(self) -> None:
        """Close connections to the issuer."""
        await self._issuer.close()

    async def _verify(self, token: str) -> tuple[str, jwt.PyJWK, Mapping[str, Any]]:
        # PyJWT raises its own errors for what it checks and plain ones for odd types; a token that
        # cannot be read is never more than a refused credential.
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise Unauthenticated("the token is not valid") from error
        if not isinstance(algorithm, str) or not isinstance(key_id, str):
            raise Unauthenticated("the token is not valid")
        if algorithm not in ALGORITHMS or "crit" in header:
            raise Unauthenticated("the token is not valid")
        # The key comes from the issuer alone: jku, x5u and jwk in the token are not looked at.
        key = await self._issuer.key(key_id)
        if key is None or key.key_type != ALGORITHMS[algorithm]:
            raise Unauthenticated("the token is not valid")
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._name,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise Unauthenticated("the token is not valid") from error
        if not isinstance(claims["exp"], int) or claims["exp"] > END_OF_TIME:
            raise Unauthenticated("the token is not valid")
        return key_id, key, claims


def _name_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _caller(claims: Mapping[str, Any], issuer: str) -> Caller:
    scope = claims.get("scope", "")
    subject = f"user:{claims['sub']}"
    if not claims["sub"]:
        raise Unauthenticated("the token does not say who it is for")
    try:
        return Caller(
            subject=subject,
            former_identity=subject,
            role=claims["role"],
            scopes=frozenset(scope.split()) if isinstance(scope, str) else frozenset(),
            customer_id=claims.get("customer_id"),
            issuer=issuer,
        )
    except ValidationError as error:
        raise Unauthenticated("the token does not say who may do what") from error
