"""Field sets over one subgraph's types: what @key, @requires, @provides and @fromContext select.

In: a field set's text and the type it is about. Out: the fields that it selects and the faults it has, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    KnownArgumentNamesRule,
    NamedTypeNode,
    NameNode,
    OperationDefinitionNode,
    ProvidedRequiredArgumentsRule,
    SelectionSetNode,
    ValuesOfCorrectTypeRule,
    parse,
    print_ast,
    specified_scalar_types,
    validate,
)

from gateway.composition.schema import Field, Kind, SubgraphSchema, Type, named

_ARGUMENT_RULES = (KnownArgumentNamesRule, ProvidedRequiredArgumentsRule, ValuesOfCorrectTypeRule)


class Fault(StrEnum):
    UNKNOWN_FIELD = "unknown field"
    UNKNOWN_TYPE = "unknown type"
    NO_SELECTION = "no selection"
    SELECTION_ON_LEAF = "selection on a leaf"
    DIRECTIVE = "directive"
    SPREAD = "named fragment"
    ALIAS = "alias"


@dataclass(frozen=True, slots=True)
class Selected:
    """One field of a field set. `depth` counts from 0; `under_external`: a field above it is external."""

    parent: Type
    field: Field
    node: FieldNode
    depth: int
    under_external: bool


@dataclass(frozen=True, slots=True)
class Faulty:
    """Something in a field set that cannot be. `subject` is the name that is wrong."""

    fault: Fault
    parent: Type
    subject: str

    def __str__(self) -> str:
        where = self.parent.name
        match self.fault:
            case Fault.UNKNOWN_FIELD:
                return (
                    f'cannot select "{self.subject}" on type "{where}": the subgraph does not declare it (if another '
                    f"subgraph resolves it, declare it here with @external)"
                )
            case Fault.UNKNOWN_TYPE:
                return f'there is no type "{self.subject}" in this subgraph that a fragment on "{where}" could name'
            case Fault.NO_SELECTION:
                return f'"{where}.{self.subject}" needs a selection of its own fields'
            case Fault.SELECTION_ON_LEAF:
                return f'"{where}.{self.subject}" is a leaf and has no fields to select'
            case Fault.DIRECTIVE:
                return f"it applies @{self.subject}, and directives are not allowed in field sets"
            case Fault.ALIAS:
                return f'it gives "{where}.{self.subject}" another name, and field sets have no aliases'
            case Fault.SPREAD:
                return f"it spreads the named fragment {self.subject}; write it inline"


@lru_cache(maxsize=4096)
def parse_selections(text: str) -> SelectionSetNode | str:
    """The selections; or, as text, why they do not parse."""
    try:
        whole = text if text.lstrip().startswith("{") else "{" + text + "}"
        definition, *others = parse(whole, no_location=True).definitions
    except GraphQLSyntaxError as problem:
        return problem.message
    if others or not isinstance(definition, OperationDefinitionNode) or not definition.selection_set.selections:
        return f"{text!r} is not a field set: it selects nothing, or more than one set."
    return definition.selection_set


def walk(
    schema: SubgraphSchema, type_: Type, selections: SelectionSetNode, depth: int = 0, under_external: bool = False
) -> Iterator[Selected | Faulty]:
    """Every field that the selections select of the type, and every fault."""
    for node in selections.selections:
        for directive in node.directives or ():
            yield Faulty(Fault.DIRECTIVE, type_, directive.name.value)
        match node:
            case FieldNode():
                yield from _walk_field(schema, type_, node, depth, under_external)
            case InlineFragmentNode():
                condition = node.type_condition.name.value if node.type_condition else type_.name
                inner = schema.types.get(condition)
                if inner is None or not inner.is_composite:
                    yield Faulty(Fault.UNKNOWN_TYPE, type_, condition)
                else:
                    yield from walk(schema, inner, node.selection_set, depth, under_external)
            case _:
                yield Faulty(Fault.SPREAD, type_, getattr(getattr(node, "name", None), "value", ""))


def _walk_field(
    schema: SubgraphSchema, type_: Type, node: FieldNode, depth: int, under_external: bool
) -> Iterator[Selected | Faulty]:
    name = node.name.value
    if name == "__typename":
        return
    field = type_.fields.get(name)
    if field is None:
        yield Faulty(Fault.UNKNOWN_FIELD, type_, name)
        return
    if node.alias is not None:
        yield Faulty(Fault.ALIAS, type_, name)
    yield Selected(type_, field, node, depth, under_external)
    inner = schema.types.get(named(field.type))
    if inner is not None and inner.is_composite:
        if node.selection_set is None:
            yield Faulty(Fault.NO_SELECTION, type_, name)
        else:
            yield from walk(schema, inner, node.selection_set, depth + 1, under_external or field.external)
    elif node.selection_set is not None and (inner is not None or named(field.type) in specified_scalar_types):
        yield Faulty(Fault.SELECTION_ON_LEAF, type_, name)


def argument_faults(schema: SubgraphSchema, type_: Type, selections: SelectionSetNode) -> list[str]:
    """What is wrong with the arguments that a field set gives; whoever resolves the fields would refuse it."""
    if schema.built is None or type_.name not in schema.built.type_map:
        return []
    condition = NamedTypeNode(name=NameNode(value=type_.name))
    fragment = FragmentDefinitionNode(
        name=NameNode(value="Set"), type_condition=condition, directives=(), selection_set=selections
    )
    problems = validate(schema.built, DocumentNode(definitions=(fragment,)), _ARGUMENT_RULES)
    found = [problem.message.rstrip(".") for problem in problems]
    return [*found, "it uses a variable, and field sets have none"] if "$" in printed(selections) else found


def printed(selections: SelectionSetNode) -> str:
    """The selections on one line, without the outer braces, as supergraphs write them."""
    text = " ".join(print_ast(selections).split())
    return text.removeprefix("{").removesuffix("}").strip()


def is_leaf(schema: SubgraphSchema, field: Field) -> bool:
    """Whether the field's type has no fields."""
    inner = schema.types.get(named(field.type))
    return inner is None or inner.kind in (Kind.SCALAR, Kind.ENUM)
