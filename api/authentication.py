"""Authentication: the caller behind an API key or a bearer token, never both."""

import re

from starlette.datastructures import Headers

from api.keys import ApiKeys
from api.tokens import Tokens
from domain.access import Caller
from domain.errors import Unauthenticated

_BEARER = re.compile(r"[Bb]earer +(\S+)")


class Authenticator:
    """Turns the credential of a request into a caller."""

    def __init__(self, keys: ApiKeys, tokens: Tokens | None) -> None:
        """``tokens`` is None where no issuer is configured: then only API keys are accepted."""
        self._keys = keys
        self._tokens = tokens

    async def identify(self, headers: Headers) -> Caller:
        """Return the caller; raises Unauthenticated, without saying what exactly was wrong."""
        credential = _credential(headers)
        if credential.startswith("sk_"):
            return await self._keys.identify(credential)
        if self._tokens is None:
            raise Unauthenticated("the credential is not valid")
        return await self._tokens.identify(credential)

    def remembers(self, headers: Headers) -> bool:
        """Whether the credential is remembered as a valid one; nothing is looked up."""
        try:
            credential = _credential(headers)
        except Unauthenticated:
            return False
        if credential.startswith("sk_"):
            return self._keys.remembers(credential)
        return self._tokens is not None and self._tokens.remembers(credential)

    async def close(self) -> None:
        """Close connections to the issuer."""
        if self._tokens is not None:
            await self._tokens.close()


def _credential(headers: Headers) -> str:
    bearer, keys = headers.getlist("authorization"), headers.getlist("x-api-key")
    if len(bearer) + len(keys) != 1:
        raise Unauthenticated(
            "send one credential: Authorization: Bearer <key or token>, or X-API-Key: <key>"
        )
    if keys:
        return keys[0]
    match = _BEARER.fullmatch(bearer[0])
    if match is None:
        raise Unauthenticated("the Authorization header is not 'Bearer <key or token>'")
    return match[1]
