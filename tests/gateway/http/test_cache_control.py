"""Several answers' Cache-Control make the one that is safe for all."""

from __future__ import annotations

import pytest

from gateway.http.cache_control import most_restrictive


@pytest.mark.parametrize(
    ("stated", "merged"),
    [
        ([None, None], None),
        (["public, max-age=60"], "max-age=60, public"),
        (["public, max-age=60", "public, max-age=10"], "max-age=10, public"),
        (["public, max-age=60", "private, max-age=90"], "max-age=60, private"),
        (["public, max-age=60", "no-store"], "no-store"),
        (["public, max-age=60", None], "no-store"),
        (["public, max-age=60, s-maxage=600", "public, max-age=30"], "max-age=30, s-maxage=30, public"),
        (["private, max-age=5, s-maxage=600"], "max-age=5, private"),
        (["public, max-age=9, stale-while-revalidate=5", "public, max-age=9"], "max-age=9, public"),
        (["public, max-age=60, must-revalidate", "public, max-age=60"], "max-age=60, public, must-revalidate"),
        (["no-cache", "public, max-age=60"], "max-age=60, private, no-cache"),
        (["public, max-age=soon", "public, max-age=60"], "max-age=0, public"),
        (["public"], "no-store"),
    ],
)
def test_the_least_fresh_and_most_private_part_decides(stated: list[str | None], merged: str | None) -> None:
    assert most_restrictive(stated) == merged
    assert most_restrictive(stated[::-1]) == merged
