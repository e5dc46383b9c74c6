"""What a subgraph calls Federation's directives.

In: its links. Out: for a directive's name in the text, the name in the specification; and the definitions that the text
may rely on without giving them itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    NamedTypeNode,
    NameNode,
    Node,
    ScalarTypeDefinitionNode,
    Visitor,
    parse,
    visit,
)

from gateway.composition.federation_spec import FEDERATION, FEDERATION_1, directives_of, scalars_of
from gateway.composition.links import SPECS, Link

Definition = TypeVar("Definition", DirectiveDefinitionNode, ScalarTypeDefinitionNode)

_LINK = parse(
    """
    directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
    scalar link__Import
    enum link__Purpose { SECURITY EXECUTION }
    """,
    no_location=True,
).definitions
USUAL_SCALARS = frozenset(("_FieldSet", "FieldSet", "Import", "Purpose"))
"""Scalars that libraries print for the sake of Federation's directives: nothing else uses them, or they are one's
own."""


@dataclass(frozen=True, slots=True)
class FederationNames:
    """Names in the text -> names in the specification, for directives and scalars. `links`: what @link is called."""

    version: str
    links: frozenset[str]
    directives: dict[str, str]
    scalars: dict[str, str]

    def definitions(self, taken: frozenset[str]) -> Iterator[DefinitionNode]:
        """The definitions under the subgraph's names, but those that it gives itself."""
        yield from self._link_definitions(taken)
        known = _definitions(self.version, tuple(self.directives.items()), tuple(self.scalars.items()))
        yield from (node for written, node in known if written not in taken)

    def defines(self, node: Node) -> bool:
        """Whether the definition is one of the specification's, given by the subgraph itself."""
        match node:
            case DirectiveDefinitionNode():
                return node.name.value in self.directives or node.name.value in self.links
            case ScalarTypeDefinitionNode():
                name = node.name.value
                return name in self.scalars or self._is_of_link(name) or name == "_Any"
        return self._is_of_link(getattr(getattr(node, "name", None), "value", ""))

    def _is_of_link(self, name: str) -> bool:
        prefix, _, rest = name.partition("__")
        return rest in ("Import", "Purpose") and prefix in self.links | {"link"}

    def _link_definitions(self, taken: frozenset[str]) -> Iterator[DefinitionNode]:
        for node in _LINK:
            if isinstance(node, DirectiveDefinitionNode):
                yield from (_renamed(node, name, {}) for name in sorted(self.links) if f"@{name}" not in taken)
            elif _name(node) not in taken:
                yield node


def federation_names(links: tuple[Link, ...], called: frozenset[str]) -> FederationNames:
    """How this subgraph, with these links, names what Federation defines."""
    link = next((link for link in links if link.identity == FEDERATION), None)
    if link is None:
        known = directives_of(FEDERATION_1)
        directives = {name: name for name in known}
        return FederationNames(FEDERATION_1, called, directives, {"federation__FieldSet": "FieldSet"})
    directives = {f"{link.prefix}__{name}": name for name in directives_of(link.version)}
    scalars = {f"{link.prefix}__{name}": name for name in scalars_of(link.version)}
    for original, written in link.imports.items():
        if original.startswith("@"):
            directives[written.removeprefix("@")] = original.removeprefix("@")
        else:
            scalars[written] = original
    for other in links:
        specified = other.name
        if other.identity == f"{SPECS}{specified}" and specified in ("tag", "inaccessible"):
            written = other.imports.get(f"@{specified}", f"@{other.prefix}").removeprefix("@")
            directives[written] = specified
    return FederationNames(link.version, called, directives, scalars)


@lru_cache(maxsize=64)
def _definitions(
    version: str, directives: tuple[tuple[str, str], ...], scalars: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, DefinitionNode], ...]:
    """The specification's definitions under the names that are written for them."""
    inner = {specified: written for written, specified in scalars}
    return (
        *((f"@{name}", _renamed(directives_of(version)[specified], name, inner)) for name, specified in directives),
        *((name, _renamed(scalars_of(version)[specified], name, inner)) for name, specified in scalars),
    )


def _name(node: Node) -> str:
    found: str = getattr(node, "name").value  # noqa: B009 - every definition of ours has one
    return found


def _renamed(node: Definition, name: str, scalars: dict[str, str]) -> Definition:
    class Rename(Visitor):
        def leave_named_type(self, inner: NamedTypeNode, *_: object) -> NamedTypeNode | None:
            written = scalars.get(inner.name.value)
            return NamedTypeNode(name=NameNode(value=written)) if written else None

    changed: Definition = visit(node, Rename())
    values = {key: getattr(changed, key) for key in changed.keys if key != "loc"}
    return type(node)(**{**values, "name": NameNode(value=name)})


def names_given(document: DocumentNode) -> frozenset[str]:
    """What the document defines: types by name, directives with their @."""
    return frozenset(
        f"@{_name(node)}" if isinstance(node, DirectiveDefinitionNode) else _name(node)
        for node in document.definitions
        if getattr(node, "name", None) is not None
    )
