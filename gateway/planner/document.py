"""Write the GraphQL document of a fetch.

In: a fetch draft and the client's variables. Out: the plan's `Fetch`. The text is compact and deterministic: equal
drafts give equal bytes. Where two types give one key in shapes that GraphQL forbids side by side, the second is asked
under an internal alias, and the fetch says how to rename it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from gateway.operation.conditions import NEVER, Conditions, in_order, necessary
from gateway.plan.nodes import ContextVariable, EntityInput, Fetch, OutputRename, RequiredFragment, Step
from gateway.plan.shape import Toggle
from gateway.planner.errors import PlanTooComplex
from gateway.planner.fetch_graph import (
    ContextSlot,
    FetchDraft,
    Group,
    Item,
    Path,
    Requirements,
    Selection,
    selections_of,
)

VariableDefinitions = Mapping[str, str]
_MOST_TEXT = 256 * 1024


def fetch_of(draft: FetchDraft, number: int, variables: VariableDefinitions, copies: bool = False) -> Fetch:
    """The finished fetch; `copies` when the operation uses contexts."""
    writer = _Writer({key for selection in selections_of(draft) for key in _keys_in(selection)})
    held = draft.toggles or frozenset()
    definitions: list[str] = []
    inputs: list[EntityInput] = []
    prefix = _free_prefix("representations", variables)
    contexts = _free_prefix("context", variables)
    if draft.root is not None:
        body = writer.selection(draft.root, (), held)
    elif draft.groups[0].at_root:
        (group,) = draft.groups
        inputs.append(_input_of(group, "", "", {}))
        body = writer.selection(group.parts[inputs[0].typename_as or ""], (), held)
    else:
        parts = []
        alike = _Alike(inputs)
        for index, group in enumerate(draft.groups):
            suffix = "" if len(draft.groups) == 1 else str(index)
            slots = {slot: f"{contexts}{suffix}_{number}" for number, slot in enumerate(_slots_in(group))}
            wanted = _input_of(group, f"_entities{suffix}", f"{prefix}{suffix}", slots)
            selection = writer.group(group, held, slots)
            if alike.take(wanted, selection):
                continue
            definitions.append(f"${prefix}{suffix}: [_Any!]!")
            definitions += [f"${name}: {slot.type_text}" for slot, name in slots.items()]
            alias = f"_entities{suffix}: " if suffix else ""
            parts.append(f"{alias}_entities(representations: ${prefix}{suffix}) {selection}")
        body = "{ " + " ".join(parts) + " }"
    used = tuple(name for name in variables if name in writer.variables)
    definitions += [variables[name] for name in used]
    head = f"{draft.kind}({', '.join(definitions)}) " if definitions else f"{draft.kind} "
    if draft.kind == "query" and not definitions:
        head = ""
    return Fetch(
        id=number,
        subgraph=draft.subgraph,
        kind=draft.kind,
        document=head + body,
        variables=used,
        inputs=tuple(inputs),
        renames=tuple(writer.renames),
        copies=copies and draft.root is None,
        keeps_typename=draft.root is not None
        or not all(selection.node.is_interface_object for group in draft.groups for selection in group.parts.values()),
    )


class _Alike:
    """The inputs of one fetch. Objects of one type that are asked in the same way, wherever they are, share one."""

    def __init__(self, inputs: list[EntityInput]) -> None:
        self._inputs = inputs
        self._known: dict[object, int] = {}

    def take(self, wanted: EntityInput, selection: str) -> bool:
        """Whether it is asked along with a known one. Only plain values are: an entity's objects have one place."""
        plain = selection.count("{") == 2 and wanted.typename_as is not None and not wanted.contexts
        same = (wanted.typename_as, wanted.requires, selection) if plain else wanted.alias
        known = self._known.setdefault(same, len(self._inputs))
        if known == len(self._inputs):
            self._inputs.append(wanted)
            return False
        first = self._inputs[known]
        self._inputs[known] = replace(first, also=(*first.also, wanted.path))
        return True


def _free_prefix(prefix: str, variables: VariableDefinitions) -> str:
    """A name for variables of the plan's own that no variable of the client begins with."""
    while any(name.startswith(prefix) for name in variables):
        prefix = "_" + prefix
    return prefix


def _slots_in(group: Group) -> Iterable[ContextSlot]:
    """The group's contexts, each once, in the order in which its document uses them."""
    items = (item for _, selection in sorted(group.parts.items()) for item in selection.items.values())
    return dict.fromkeys(slot for item in items for _, slot in item.contexts)


def _input_of(group: Group, alias: str, variable: str, slots: Mapping[ContextSlot, str]) -> EntityInput:
    shapes = list(group.requires.items())
    requires: Requirements
    if all(required == shapes[0][1] for _, required in shapes):
        requires = shapes[0][1]
    else:
        requires = tuple(
            RequiredFragment(frozenset((concrete,)), required) for concrete, required in shapes if concrete is not None
        )
    # Where the concrete type is known from the path, the plan says it; else each object says its own.
    name = next(iter(group.parts)) if len(group.parts) == 1 else None
    contexts = tuple(
        ContextVariable(variable, not slot.type_text.endswith("!"), slot.sources) for slot, variable in slots.items()
    )
    return EntityInput(alias, variable, _steps(group.path), requires, name, contexts, known_at=group.known_at)


def _steps(path: Path) -> tuple[Step, ...]:
    return tuple(
        Step(step.key, frozenset() if step.types is None or step.types >= step.possible else step.types)
        for step in path
    )


