"""Who gets in: API keys and bearer tokens, and every way to forge one."""

import base64
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from activities.access.accepting import make_secret
from api.app import create_app
from api.issuer import Issuer
from api.keys import ApiKeys
from api.services import Services
from db.access import revoke_key
from db.engine import Database
from domain.errors import Malformed, Unauthenticated
from runtime.settings import Settings
from tests.api.callers import Callers, new_key
from tests.api.conftest import away
from tests.api.issuer import AUDIENCE, NAME, TestIssuer
from tests.api.serving import served


class Asker:
    """Asks for the items with some credential."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def status(self, credential: str, header: str = "Authorization") -> int:
        value = f"Bearer {credential}" if header == "Authorization" else credential
        return (await self._client.get("/items", headers={header: value})).status_code


@pytest.fixture
async def issuer_at() -> AsyncIterator[tuple[TestIssuer, str]]:
    issuer = TestIssuer()
    async with served(issuer) as address:
        yield issuer, f"{address}/jwks.json"


@pytest.fixture
def issuer(issuer_at: tuple[TestIssuer, str]) -> TestIssuer:
    return issuer_at[0]


@pytest.fixture
async def asker(issuer_at: tuple[TestIssuer, str], books: Database) -> AsyncIterator[Asker]:
    settings = Settings(jwt_issuer=NAME, jwt_audience=AUDIENCE, jwks_url=issuer_at[1])
    app = create_app(Services(settings=settings, db=books, temporal=away))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://stateset"
        ) as client,
    ):
        yield Asker(client)


async def test_a_key_is_accepted_in_either_header(asker: Asker, callers: Callers) -> None:
    key = await callers.key("support")
    assert await asker.status(key) == 200
    assert await asker.status(key, "X-API-Key") == 200


async def test_two_credentials_are_refused(callers: Callers) -> None:
    key = await callers.key("support")
    both = {"Authorization": f"Bearer {key}", "X-API-Key": key}
    assert (await callers.client.get("/items", headers=both)).status_code == 401


async def test_unknown_and_malformed_keys_are_refused(asker: Asker, callers: Callers) -> None:
    key = await callers.key("support")
    for wrong in (make_secret(), key[:-1], key + "A", key.upper(), "sk_", "sk_%00", ""):
        assert await asker.status(wrong) == 401


async def test_a_key_that_has_expired_is_refused(asker: Asker, books: Database) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    key = await new_key(books, name="old", role="support", expires_at=past)
    assert await asker.status(key) == 401


async def test_a_revoked_key_stops_working_when_it_is_looked_up_again(
    books: Database,
) -> None:
    clock = 0.0
    key = await new_key(books, name="leaked", role="support")
    ring = ApiKeys(books, lambda: clock)
    await ring.identify(key)
    async with books.begin() as db:
        assert await revoke_key(db, key.split("_")[1]) == 1
    clock = 5.1
    with pytest.raises(Unauthenticated):
        await ring.identify(key)


async def test_only_the_hash_of_a_key_is_stored(books: Database, database_url: str) -> None:
    key = await new_key(books, name="secret", role="support")
    import asyncpg

    connection = await asyncpg.connect(database_url, ssl=False)
    stored = str(await connection.fetch("SELECT api_keys::text FROM api_keys"))
    await connection.close()
    assert key not in stored
    assert key[12:] not in stored


async def test_a_key_is_made_only_for_known_roles_scopes_and_customers(books: Database) -> None:
    with pytest.raises(Malformed):
        await new_key(books, name="x", role="king")
    with pytest.raises(Malformed):
        await new_key(books, name="x", role="integration", scopes=["everything"])
    with pytest.raises(Malformed):
        await new_key(books, name="x", role="customer")
    with pytest.raises(Malformed):
        await new_key(books, name="x", role="customer", customer_id=uuid4())
    with pytest.raises(Malformed):
        await new_key(books, name="x", role="admin", secret="short")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_the_issuer_is_accepted(
    algorithm: str, asker: Asker, issuer: TestIssuer
) -> None:
    assert await asker.status(issuer.token(algorithm)) == 200


async def test_a_token_has_its_roles_rights_and_no_more(asker: Asker, issuer: TestIssuer) -> None:
    token = issuer.token(role="customer", customer_id=str(uuid4()))
    assert await asker.status(token) == 200
    answer = await asker._client.get("/inventory", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


NOW = int(time.time())
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": NOW - 1},
    "never expires": {"exp": None},
    "expiry is no number": {"exp": "soon"},
    "expiry beyond any clock": {"exp": 10**400},
    "not valid yet": {"nbf": NOW + 3600},
    "of another issuer": {"iss": "https://evil.example"},
    "without an issuer": {"iss": None},
    "for another audience": {"aud": "shop"},
    "without an audience": {"aud": None},
    "without a subject": {"sub": None},
    "without a role": {"role": None},
    "of an unknown role": {"role": "king"},
    "role in another case": {"role": "ADMIN"},
    "role is a list": {"role": ["admin"]},
    "customer without customer_id": {"role": "customer"},
    "customer_id is no id": {"role": "customer", "customer_id": "../1"},
    "subject that cannot be stored": {"sub": "a\x00b"},
}


@pytest.mark.parametrize("claims", WRONG_CLAIMS.values(), ids=WRONG_CLAIMS)
async def test_a_token_with_wrong_claims_is_refused(
    claims: dict[str, Any], asker: Asker, issuer: TestIssuer
) -> None:
    # PyJWT does not sign some of these, so they are signed by hand.
    token = signed(
        issuer,
        {"iss": NAME, "aud": AUDIENCE, "sub": "7", "role": "support", "exp": NOW + 3600, **claims},
    )
    assert await asker.status(token) == 401


def signed(issuer: TestIssuer, claims: dict[str, Any]) -> str:
    content = {name: value for name, value in claims.items() if value is not None}
    return jwt.PyJWS().encode(
        json.dumps(content).encode(), issuer.keys["RS256"], "RS256", headers={"kid": "RS256"}
    )


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def forgeries(issuer: TestIssuer) -> dict[str, str]:
    mine = rsa.generate_private_key(65537, 2048)
    public = issuer.keys["RS256"].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    good = issuer.token()
    header, claims, signature = good.split(".")
    unsigned = part({"alg": "none", "typ": "JWT", "kid": "RS256"})
    shared = jwt.PyJWS().encode  # PyJWT itself refuses a PEM as a shared secret.
    hs_header = part({"alg": "HS256", "kid": "RS256"})
    import hashlib
    import hmac

    mac = hmac.new(pem, f"{hs_header}.{claims}".encode(), hashlib.sha256).digest()
    confused = f"{hs_header}.{claims}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    del shared
    return {
        "unsigned": f"{unsigned}.{claims}.",
        "unsigned in capitals": f"{part({'alg': 'NONE', 'kid': 'RS256'})}.{claims}.",
        "public key as shared secret": confused,
        "own key": issuer.token(key=mine),
        "unknown key id": issuer.token(headers={"kid": "other"}),
        "key id with a path": issuer.token(headers={"kid": "../../dev/null"}),
        "key id with SQL": issuer.token(headers={"kid": "x' OR '1'='1"}),
        "key id of another kind of key": issuer.token(headers={"kid": "ES256"}),
        "no key id": f"{part({'alg': 'RS256'})}.{claims}.{signature}",
        "points to own keys": issuer.token(
            key=mine, headers={"jku": "http://evil.example/jwks", "x5u": "http://evil.example"}
        ),
        "brings its own key": issuer.token(
            key=mine,
            headers={"jwk": json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(mine.public_key()))},
        ),
        "unknown critical header": issuer.token(headers={"crit": ["x"], "x": 1}),
        "signature of another token": ".".join(
            [header, part({"role": "admin", "exp": NOW + 99}), signature]
        ),
        "two signatures": f"{good}.{signature}",
        "truncated": good[:-10],
        "50 kB": f"{header}.{'A' * 50_000}.{signature}",
        "not a token": "x.y.z",
        "deeply nested": f"{base64.urlsafe_b64encode(b'[' * 4000).decode()}.{claims}.{signature}",
    }


async def test_forged_tokens_are_refused(asker: Asker, issuer: TestIssuer) -> None:
    assert await asker.status(issuer.token()) == 200
    statuses = {name: await asker.status(token) for name, token in forgeries(issuer).items()}
    assert statuses == dict.fromkeys(statuses, 401)


async def test_unknown_key_ids_do_not_make_us_ask_the_issuer_each_time(
    asker: Asker, issuer: TestIssuer
) -> None:
    await asker.status(issuer.token())
    for n in range(5):
        await asker.status(issuer.token(headers={"kid": f"unknown-{n}"}))
    assert issuer.asked == 1


async def test_a_new_key_of_the_issuer_is_found(
    issuer_at: tuple[TestIssuer, str],
) -> None:
    clock = 0.0
    issuer, address = issuer_at
    known = Issuer(address, lambda: clock)
    assert await known.key("RS256") is not None
    issuer.keys["new"] = rsa.generate_private_key(65537, 2048)
    issuer.published.append(issuer.entry("RS256", "new"))
    assert await known.key("new") is None
    clock += 61
    assert await known.key("new") is not None
    await known.close()


async def test_keys_stay_good_while_the_issuer_is_away(
    issuer_at: tuple[TestIssuer, str],
) -> None:
    clock = 0.0
    issuer, address = issuer_at
    known = Issuer(address, lambda: clock)
    await known.key("RS256")
    issuer.available = False
    clock += 7200
    assert await known.key("RS256") is not None
    await known.close()


async def test_without_any_keys_the_answer_is_to_come_back(
    asker: Asker, issuer: TestIssuer
) -> None:
    issuer.available = False
    assert await asker.status(issuer.token()) == 503


async def test_shared_secrets_in_the_key_set_are_not_used(asker: Asker, issuer: TestIssuer) -> None:
    secret = base64.urlsafe_b64encode(b"s" * 32).rstrip(b"=").decode()
    issuer.published.append({"kty": "oct", "kid": "shared", "k": secret, "alg": "HS256"})
    token = issuer.token(algorithm="HS256", key=b"s" * 32, headers={"kid": "shared"})
    assert await asker.status(token) == 401
