"""Global ids, cursors, pages and the table of roles."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgraphs.serving.connections import PageRequest, connection_of, cursor_of, page_of, page_request, read_cursor
from subgraphs.serving.errors import BadInput, NotFound
from subgraphs.serving.global_ids import decode_global_id, global_id, key_of
from subgraphs.serving.roles import SCOPES_OF_ROLE, Role, Scope, scopes_of


def test_a_global_id_comes_back_as_what_it_names() -> None:
    key = uuid4()
    assert key_of(global_id("Scan", key), "Scan") == key
    assert decode_global_id(global_id("Part", key), ("Part", "Machine")) == ("Part", key)


@given(st.text(max_size=80))
def test_no_made_up_text_is_an_id(text: str) -> None:
    with pytest.raises(NotFound):
        key_of(text, "Scan")


def test_an_id_of_another_type_or_another_spelling_is_not_found() -> None:
    key = uuid4()
    for text in (global_id("Scan", key), global_id("Part", key) + "=", global_id("part", key), " " + str(key)):
        with pytest.raises(NotFound):
            key_of(text, "Part")


@given(st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_a_cursor_comes_back_as_its_keyset(parts: list[str]) -> None:
    assert read_cursor(cursor_of(tuple(parts)), len(parts)) == tuple(parts)


@given(st.text(max_size=40))
def test_a_made_up_cursor_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        read_cursor(text)


@pytest.mark.parametrize("first", [0, -1, 101])
def test_a_page_has_bounds(first: int) -> None:
    with pytest.raises(BadInput):
        page_request(first, None)


def test_a_page_says_whether_there_is_more() -> None:
    request = PageRequest(limit=2, after=("a",))
    page = page_of(["b", "c", "d"], request)
    shown = connection_of(page, request, node=str.upper, keyset=lambda row: (row,))
    assert shown.nodes == ["B", "C"]
    assert shown.page_info.has_next_page
    assert shown.page_info.has_previous_page
    assert shown.page_info.end_cursor == cursor_of(("c",))
    assert not page_of(["b", "c"], request).has_next


def test_every_role_has_scopes_and_only_auditors_and_owners_read_the_audit_log() -> None:
    assert set(SCOPES_OF_ROLE) == set(Role)
    readers = {role for role, scopes in SCOPES_OF_ROLE.items() if Scope.AUDIT_READ in scopes}
    assert readers == {Role.AUDITOR, Role.OWNER}


def test_roles_add_up_and_an_unknown_one_gives_nothing() -> None:
    assert scopes_of(["viewer", "auditor"]) == scopes_of(["auditor"])
    assert scopes_of(["emperor"]) == frozenset()
