"""Random changes to subgraphs, most of which make them wrong in a way that people make them wrong.

In: subgraphs and a source of chance. Out: subgraphs of which one to three places differ; None where a change cannot be
printed. Every change is a function of one subgraph's document, as plain lists and dictionaries.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from graphql import (
    GraphQLSyntaxError,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    Node,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    parse,
    print_ast,
)

from gateway.composition.federation_spec import elements_of
from gateway.composition.read_subgraph import SubgraphSource

Document = Any
Change = Callable[[Document, random.Random, Sequence[str]], None]
_LINK = re.compile(r'url:\s*"https://specs.apollo.dev/federation/v2\.\d+"\s*,?\s*import:\s*\[[^\]]*\]')


def mutant(sources: Sequence[SubgraphSource], chance: random.Random) -> list[SubgraphSource] | None:
    """The subgraphs with one to three changes, more often than not with all of Federation 2.9 at hand."""
    texts = {source.name: source.sdl for source in sources}
    if chance.random() < 0.6:
        names = ", ".join(f'"{name}"' for name in sorted(elements_of("v2.9")) if name.startswith("@"))
        everything = f'url: "https://specs.apollo.dev/federation/v2.9", import: [{names}]'
        texts = {name: _LINK.sub(everything, text) for name, text in texts.items()}
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        name = chance.choice(list(texts))
        document = parse(texts[name], no_location=True)
        if not list(_types(document)):
            continue
        chance.choice(CHANGES)(document, chance, list(texts))
        try:
            texts[name] = print_ast(document)
            parse(texts[name])
        except (GraphQLSyntaxError, TypeError):
            return None
    return [SubgraphSource(source.name, source.url, texts[source.name]) for source in sources]


def _set(node: Node, part: str, value: object) -> None:
    """Nodes are frozen; these were parsed for us alone."""
    object.__setattr__(node, part, tuple(value) if isinstance(value, list) else value)


def _types(document: Document) -> Iterator[Any]:
    return (node for node in document.definitions if isinstance(node, TypeDefinitionNode | TypeExtensionNode))


def _with_fields(document: Document) -> list[tuple[Any, Any]]:
    kinds = (ObjectTypeDefinitionNode, ObjectTypeExtensionNode, InterfaceTypeDefinitionNode, InterfaceTypeExtensionNode)
    return [(node, field) for node in _types(document) if isinstance(node, kinds) for field in node.fields or ()]


def _applied(text: str) -> Any:
    (node,) = parse("type X { a: Int " + text + " }", no_location=True).definitions
    return node.fields[0].directives[0]  # type: ignore[attr-defined]


def drop_directive(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    nodes = [n for t in _types(document) for n in (t, *(getattr(t, "fields", None) or ())) if n.directives]
    if nodes:
        node = chance.choice(nodes)
        kept = list(node.directives)
        kept.pop(chance.randrange(len(kept)))
        _set(node, "directives", kept)


def add_to_field(document: Document, chance: random.Random, others: Sequence[str]) -> None:
    fields = _with_fields(document)
    if not fields:
        return
    type_, field = chance.choice(fields)
    other, beside = chance.choice(others), chance.choice(type_.fields).name.value
    text = chance.choice(
        [
            "@shareable",
            "@external",
            "@inaccessible",
            '@tag(name: "x")',
            f'@override(from: "{other}")',
            f'@override(from: "{other}", label: "percent(10)")',
            f'@requires(fields: "{beside}")',
            "@deprecated",
            "@authenticated",
            '@requiresScopes(scopes: [["a"], ["b", "c"]])',
            '@policy(policies: [["p"]])',
            "@cost(weight: 3)",
            '@provides(fields: "id")',
        ]
    )
    _set(field, "directives", [*(field.directives or ()), _applied(text)])


def add_to_type(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    type_ = chance.choice(list(_types(document)))
    name = chance.choice([field.name.value for field in getattr(type_, "fields", None) or ()] or ["id"])
    text = chance.choice(
        [
            f'@key(fields: "{name}")',
            f'@key(fields: "{name}", resolvable: false)',
            "@shareable",
            "@inaccessible",
            '@tag(name: "t")',
            "@extends",
            "@interfaceObject",
            "@external",
            "@authenticated",
        ]
    )
    _set(type_, "directives", [*(type_.directives or ()), _applied(text)])


def change_type(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    fields = [field for node in _types(document) for field in getattr(node, "fields", None) or ()]
    if not fields:
        return
    field = chance.choice(fields)
    match chance.randrange(4):
        case 0:
            _set(field, "type", _toggled(field.type))
        case 1:
            _set(field, "type", ListTypeNode(type=field.type))
        case 2:
            name = chance.choice(["String", "Int", "ID", chance.choice(list(_types(document))).name.value])
            _set(field, "type", NamedTypeNode(name=NameNode(value=name)))
        case _ if isinstance(field.type, ListTypeNode):
            _set(field, "type", ListTypeNode(type=_toggled(field.type.type)))


def _toggled(node: Any) -> Any:
    return node.type if isinstance(node, NonNullTypeNode) else NonNullTypeNode(type=node)


def drop_part(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    type_ = chance.choice(list(_types(document)))
    for part in ("fields", "values", "types"):
        kept = list(getattr(type_, part, None) or ())
        if len(kept) > 1:
            kept.pop(chance.randrange(len(kept)))
            _set(type_, part, kept)
            return


def drop_type(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    type_ = chance.choice(list(_types(document)))
    _set(document, "definitions", [node for node in document.definitions if node is not type_])


def copy_field(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    fields = _with_fields(document)
    if not fields:
        return
    (_, field), (type_, _) = chance.choice(fields), chance.choice(fields)
    values = {key: getattr(field, key) for key in field.keys if key != "loc"}
    if chance.random() < 0.5:
        values["name"] = NameNode(value=field.name.value + "X")
    _set(type_, "fields", [*type_.fields, type(field)(**values)])


def change_arguments(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    fields = _with_fields(document)
    if not fields:
        return
    _, field = chance.choice(fields)
    arguments = list(field.arguments or ())
    match chance.randrange(4):
        case 0 if arguments:
            arguments.pop()
        case 1:
            text = f"type X {{ a(x: Int{chance.choice(['', '!'])}{chance.choice(['', ' = 1', ' = 2'])}): Int }}"
            (made,) = parse(text, no_location=True).definitions
            arguments.append(made.fields[0].arguments[0])  # type: ignore[attr-defined]
        case _ if arguments:
            argument = chance.choice(arguments)
            _set(argument, "type", _toggled(argument.type))
    _set(field, "arguments", arguments)


def drop_interface(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    types = [node for node in _types(document) if getattr(node, "interfaces", None)]
    if types:
        type_ = chance.choice(types)
        kept = list(type_.interfaces)
        kept.pop(chance.randrange(len(kept)))
        _set(type_, "interfaces", kept)


def change_key(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    keys = [(t, d) for t in _types(document) for d in t.directives or () if d.name.value == "key"]
    if not keys:
        return
    type_, key = chance.choice(keys)
    names = [field.name.value for field in getattr(type_, "fields", None) or ()]
    if chance.random() < 0.3:
        if not any(argument.name.value == "resolvable" for argument in key.arguments):
            _set(key, "arguments", [*key.arguments, *_applied("@key(resolvable: false)").arguments])
    elif names:
        chosen = " ".join(chance.sample(names, min(len(names), chance.randrange(1, 3))))
        _set(key, "arguments", list(_applied(f'@key(fields: "{chosen}")').arguments))


def extend_instead(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    types = [node for node in document.definitions if isinstance(node, ObjectTypeDefinitionNode)]
    if types:
        type_ = chance.choice(types)
        parts = {part: getattr(type_, part) for part in ("name", "interfaces", "directives", "fields")}
        extension = ObjectTypeExtensionNode(**parts)
        _set(document, "definitions", [extension if node is type_ else node for node in document.definitions])


def hide_value(document: Document, chance: random.Random, _: Sequence[str]) -> None:
    values = [value for node in _types(document) for value in getattr(node, "values", None) or ()]
    if values:
        value = chance.choice(values)
        _set(value, "directives", [*(value.directives or ()), _applied("@inaccessible")])


CHANGES: Sequence[Change] = [
    *[drop_directive] * 3,
    *[add_to_field] * 4,
    *[add_to_type] * 2,
    *[change_type] * 2,
    *[drop_part] * 2,
    drop_type,
    copy_field,
    *[change_arguments] * 2,
    drop_interface,
    *[change_key] * 2,
    extend_instead,
    hide_value,
]
