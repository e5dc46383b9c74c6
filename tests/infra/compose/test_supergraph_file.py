"""The committed supergraph is the one that the subgraphs' schemas compose to: told by hashes, without Node."""

from infra.compose.supergraph_file import CHECKOUT, SUPERGRAPH, current_sdls, header, sdl_file, stale


def test_the_supergraph_is_current() -> None:
    assert stale(current_sdls(), SUPERGRAPH.read_text()) == [], "run ./dev compose"


def test_the_sdls_beside_the_packages_are_current() -> None:
    old = [name for name, sdl in current_sdls().items() if sdl_file(name).read_text() != sdl]
    assert old == [], "run ./dev compose"


def test_a_changed_an_added_and_a_dropped_subgraph_are_each_named() -> None:
    text = header({"one": "type A", "two": "type B", "three": "type C"})
    assert stale({"one": "type A", "two": "type B", "three": "type C"}, text) == []
    assert stale({"one": "type A", "two": "type X", "four": "type D"}, text) == ["four", "three", "two"]


def test_the_lock_of_the_peers_names_no_registry() -> None:
    assert "://" not in (CHECKOUT / "tests" / "node" / "package-lock.json").read_text()
