"""Definitions of directives that @composeDirective brings into the supergraph.

In: the subgraphs. Out: definitions and links of the supergraph, and the names of the directives that are composed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

from graphql import DirectiveDefinitionNode, InputValueDefinitionNode, NameNode

from gateway.composition.federation_spec import LATEST, NOT_CARRIED, directives_of
from gateway.composition.links import Link
from gateway.composition.merged import Merged
from gateway.composition.problems import Place, Report, joined, named_subgraphs
from gateway.composition.rules.composed_directives import spec_of


def merge_definitions(merged: Merged, report: Report) -> dict[str, bool]:
    """Add definitions and links; the composed directives, and whether they are repeatable."""
    composed = _composed(merged, report)
    for name in composed:
        by = {g: s.directives[name] for g, s in merged.subgraphs.items() if name in s.composed and name in s.directives}
        merged.composed.append(_united(name, by))
    return {node.name.value: node.repeatable for node in merged.composed if node.name.value in composed}


def _composed(merged: Merged, report: Report) -> dict[str, str]:
    """Each composed directive with the identity of its specification; links are kept in their newest version."""
    found: dict[str, dict[str, list[str]]] = {}
    originals: dict[tuple[str, str], dict[str, list[str]]] = {}
    links: dict[str, Link] = {}
    for subgraph in merged.subgraphs.values():
        for name in subgraph.composed:
            identity = spec_of(subgraph, name)
            if identity is None or name not in subgraph.directives:
                continue
            if name in _of_supergraphs() or name.partition("__")[0] in ("join", "link", "core"):
                message = f'Directive "@{name}" of {identity} cannot be composed: the supergraph has one of that name.'
                report.problem("DIRECTIVE_COMPOSITION_ERROR", message, subgraph.place(subgraph.composed[name].node))
                continue
            found.setdefault(name, {}).setdefault(identity, []).append(subgraph.name)
            link = next(each for each in subgraph.links if each.identity == identity)
            original = next(key for key, written in link.imports.items() if written == f"@{name}")
            originals.setdefault((identity, original), {}).setdefault(name, []).append(subgraph.name)
            links[identity] = _newer(links.get(identity), link, merged, report)
    for name, identities in found.items():
        if len(identities) > 1:
            message = f'Composed directive "@{name}" comes from different specifications: {_told(identities)}.'
            report.problem("DIRECTIVE_COMPOSITION_ERROR", message, *_places(merged, (name,)))
    for (_, original), names in originals.items():
        if len(names) > 1:
            told = _told({f'"@{name}"': subgraphs for name, subgraphs in names.items()})
            message = f'Composed directive "{original}" must have one name everywhere: it is called {told}.'
            report.problem("DIRECTIVE_COMPOSITION_ERROR", message, *_places(merged, names))
    merged.links = [_without_others(link, found) for link in links.values()]
    return {name: next(iter(identities)) for name, identities in found.items()}


def _of_supergraphs() -> frozenset[str]:
    return frozenset(directives_of(LATEST)) - NOT_CARRIED


def _told(by: Mapping[str, Iterable[str]]) -> str:
    return joined([f"{what} in {named_subgraphs(subgraphs)}" for what, subgraphs in by.items()])


def _places(merged: Merged, names: Iterable[str]) -> list[Place]:
    found = ((each, each.composed.get(name)) for name in names for each in merged.subgraphs.values())
    return [subgraph.place(applied.node) for subgraph, applied in found if applied is not None]


def _without_others(link: Link, composed: Container[str]) -> Link:
    """The supergraph imports what it has."""
    imports = {original: written for original, written in link.imports.items() if written.removeprefix("@") in composed}
    return replace(link, imports=imports)


def _newer(known: Link | None, link: Link, merged: Merged, report: Report) -> Link:
    if known is None:
        return link
    one, other = (tuple(int(part) for part in each.version[1:].split(".") if part) for each in (known, link))
    if one and other and one[:1] != other[:1]:
        message = f"The specification {link.identity} is linked in versions {known.version} and {link.version}."
        nodes = [(s, each) for s in merged.subgraphs.values() for each in s.links if each.identity == link.identity]
        places = [subgraph.place(each.node) for subgraph, each in nodes]
        report.problem("DIRECTIVE_COMPOSITION_ERROR", message, *places)
    imports = {**known.imports, **link.imports}
    newest = link if other > one else known
    return Link(newest.url, link.identity, link.name, newest.version, link.prefix, imports, link.purpose, newest.node)


def _united(name: str, by: dict[str, DirectiveDefinitionNode]) -> DirectiveDefinitionNode:
    """Every location and argument that any of them has."""
    first = next(iter(by.values()))
    locations = dict.fromkeys(location.value for node in by.values() for location in node.locations)
    arguments: dict[str, InputValueDefinitionNode] = {}
    for node in by.values():
        for argument in node.arguments or ():
            arguments.setdefault(argument.name.value, argument)
    return DirectiveDefinitionNode(
        name=NameNode(value=name),
        description=first.description,
        arguments=tuple(arguments.values()),
        repeatable=any(node.repeatable for node in by.values()),
        locations=tuple(NameNode(value=location) for location in locations),
    )
