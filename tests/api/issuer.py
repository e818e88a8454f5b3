"""A token issuer over real HTTP: signs tokens and publishes its keys."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from api.app import create_app
from api.services import Services
from db.engine import Database
from runtime.settings import Settings
from tests.api.conftest import away
from tests.serving import served

NAME = "https://issuer.example"
AUDIENCE = "stateset"


class TestIssuer:
    """Keys by id; what is in ``published`` is what the address answers with."""

    __test__ = False

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {
            "RS256": rsa.generate_private_key(65537, 2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }
        self.published: list[Any] = [self.entry(kid, kid) for kid in self.keys]
        self.asked = 0
        self.available = True
        self.answering = asyncio.Event()
        """Cleared, it begins to answer and does not go on."""
        self.answering.set()

    def entry(self, algorithm: str, key_id: str) -> dict[str, Any]:
        """Return the public key as an entry of the key set."""
        public = self.keys[key_id].public_key()
        kinds: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
        described = json.loads(kinds[algorithm].to_jwk(public))
        return {**described, "kid": key_id, "use": "sig"}

    def token(
        self,
        key_id: str = "RS256",
        *,
        algorithm: str | None = None,
        key: Any = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Sign a token for support; claims given as None are left out."""
        now = int(time.time())
        content = {
            "iss": NAME,
            "aud": AUDIENCE,
            "sub": "7",
            "role": "support",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        return jwt.encode(
            {name: value for name, value in content.items() if value is not None},
            self.keys[key_id] if key is None else key,
            algorithm=algorithm or key_id,
            headers={"kid": key_id, **(headers or {})},
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the key set."""
        if scope["type"] != "http":
            return
        self.asked += 1
        status = 200 if self.available else 503
        body = json.dumps({"keys": self.published}).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await self.answering.wait()
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def believed(books: Database) -> AsyncIterator[tuple[TestIssuer, httpx2.AsyncClient]]:
    """An identity provider, and a client of an application that believes it."""
    provider = TestIssuer()
    async with served(provider) as address:
        settings = Settings(jwt_issuer=NAME, jwt_audience=AUDIENCE, jwks_url=f"{address}/jwks.json")
        app = create_app(Services(settings=settings, db=books, temporal=away))
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client,
        ):
            yield provider, client
