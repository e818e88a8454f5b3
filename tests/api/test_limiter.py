"""The limiter of a process by itself: how it counts, whom it counts, and what it remembers."""

import tracemalloc
from ipaddress import ip_address

import pytest

from api.limits.addresses import address_of, networks
from api.limits.places import Places
from api.limits.rates import MOST_REMEMBERED, Buckets, Rate
from api.refusals import TooManyAtOnce

RATE = Rate("requests", per_second=2, burst=4)


async def test_tokens_come_back_while_time_passes_and_never_more_than_the_burst() -> None:
    now = 0.0
    buckets = Buckets(lambda: now)
    assert [(await buckets.take(RATE, "a")).allowed for _ in range(5)] == [True] * 4 + [False]
    now = 0.5
    assert (await buckets.take(RATE, "a")).allowed
    refused = await buckets.take(RATE, "a")
    assert (refused.allowed, refused.retry_after) == (False, 1)
    now = 1000.0
    assert (await buckets.take(RATE, "a")).tokens == 3
    await buckets.give_back(RATE, "a")
    await buckets.give_back(RATE, "a")
    assert (await buckets.take(RATE, "a")).tokens == 3


async def test_a_million_addresses_take_no_more_memory_than_those_that_are_remembered() -> None:
    buckets = Buckets()
    first = int(ip_address("10.0.0.0"))
    tracemalloc.start()
    for number in range(1_000_000):
        await buckets.take(RATE, str(first + number))
        if number == 2 * MOST_REMEMBERED:
            full, _ = tracemalloc.get_traced_memory()
    last, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert last < 1.2 * full
    assert most < 20_000_000


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "address"),
    [
        ("192.0.2.1", "", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.0/8", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1", "nonsense"),
        ("2001:db8::1:2:3:4", "", "", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "", "", "192.0.2.1"),
        ("::1", "2001:db8:0:1::9", "::1", "2001:db8:0:1::/64"),
    ],
)
def test_an_address_is_believed_as_far_as_trusted_proxies_wrote_it(
    peer: str, forwarded: str, trusted: str, address: str
) -> None:
    lines = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"type": "http", "client": (peer, 1), "headers": lines}
    assert address_of(scope, networks(trusted)) == address


def test_where_all_places_are_taken_each_caller_still_has_one() -> None:
    places = Places(each=3, together=4)
    for caller in ("a", "a", "a", "b"):
        places.take(caller)
    for caller in ("a", "b"):
        with pytest.raises(TooManyAtOnce):
            places.take(caller)
    places.take("c")
    for caller in ("a", "c"):
        places.leave(caller)
    with pytest.raises(TooManyAtOnce):
        places.take("b") or places.take("b")
