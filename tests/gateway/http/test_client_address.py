"""Whose address is counted, with and without proxies in between."""

from __future__ import annotations

import pytest

from gateway.http.client_address import ClientAddresses

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        # Who is no proxy may write what they like.
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["1.2.3.4", "203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1, 10.0.0.2, 10.0.0.3"], "203.0.113.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("10.0.0.1", ["[2001:db8:1:2::9]:443"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["1.2.3.4, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("2001:db8:ffff::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", [], "198.51.100.7"),
        ("::ffff:10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", [", ".join(["203.0.113.1", *["10.0.0.2"] * 5000])], "10.0.0.2"),
        (None, [], "unknown"),
        ("unix", [], "unknown"),
    ],
)
def test_the_first_that_no_proxy_of_ours_vouches_for(peer: str | None, forwarded: list[str], counted: str) -> None:
    assert ClientAddresses(PROXIES).of(peer, forwarded) == counted


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert ClientAddresses(()).of("10.0.0.1", ["203.0.113.1"]) == "10.0.0.1"


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="everyone"):
        ClientAddresses(("everyone",))
