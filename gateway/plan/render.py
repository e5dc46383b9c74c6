"""Print a plan for people. That print is what tests compare and what `python -m gateway plan` shows.

In: a query plan. Out: text, two spaces an indent; documents are laid out as GraphQL, so that a diff shows one field a
line. What comes later is printed by parts: `Defer 1` is fetched for the fragment 1, `Defer 1 and 2` for both alike. For
the later items of a `Stream` the fetches of the plan run once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from graphql import parse
from graphql.language import print_ast

from gateway.plan.deferral import Deferral, DeferredFragment, StreamHere
from gateway.plan.nodes import (
    Condition,
    ContextVariable,
    EntityInput,
    Fetch,
    KnownAt,
    Node,
    Parallel,
    RequiredField,
    RequiredFragment,
    Sequence,
    Step,
    Subscribe,
)
from gateway.plan.query_plan import QueryPlan
from gateway.plan.shape import Listing, Object, Slot

INDENT = "  "
NOWHERE = "(nothing above sets it)"


def render(plan: QueryPlan) -> str:
    """The whole plan."""
    lines = ["QueryPlan {"]
    if plan.introspection is not None:
        lines.append(f"{INDENT}Introspect {{ {', '.join(plan.root_keys)} }}")
    if plan.node is not None:
        lines += _indented(_node(plan.node))
    if plan.deferral is not None:
        lines += _indented(_deferral(plan.deferral, plan.shape))
    return "\n".join([*lines, "}"])


def _node(node: Node) -> list[str]:
    match node:
        case Fetch():
            return _fetch(node)
        case Sequence(nodes) | Parallel(nodes):
            inner = [line for child in nodes for line in _node(child)]
            return [f"{type(node).__name__} {{", *_indented(inner), "}"]
        case Condition(variable, equals, child):
            word = "Include" if equals else "Skip"
            return [f"{word} (if: ${variable}) {{", *_indented(_node(child)), "}"]
        case Subscribe(primary, rest):
            inner = _node(primary) + (_node(rest) if rest else [])
            return ["Subscribe {", *_indented(inner), "}"]
    assert_never(node)


def _deferral(deferral: Deferral, shape: Object) -> list[str]:
    places = dict(_places(shape, ()))
    lines: list[str] = []
    for fragment in deferral.fragments:
        inner = [line for each in deferral.parts if each.part == {fragment.id} for line in _node(each.node)]
        head = f"Defer {fragment.id} ({_said_of(fragment, places.get(fragment.id, ()))})"
        lines += [f"{head} {{", *_indented(inner), "}"] if inner else [head]
    lists = dict(_lists(shape, ()))
    for stream in deferral.streams:
        lines.append(f"Stream ({_said_of_list(stream, lists[stream.id])})")
    for each in deferral.parts:
        if len(each.part) > 1 and min(each.part) > 0:
            head = f"Defer {' and '.join(map(str, sorted(each.part)))}"
            lines += [f"{head} {{", *_indented(_node(each.node)), "}"]
    return lines


def _said_of(fragment: DeferredFragment, place: tuple[str, ...]) -> str:
    said = [f"at: {'.'.join(place) or 'the root'}"]
    said += [f'label: "{fragment.label}"'] if fragment.label is not None else []
    said += [f"in: {fragment.parent}"] if fragment.parent else []
    return ", ".join(said)


def _said_of_list(stream: StreamHere, place: tuple[str, ...]) -> str:
    count = f"${stream.initial}" if isinstance(stream.initial, str) else stream.initial
    label = f', label: "{stream.label}"' if stream.label is not None else ""
    return f"of: {'.'.join(place)}, at once: {count}{label}"


def _lists(shape: Object, path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Where each streamed list stands, in response keys."""
    for field in shape.fields:
        if isinstance(field.slot.value, Listing) and field.slot.value.stream:
            yield field.slot.value.stream.id, (*path, field.key)
        below = _object_in(field.slot)
        if below is not None:
            yield from _lists(below, (*path, field.key))


def _places(shape: Object, path: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Where each deferred fragment stands, in response keys."""
    yield from ((each.fragment, path) for each in shape.defers)
    for field in shape.fields:
        below = _object_in(field.slot)
        if below is not None:
            yield from _places(below, (*path, field.key))


def _object_in(slot: Slot) -> Object | None:
    value = slot.value
    while isinstance(value, Listing):
        value = value.item.value
    return value if isinstance(value, Object) else None


def _fetch(fetch: Fetch) -> list[str]:
    lines = [f"Fetch {fetch.id} (subgraph: {fetch.subgraph}) {{"]
    for entity in fetch.inputs:
        lines += _indented(_input(entity))
        lines += _indented([_context(entity, each) for each in entity.contexts])
        lines += _indented([_known(entity, each) for each in entity.known_at])
    lines += _indented(print_ast(parse(fetch.document, no_location=True)).splitlines())
    for rename in fetch.renames:
        where = "".join(f"{_step(step)}." for step in rename.path)
        lines.append(f"{INDENT}rename {where}{rename.key} to {rename.name}")
    return [*lines, "}"]


def _input(entity: EntityInput) -> list[str]:
    path = ", ".join(".".join(map(_step, each)) for each in entity.paths)
    name = f" as {entity.typename_as}" if entity.typename_as else ""
    if not entity.alias:
        return [f"{path}{name}"]
    return [f"${entity.variable}: {path}{name} {_requires(entity.requires)}"]


def _context(entity: EntityInput, context: ContextVariable) -> str:
    """Where the variable is read, nearest object first."""
    places = []
    for source in context.sources:
        way = ".".join(step.key for step in entity.path[: source.depth]) or "(root)"
        types = f"[{'|'.join(sorted(source.types))}]" if source.types else ""
        places.append(f"{way}{types} {_requires(source.requires)}")
    return f"${context.variable}: {', else '.join(places) or NOWHERE}"


def _known(entity: EntityInput, known: KnownAt) -> str:
    """Where an object may stand already, with what is asked of it."""
    fields = " ".join(held if held == asked else f"{asked}: {held}" for asked, held in (*known.key, *known.fields))
    return f"${entity.variable}: not those known at {'.'.join(map(_step, known.path))} {{ {fields} }}"


def _requires(selections: tuple[RequiredField | RequiredFragment, ...]) -> str:
    parts = []
    for item in selections:
        match item:
            case RequiredField(name, source, inner):
                text = name if name == source else f"{name}: {source}"
                parts.append(f"{text} {_requires(inner)}" if inner else text)
            case RequiredFragment(types, inner):
                parts.append(f"... on {' | '.join(sorted(types))} {_requires(inner)}")
    return "{ " + " ".join(parts) + " }"


def _step(step: Step) -> str:
    return f"{step.key}[{'|'.join(sorted(step.types))}]" if step.types else step.key


def _indented(lines: list[str]) -> list[str]:
    return [INDENT + line for line in lines]
