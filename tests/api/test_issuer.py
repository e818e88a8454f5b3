"""The issuer's keys: those that are gone take their tokens along, bad ones and silence nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import api.issuer
from api.issuer import Issuer
from api.tokens import Tokens
from domain.access import Caller
from domain.errors import PartnerUnavailable, Unauthenticated
from tests.api.issuer import AUDIENCE, NAME, TestIssuer
from tests.patience import PATIENCE, eventually
from tests.serving import served


class Door:
    """An issuer, and what believes its tokens by a clock that a test sets."""

    def __init__(self, issuer: TestIssuer, address: str) -> None:
        self.issuer = issuer
        self.now = 0.0
        self._keys = Issuer(f"{address}/jwks.json", lambda: self.now)
        self.tokens = Tokens(self._keys, name=NAME, audience=AUDIENCE)

    async def lets_in(self, token: str) -> bool:
        try:
            return isinstance(await self.tokens.identify(token), Caller)
        except Unauthenticated:
            return False

    async def fetched_again(self) -> None:
        """Let somebody come with a key id that makes the keys be fetched."""
        self.now += 61
        before = self.issuer.asked
        await self.lets_in(self.issuer.token(headers={"kid": "unknown"}))
        assert self.issuer.asked == before + 1


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    issuer = TestIssuer()
    async with served(issuer) as address:
        door = Door(issuer, address)
        yield door
        issuer.answering.set()
        await door.tokens.close()


async def test_a_token_is_forgotten_with_the_key_that_signed_it(door: Door) -> None:
    """D11: a token that was seen before stayed accepted until it expired."""
    withdrawn, other = door.issuer.token("RS256"), door.issuer.token("ES256")
    assert await door.lets_in(withdrawn)
    assert await door.lets_in(other)
    door.issuer.published = [one for one in door.issuer.published if one["kid"] != "RS256"]
    assert await door.lets_in(withdrawn)
    await door.fetched_again()
    assert not await door.lets_in(withdrawn)
    assert await door.lets_in(other)


async def test_a_token_is_forgotten_when_its_key_is_replaced_under_the_same_id(door: Door) -> None:
    """D11: the id says nothing, the key does."""
    old = door.issuer.token("RS256")
    assert await door.lets_in(old)
    door.issuer.keys["RS256"] = rsa.generate_private_key(65537, 2048)
    door.issuer.published = [door.issuer.entry("RS256", "RS256")]
    await door.fetched_again()
    assert not await door.lets_in(old)
    assert await door.lets_in(door.issuer.token("RS256"))


async def test_a_remembered_token_makes_old_keys_be_fetched_too(door: Door) -> None:
    """D11: a withdrawn key is believed for an hour, also for who comes again and again."""
    token = door.issuer.token("RS256")
    assert await door.lets_in(token)
    door.issuer.published = []
    door.now += 3601
    assert not await door.lets_in(token)


async def test_all_wait_for_one_fetch_of_an_issuer_that_hangs(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D23: 20 tokens waited in line, each for its own five seconds."""
    monkeypatch.setattr(api.issuer, "LONGEST_FETCH", 0.3)
    door.issuer.answering.clear()
    asking = [
        asyncio.create_task(door.lets_in(door.issuer.token(sub=str(number))))
        for number in range(20)
    ]
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {PartnerUnavailable}
    with pytest.raises(PartnerUnavailable):
        await door.lets_in(door.issuer.token())
    assert door.issuer.asked == 1
    door.issuer.answering.set()
    door.now += 1
    assert await door.lets_in(door.issuer.token())


async def test_a_caller_that_gives_up_leaves_the_fetch_to_the_others(door: Door) -> None:
    """D23: the first one's fetch is everybody's."""
    door.issuer.answering.clear()
    first, second = (
        asyncio.create_task(door.lets_in(door.issuer.token(sub=name))) for name in ("1", "2")
    )
    await eventually(lambda: asked(door))
    first.cancel()
    door.issuer.answering.set()
    assert await asyncio.wait_for(second, PATIENCE)
    assert door.issuer.asked == 1


async def asked(door: Door) -> bool:
    return door.issuer.asked == 1


BAD: tuple[Any, ...] = (
    None,
    "RS256",
    [],
    7,
    {},
    {"kid": "RS256"},
    {"kid": "RS256", "kty": ["RSA"]},
    {"kid": "RS256", "kty": "RSA", "n": 1, "e": {}},
    {"kid": "RS256", "kty": "EC", "crv": "P-256", "x": "A", "y": None},
    {"kid": "RS256", "kty": "OKP", "crv": 25519},
    {"kid": ["RS256"], "kty": "RSA"},
    {"kid": "RS256", "use": {}},
)


async def test_a_bad_entry_takes_no_good_key_away(door: Door) -> None:
    """D23: whatever stands beside a good key, before it or after it."""
    door.issuer.published = [*BAD, *door.issuer.published, *BAD]
    for key in ("RS256", "ES256", "EdDSA"):
        assert await door.lets_in(door.issuer.token(key))


async def test_an_answer_that_is_no_key_set_takes_no_key_away(door: Door) -> None:
    """D23: it is as if the issuer were away."""
    token = door.issuer.token()
    assert await door.lets_in(token)
    nothings: tuple[Any, ...] = (None, {}, "RS256", 7)
    for nothing in nothings:
        door.issuer.published = nothing
        await door.fetched_again()
        assert await door.lets_in(token)
