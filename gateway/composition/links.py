"""`@link`: which specifications a subgraph uses, and by which names.

In: a subgraph's document. Out: its links, and what is wrong with them. https://specs.apollo.dev/link/v1.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    ListValueNode,
    ObjectValueNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    ValueNode,
)

from gateway.composition.federation_spec import FEDERATION, LATEST, elements_of, is_known_version
from gateway.composition.problems import Report, place_of

SPECS = "https://specs.apollo.dev/"
KNOWN_VERSIONS = {
    "link": {"v1.0"},
    "tag": {"v0.1", "v0.2", "v0.3"},
    "join": {"v0.1", "v0.2", "v0.3", "v0.4", "v0.5"},
    "inaccessible": {"v0.1", "v0.2"},
    "core": {"v0.1", "v0.2"},
}
NOT_DONE = {
    "connect": "connectors, which fetch from REST services",
    "source": "sources other than GraphQL subgraphs",
}
"""Specifications whose meaning is lost without a router that knows them, and what they are for."""
_VERSION = re.compile(r"v(\d+)\.(\d+)$")


@dataclass(frozen=True, slots=True)
class Link:
    """One `@link`. `imports` gives for each element, directives with their @, the name that it goes by here."""

    url: str
    identity: str
    name: str
    version: str
    prefix: str
    imports: dict[str, str]
    purpose: str | None
    node: DirectiveNode


def read_links(document: DocumentNode, subgraph: str, report: Report) -> tuple[Link, ...]:
    """The links of a document; what is wrong with one goes to the report, and the link is left out."""
    found: dict[str, Link] = {}
    names = link_names(document)
    for node in _on_schema(document):
        if node.name.value not in names:
            continue
        link = _link(node, subgraph, report)
        if link is None:
            continue
        if link.identity in found:
            message = f"[{subgraph}] The schema links {link.identity} twice: link it once, with all imports."
            report.problem("INVALID_LINK_DIRECTIVE_USAGE", message, place_of(subgraph, node))
        elif _is_sound(link, subgraph, report):
            found[link.identity] = link
    return tuple(found.values())


def link_names(document: DocumentNode) -> frozenset[str]:
    """What the document calls @link: it may link the specification of @link itself, under another name."""
    for node in _on_schema(document):
        link = _link(node, "", Report())
        if link is not None and link.identity == f"{SPECS}link":
            wanted = link.imports.get("@link", f"@{link.prefix}").removeprefix("@")
            if node.name.value in ("link", wanted):
                return frozenset((node.name.value, wanted))
    return frozenset(("link",))


def _on_schema(document: DocumentNode) -> Iterator[DirectiveNode]:
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            yield from definition.directives or ()


def _link(node: DirectiveNode, subgraph: str, report: Report) -> Link | None:
    arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
    url = arguments.get("url")
    if not isinstance(url, StringValueNode):
        return None
    identity, name, version = _parts(url.value)
    alias, purpose, listed = arguments.get("as"), arguments.get("for"), arguments.get("import")
    imports: dict[str, str] = {}
    for item in _items(listed):
        match item:
            case StringValueNode():
                imports[item.value] = item.value
            case ObjectValueNode():
                pairs = {f.name.value: f.value.value for f in item.fields if isinstance(f.value, StringValueNode)}
                if "name" not in pairs:
                    message = f"[{subgraph}] An import of @link(url: {url.value!r}) names nothing."
                    report.problem("INVALID_LINK_DIRECTIVE_USAGE", message, place_of(subgraph, node))
                    continue
                imports[pairs["name"]] = pairs.get("as", pairs["name"])
                if pairs["name"].startswith("@") != imports[pairs["name"]].startswith("@"):
                    message = (
                        f'[{subgraph}] The import "{pairs["name"]}" as "{imports[pairs["name"]]}" is not valid: a '
                        f"directive's name begins with @, before and after."
                    )
                    report.problem("INVALID_LINK_DIRECTIVE_USAGE", message, place_of(subgraph, node))
    prefix = alias.value if isinstance(alias, StringValueNode) else name
    return Link(
        url=url.value,
        identity=identity,
        name=name,
        version=version,
        prefix=prefix,
        imports=imports,
        purpose=purpose.value if isinstance(purpose, EnumValueNode) else None,
        node=node,
    )


def _items(value: ValueNode | None) -> Sequence[ValueNode]:
    """One value alone is a list of it, as everywhere in GraphQL."""
    return value.values if isinstance(value, ListValueNode) else (value,) if value is not None else ()


def _parts(url: str) -> tuple[str, str, str]:
    """Identity, name and version of a specification's address; empty where it has none."""
    path = url.rstrip("/").split("?")[0].split("#")[0]
    if "://" not in path:
        return path, "", ""
    scheme, _, rest = path.partition("://")
    host, *segments = rest.split("/")
    version = segments.pop() if segments and re.match(r"v\d", segments[-1]) else ""
    name = segments[-1] if segments else ""
    return "/".join([f"{scheme}://{host}", *segments]), name, version


def _is_sound(link: Link, subgraph: str, report: Report) -> bool:
    where = place_of(subgraph, link.node)
    if link.version and not _VERSION.match(link.version):
        message = f"[{subgraph}] Expected a version of the form v1.2 in {link.url}, found {link.version}."
        report.problem("INVALID_LINK_IDENTIFIER", message, where)
        return False
    if not link.identity.startswith(SPECS.rstrip("/")):
        return True
    if not link.version:
        message = (
            f"[{subgraph}] The link {link.url} has no version: write /<feature>/vX.Y, as in {FEDERATION}/{LATEST}."
        )
        report.problem("INVALID_LINK_IDENTIFIER", message, where)
        return False
    if link.identity == FEDERATION:
        return _knows_federation(link, subgraph, report)
    if link.name in NOT_DONE:
        message = f"[{subgraph}] {link.url} is for {NOT_DONE[link.name]}; this composition and its gateway have none."
        report.problem("UNSUPPORTED_LINKED_FEATURE", message, where)
        return False
    if link.version not in KNOWN_VERSIONS.get(link.name, {link.version}):
        message = f"[{subgraph}] The schema uses the unknown version {link.version} of the {link.name} specification."
        report.problem("UNKNOWN_LINK_VERSION", message, where)
        return False
    return True


def _knows_federation(link: Link, subgraph: str, report: Report) -> bool:
    where = place_of(subgraph, link.node)
    if not is_known_version(link.version):
        message = f"[{subgraph}] Federation {link.version} is not known here; the newest known is {LATEST}."
        report.problem("UNKNOWN_FEDERATION_LINK_VERSION", message, where)
        return False
    known = elements_of(link.version)
    unknown = [name for name in link.imports if name not in known]
    for name in unknown:
        message = f'[{subgraph}] Cannot import "{name}": federation {link.version} has no such element.'
        report.problem("INVALID_LINK_DIRECTIVE_USAGE", message, where)
    return not unknown