@dataclass(slots=True)
class _Writer:
    """Writes selections; remembers the variables and the renames that they take.

    taken: every key in the fetch, for a rename holds for all objects of the fetch that have the alias at its path.
    """

    taken: set[str]
    variables: set[str] = field(default_factory=set)
    renames: list[OutputRename] = field(default_factory=list)
    slots: Mapping[ContextSlot, str] = field(default_factory=dict)

    def group(self, group: Group, held: frozenset[Toggle], slots: Mapping[ContextSlot, str]) -> str:
        """The selection set of an `_entities` field; `held` are toggles that hold anyway.

        `slots` names the variables of its contexts.
        """
        self.slots = slots
        ordered = sorted(group.parts.items())
        aliases = self._aliases([item for _, part in ordered for item in part.items.values()])
        parts = [f"... on {name} {self.selection(part, (), held, aliases)}" for name, part in ordered]
        return "{ " + " ".join(parts) + " }"

    def selection(
        self,
        selection: Selection,
        path: tuple[Step, ...],
        held: frozenset[Toggle],
        aliases: Mapping[Item, str] | None = None,
    ) -> str:
        """The selection set; `path` is where it stands below the merged object."""
        parts: list[str] = []
        if selection.typename:
            parts.append("__typename")
        typed: dict[str, list[str]] = {}
        if aliases is None:
            aliases = self._aliases(list(selection.items.values()))
        for item in selection.items.values():
            if item.conditions == NEVER:
                continue
            alias = aliases.get(item, item.key)
            here = path
            if alias != item.key:
                here = _narrowed(path, item.concrete)
                self.renames.append(OutputRename(here, alias, item.key))
            text = self._item(item, alias, path, held)
            if item.concrete is None or item.concrete == selection.node.name:
                parts.append(text)
            else:
                typed.setdefault(item.concrete, []).append(text)
        parts += [f"... on {concrete} {{ {' '.join(texts)} }}" for concrete, texts in sorted(typed.items())]
        _refuse_long(sum(map(len, parts)))
        return "{ " + " ".join(parts or ["__typename"]) + " }"

    def _item(self, item: Item, alias: str, path: tuple[Step, ...], held: frozenset[Toggle]) -> str:
        name = item.field.name
        self.variables |= item.field.variables
        text = (f"{alias}: {name}" if alias != name else name) + self._arguments(item)
        below = ""
        if item.value is not None:
            inner = (*_narrowed(path, item.concrete), Step(item.key))
            below = " " + self.selection(item.value, inner, held | necessary(item.conditions))
        return self._under(item.conditions, text, below, held)

    def _arguments(self, item: Item) -> str:
        if not item.contexts:
            return item.field.arguments
        given = ", ".join(f"{name}: ${self.slots[slot]}" for name, slot in item.contexts)
        own = item.field.arguments.removesuffix(")")
        return f"{own}, {given})" if own else f"({given})"

    def _under(self, conditions: Conditions, text: str, below: str, held: frozenset[Toggle]) -> str:
        """The field under its conditions, without those that hold anyway."""
        alternatives = [[t for t in alternative if t not in held] for alternative in in_order(conditions)]
        if not alternatives or not all(alternatives):
            return text + below
        written = []
        _refuse_long(len(alternatives) * len(below))
        for alternative in alternatives:
            self.variables |= {toggle.variable for toggle in alternative}
            *outer, last = [_directive(toggle) for toggle in alternative]
            whole = f"{text} {last}{below}"
            for directive in reversed(outer):
                whole = f"... {directive} {{ {whole} }}"
            written.append(whole)
        return " ".join(written)

    def _aliases(self, items: list[Item]) -> dict[Item, str]:
        """Items that may not stand under their own key, because another type has a value of another shape there."""
        found: dict[Item, str] = {}
        first: dict[str, list[Item]] = {}
        for item in items:
            others = first.setdefault(item.key, [])
            if any(_conflict([item], [other]) for other in others):
                number = 1
                while f"{item.key}__{number}" in self.taken:
                    number += 1
                found[item] = f"{item.key}__{number}"
                self.taken.add(found[item])
            else:
                others.append(item)
        return found


def _refuse_long(length: int) -> None:
    """What is asked under several conditions, or of several types, is written once for each, and so is all below it."""
    if length > _MOST_TEXT:
        raise PlanTooComplex(f"{_MOST_TEXT} bytes for one request to a subgraph")


def _keys_in(selection: Selection) -> Iterator[str]:
    for item in selection.items.values():
        yield item.key
        if item.value is not None:
            yield from _keys_in(item.value)


def _directive(toggle: Toggle) -> str:
    return f"@{'include' if toggle.equals else 'skip'}(if: ${toggle.variable})"


def _narrowed(path: tuple[Step, ...], concrete: str | None) -> tuple[Step, ...]:
    if concrete is None or not path:
        return path
    return (*path[:-1], Step(path[-1].key, frozenset((concrete,))))


def _conflict(left: list[Item], right: list[Item]) -> bool:
    """Whether GraphQL would refuse one on the left beside one on the right under one key.

    All at once: each with each, level by level, would be a number of pairs that no budget holds.
    """
    for leaves, others in ((left, right), (right, left)):
        types = {item.type_text for item in leaves if item.value is None}
        if types and len(types | {item.type_text for item in others}) > 1:
            return True
    above = [[item for item in side if item.value is not None] for side in (left, right)]
    if all(above) and len({_wrapping(item.type_text) for side in above for item in side}) > 1:
        return True
    one, other = _by_key(above[0]), _by_key(above[1])
    return any(_conflict(below, other[key]) for key, below in one.items() if key in other)


def _by_key(items: list[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        for below in item.value.items.values() if item.value is not None else ():
            found.setdefault(below.key, []).append(below)
    return found


def _wrapping(type_text: str) -> str:
    return "".join(mark for mark in type_text if mark in "[]!")
