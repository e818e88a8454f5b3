"""The address that a request came from, through the reverse proxies that are trusted."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

Network = IPv4Network | IPv6Network
UNKNOWN = "unknown"


def networks(given: str) -> tuple[Network, ...]:
    """Read networks or addresses, separated by commas; raises ValueError."""
    return tuple(ip_network(each.strip()) for each in given.split(",") if each.strip())


def address_of(scope: Scope, proxies: Sequence[Network]) -> str:
    """Return who asks: the peer, or whom the nearest trusted proxies say that they speak for.

    `X-Forwarded-For` is read from its end, as far as trusted proxies wrote it. Of an IPv6 address
    the network of 64 bits counts, which one client has for itself.
    """
    client = scope.get("client")
    found: str = client[0] if client else UNKNOWN
    if proxies and _trusted(found, proxies):
        hops = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        for hop in reversed([each.strip() for each in hops if each.strip()]):
            found = hop
            if not _trusted(hop, proxies):
                break
    return _shortened(found)


def _trusted(address: str, proxies: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in proxies)


def _shortened(address: str) -> str:
    if ":" not in address:
        return address[:45]
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))
