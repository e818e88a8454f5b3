"""Odd types in every part of a token: a refused credential, never a failure."""

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import jwt
import pytest
from jwt.algorithms import RSAAlgorithm

from api.app import create_app
from api.services import Services
from db.engine import Database
from runtime.settings import Settings
from tests.api.conftest import away
from tests.api.issuer import AUDIENCE, NAME, TestIssuer
from tests.serving import served

ODD: tuple[Any, ...] = (
    [],
    {},
    [["RS256"]],
    ["RS256"],
    {"RS256": 1},
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "\x00",
    "\ud800",
    "x" * 3000,
)


@pytest.fixture
async def issuer_and_client(
    books: Database,
) -> AsyncIterator[tuple[TestIssuer, httpx2.AsyncClient]]:
    issuer = TestIssuer()
    async with served(issuer) as address:
        settings = Settings(jwt_issuer=NAME, jwt_audience=AUDIENCE, jwks_url=f"{address}/jwks")
        app = create_app(Services(settings=settings, db=books, temporal=away))
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client,
        ):
            yield issuer, client


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def signed(issuer: TestIssuer, header: dict[str, Any], claims: object) -> str:
    """Sign by hand what no library would sign."""
    message = f"{part(header)}.{part(claims)}"
    rs256 = RSAAlgorithm(RSAAlgorithm.SHA256)
    signature = rs256.sign(message.encode(), issuer.keys["RS256"])
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


HEADER = {"alg": "RS256", "typ": "JWT", "kid": "RS256"}


def claims(**odd: Any) -> dict[str, Any]:
    now = int(time.time())
    who = {"iss": NAME, "aud": AUDIENCE, "sub": "7", "role": "support"}
    return {**who, "iat": now, "exp": now + 300, **odd}


async def status(client: httpx2.AsyncClient, token: str) -> int:
    sent = {"Authorization": f"Bearer {token}"}
    return (await client.get("/items", headers=sent)).status_code


@pytest.mark.parametrize("field", ["alg", "kid", "crit"])
async def test_an_odd_header_of_a_token_is_a_refused_credential(
    field: str, issuer_and_client: tuple[TestIssuer, httpx2.AsyncClient]
) -> None:
    """D6: ``alg`` a list or an object was a 500 without any credential."""
    issuer, client = issuer_and_client
    assert await status(client, signed(issuer, HEADER, claims())) == 200
    for odd in ODD:
        token = signed(issuer, {**HEADER, field: odd}, claims())
        assert await status(client, token) == 401, odd


@pytest.mark.parametrize("field", ["typ", "b64", "zip", "cty", "jwk", "x5c", "epk"])
async def test_other_odd_headers_of_a_token_never_fail(
    field: str, issuer_and_client: tuple[TestIssuer, httpx2.AsyncClient]
) -> None:
    """D6: what is not read may be anything."""
    issuer, client = issuer_and_client
    for odd in ODD:
        token = signed(issuer, {**HEADER, field: odd}, claims())
        assert await status(client, token) in (200, 401), odd


@pytest.mark.parametrize("field", ["iss", "aud", "sub", "role", "exp"])
async def test_an_odd_claim_is_a_refused_credential(
    field: str, issuer_and_client: tuple[TestIssuer, httpx2.AsyncClient]
) -> None:
    """D6: the same of the claims that say who it is."""
    issuer, client = issuer_and_client
    for odd in ODD:
        token = signed(issuer, HEADER, claims(**{field: odd}))
        assert await status(client, token) == 401, odd


@pytest.mark.parametrize("field", ["scope", "customer_id", "nbf", "iat", "jti"])
async def test_other_odd_claims_never_fail(
    field: str, issuer_and_client: tuple[TestIssuer, httpx2.AsyncClient]
) -> None:
    """D6: nor of those that are optional."""
    issuer, client = issuer_and_client
    for role in ("support", "customer"):
        for odd in ODD:
            token = signed(issuer, HEADER, claims(**{"role": role, field: odd}))
            assert await status(client, token) in (200, 401), odd


async def test_an_odd_payload_is_a_refused_credential(
    issuer_and_client: tuple[TestIssuer, httpx2.AsyncClient],
) -> None:
    """D6: a payload or a header that is no object."""
    issuer, client = issuer_and_client
    for odd in ODD:
        assert await status(client, signed(issuer, HEADER, odd)) == 401, odd
        message = f"{part(odd)}.{part(claims())}"
        signature = jwt.utils.base64url_encode(b"x" * 256).decode()
        assert await status(client, f"{message}.{signature}") == 401, odd
