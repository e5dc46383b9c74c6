"""How the events of a subscription field reach a reader, as its subgraph declares it with `@delivery`.

In: the supergraph's document and its types. Out: for each subscription field that carries the directive, a `Delivery`.
Refuses a rule that cannot be kept: a key or cursor that the field's own subgraph does not give, an `after` that is no
argument, a rate without LATEST.

    schema @link(url: "https://specs.d2r.dev/delivery/v0.1", import: ["@delivery"])
    directive @delivery(
        mode: delivery__Mode!, key: String, cursor: String, after: String, maxRate: Int,
        share: delivery__Share! = CALLER
    ) on FIELD_DEFINITION

The definition goes through composition by `@composeDirective(name: "@delivery")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from graphql import (
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldDefinitionNode,
    IntValueNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
)

from gateway.plan.nodes import SubgraphName
from gateway.supergraph.api_schema import imported_as
from gateway.supergraph.errors import SupergraphInvalid
from gateway.supergraph.field_set import FieldSelection, FieldSet, parse_field_set
from gateway.supergraph.join import directives_named, text_of
from gateway.supergraph.model import Delivery, Mode, Share, SubgraphType

SPEC = "https://specs.d2r.dev/delivery"
VERSION = "v0.1"
Types = Mapping[SubgraphName, Mapping[str, SubgraphType]]


def deliveries_of(document: DocumentNode, types: Types, root: str) -> dict[str, Delivery]:
    """The rules, by subscription field; `root` is the name of the subscription type."""
    name = _name_of_directive(document)
    if name is None:
        return {}
    found: dict[str, Delivery] = {}
    for definition in document.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            for field in definition.fields or ():
                rules = {_read(each, f"{definition.name.value}.{field.name.value}") for each in _on(field, name)}
                if not rules:
                    continue
                if definition.name.value != root or len(rules) > 1:
                    raise _Bad(f"{definition.name.value}.{field.name.value}", "it is for subscription fields, once")
                found[field.name.value] = _checked(rules.pop(), field, types, root)
    return found


class _Bad(SupergraphInvalid):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"the @delivery of {place} cannot be kept: {reason}")


def _name_of_directive(document: DocumentNode) -> str | None:
    """What the directive is called here; None where nobody links its spec."""
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode):
            for link in directives_named(node.directives, "link"):
                spec, _, version = (text_of(link, "url") or "").rstrip("/").rpartition("/")
                if spec != SPEC:
                    continue
                if version != VERSION:
                    raise SupergraphInvalid(f"it links {SPEC}/{version}; this gateway knows {VERSION}")
                return imported_as(link, "@delivery") or text_of(link, "as") or "delivery"
    return None


def _on(field: FieldDefinitionNode, name: str) -> Iterator[DirectiveNode]:
    return directives_named(field.directives, name)


def _read(directive: DirectiveNode, place: str) -> Delivery:
    given = {argument.name.value: argument.value for argument in directive.arguments or ()}
    names = {name: value.value for name, value in given.items() if isinstance(value, EnumValueNode)}
    rate = given.get("maxRate")
    try:
        return Delivery(
            mode=Mode(names.get("mode", "")),
            key=text_of(directive, "key"),
            cursor=text_of(directive, "cursor"),
            after=text_of(directive, "after"),
            max_rate=int(rate.value) if isinstance(rate, IntValueNode) else None,
            share=Share(names.get("share", Share.CALLER)),
        )
    except ValueError as problem:
        raise _Bad(place, str(problem)) from problem


def _checked(rule: Delivery, field: FieldDefinitionNode, types: Types, root: str) -> Delivery:
    place = f"{root}.{field.name.value}"
    if rule.mode is Mode.ORDERED and (rule.key is not None or rule.max_rate is not None):
        raise _Bad(place, "`key` and `maxRate` are for LATEST: ORDERED leaves no event out")
    if rule.max_rate is not None and rule.max_rate < 1:
        raise _Bad(place, "`maxRate` is at least one event a second")
    if rule.after is not None and rule.after not in {argument.name.value for argument in field.arguments or ()}:
        raise _Bad(place, f"it has no argument {rule.after!r}")
    if rule.after is not None and rule.cursor is None:
        raise _Bad(place, "`after` resumes from a cursor, and it names none")
    if rule.cursor is not None and len(leaves_of(parse_field_set(rule.cursor))) != 1:
        raise _Bad(place, "a cursor is one field")
    for subgraph, declared in types.items():
        given = declared[root].fields.get(field.name.value) if root in declared else None
        if given is not None and not given.external:
            for text in (rule.key, rule.cursor):
                _check_given(parse_field_set(text or ""), given.type_name, declared, f"{subgraph}'s {place}")
    return rule


def _check_given(wanted: FieldSet, type_name: str, types: Mapping[str, SubgraphType], place: str) -> None:
    """The subgraph that sends the events has to give these fields itself: what comes later comes too late."""
    declared = types.get(type_name)
    for selection in wanted:
        if not isinstance(selection, FieldSelection) or selection.arguments:
            raise _Bad(place, "a key or cursor is made of plain fields, without fragments and arguments")
        field = declared.fields.get(selection.name) if declared else None
        if field is None or field.external or field.overridden or field.requires:
            raise _Bad(place, f"{type_name}.{selection.name} is not this subgraph's to give")
        if "[" in field.type_text and selection.selections:
            raise _Bad(place, f"{type_name}.{selection.name} is a list")
        is_leaf = field.type_name not in types or not types[field.type_name].fields
        if is_leaf is bool(selection.selections):
            raise _Bad(place, f"{type_name}.{selection.name} {'has no' if is_leaf else 'needs'} fields of its own")
        _check_given(selection.selections, field.type_name, types, place)


def leaves_of(wanted: FieldSet, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of field names to every leaf."""
    found: list[tuple[str, ...]] = []
    for selection in wanted:
        if isinstance(selection, FieldSelection):
            here = (*path, selection.name)
            found += leaves_of(selection.selections, here) if selection.selections else [here]
    return found
