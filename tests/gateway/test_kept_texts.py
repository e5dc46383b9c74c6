"""What is kept of operation texts is bounded, and what was asked for last stays."""

from __future__ import annotations

from gateway.kept_texts import KeptTexts


def kept(most: int) -> KeptTexts[tuple[str], int]:
    return KeptTexts(most)


def test_what_was_asked_for_last_stays() -> None:
    texts = kept(2)
    texts.keep(("a",), 1)
    texts.keep(("b",), 2)
    assert texts.find(("a",)) == 1
    texts.keep(("c",), 3)
    assert texts.find(("b",)) is None
    assert texts.recent(5) == [("c",), ("a",)]
    assert texts.recent(1) == [("c",)]
    assert (len(texts), ("a",) in texts, ("b",) in texts) == (2, True, False)


def test_what_is_kept_already_is_not_replaced() -> None:
    texts = kept(2)
    texts.keep(("a",), 1)
    texts.keep(("a",), 2)
    assert (texts.find(("a",)), len(texts)) == (1, 1)


def test_all_texts_together_are_bounded() -> None:
    texts, million = kept(1000), 1024 * 1024
    for number in range(20):
        texts.keep((chr(number) * million,), number)
    assert [ord(text[0]) for (text,) in texts.recent(1000)] == list(range(19, 3, -1))
    texts.keep(("x" * (17 * million),), 0)
    assert len(texts) == 0, "one that is longer than all may be is not kept"
    texts.keep(("short",), 1)
    assert texts.find(("short",)) == 1, "what went is not counted"
