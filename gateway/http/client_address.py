"""Whose connection it is: the peer's address, or what a trusted proxy says in `X-Forwarded-For`.

In: the peer and the header's values. Out: an IP address as text, IPv6 cut to a network, since one host has a whole one.
Read from the right: each proxy adds whom it heard, and the first that is not trusted is the client; what stands left of
it anybody may have written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_MOST_HOPS = 20
Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Raises ValueError for a proxy that is no address or network."""

    def __init__(self, trusted: Sequence[str], ipv6_prefix: int = 64) -> None:
        self._trusted = [ip_network(each, strict=False) for each in trusted]
        self._ipv6_prefix = ipv6_prefix
        self._counted = lru_cache(4096)(self._under)

    def of(self, peer: str | None, forwarded: Iterable[str]) -> str:
        """`forwarded`: every `X-Forwarded-For` of the request."""
        if not self._trusted:
            return self._counted(peer or "")
        found = _address(peer or "")
        hops = ",".join(forwarded).rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]
        while found is not None and self._trusts(found) and hops:
            said = _address(hops.pop())
            if said is None:
                break
            found = said
        return self._counted(str(found or ""))

    def _trusts(self, address: Address) -> bool:
        return any(address.version == network.version and address in network for network in self._trusted)

    def _under(self, text: str) -> str:
        """The name that the address is counted under."""
        address = _address(text)
        if isinstance(address, IPv6Address):
            return str(ip_network((address.packed, self._ipv6_prefix), strict=False))
        return str(address or "unknown")


def _address(text: str) -> Address | None:
    """Also with a port, and IPv6 in brackets; IPv4 inside IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
