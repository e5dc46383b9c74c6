"""The @defer's and @stream's of one operation, as normalisation meets them: which are active, and what comes when.

In: the Boolean variables that are on, then fragments and the occurrences of fields. Out: numbered fragments and parts.
An operation that defers is made plain for known values of its conditions: what comes when is then settled before
anything runs. Refuses more than `limit` deferred fragments, for a fragment that is spread often is deferred as often;
and more streamed lists than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    Node,
    StringValueNode,
    ValueNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.language.visitor import REMOVE, VisitorActionEnum

from gateway.errors import LimitExceeded
from gateway.operation.model import Field
from gateway.plan.deferral import FIRST, DeferHere, DeferredFragment, Part, StreamHere

_DEFER, _STREAM = "defer", "stream"
_PARTING = frozenset((_DEFER, _STREAM))
_CONDITIONS = frozenset((*_PARTING, "include", "skip"))

ITSELF = Field("", "__typename", "", frozenset(), "String")
"""Asked of an object of which everything comes later: whether it is there at all."""


def may_come_in_pieces(text: str) -> bool:
    """A quick look: false where nothing in it is deferred or streamed."""
    return _DEFER in text or _STREAM in text


def switches_in(document: DocumentNode) -> frozenset[str] | None:
    """The variables that decide what comes and when; None where nothing is deferred or streamed."""
    found: set[str] = set()
    defers = False
    for directive in _directives_in(document):
        if directive.name.value in _CONDITIONS:
            defers = defers or directive.name.value in _PARTING
            found |= {
                argument.value.name.value
                for argument in directive.arguments or ()
                if argument.name.value == "if" and isinstance(argument.value, VariableNode)
            }
    return frozenset(found) if defers else None


def undeferred(node: Node) -> Node:
    """The selections without any @defer or @stream."""
    changed: Node = visit(node, _Undefer())
    return changed


class _Undefer(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: object) -> VisitorActionEnum | None:
        return REMOVE if node.name.value in _PARTING else None


class _Collect(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[DirectiveNode] = []

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        self.found.append(node)


def _directives_in(document: DocumentNode) -> Iterable[DirectiveNode]:
    collecting = _Collect()
    visit(document, collecting)
    return collecting.found


class Deferring:
    """The active @defer's and @stream's of one operation, numbered as they are met."""

    def __init__(self, switched_on: frozenset[str], limit: int) -> None:
        self.switched_on = switched_on
        self.fragments: list[DeferredFragment] = []
        self.streams: list[StreamHere] = []
        self._limit = limit

    def directive_of(self, selection: FragmentSpreadNode | InlineFragmentNode) -> DirectiveNode | None:
        """The selection's @defer, if it is active."""
        for directive in selection.directives or ():
            if directive.name.value == _DEFER:
                return directive if self._is_on(directive) else None
        return None

    def part_of(self, asked_in: Iterable[int]) -> Part:
        """The part of a field that these fragments ask (0: no deferred one does): the outermost of them."""
        fragments = frozenset(asked_in)
        if 0 in fragments:
            return FIRST
        return frozenset(each for each in fragments if fragments.isdisjoint(self._around(each)))

    def number(self, directive: DirectiveNode, parent: int) -> int:
        """A new fragment's number."""
        if len(self.fragments) >= self._limit:
            raise LimitExceeded("deferred fragments", self._limit)
        self.fragments.append(DeferredFragment(len(self.fragments) + 1, _label(directive), parent))
        return len(self.fragments)

    def stream_of(self, node: FieldNode, asked_in: Iterable[int]) -> StreamHere | None:
        """How the field's list is streamed, if it is.

        A list that a deferred fragment asks comes with that fragment, and all of it at once.
        """
        directive = next((each for each in node.directives or () if each.name.value == _STREAM), None)
        if directive is None or not self._is_on(directive) or set(asked_in) != {0}:
            return None
        if len(self.streams) >= self._limit:
            raise LimitExceeded("streamed lists", self._limit)
        self.streams.append(StreamHere(-len(self.streams) - 1, _initial(directive), _label(directive)))
        return self.streams[-1]

    def move_out(self, fragment: int, parent: int) -> None:
        """The fragment stands in `parent`, too; if that is further out, only there."""
        known = self.fragments[fragment - 1]
        if known.parent != parent and (not parent or parent in self._around(fragment)):
            self.fragments[fragment - 1] = DeferredFragment(known.id, known.label, parent)

    def _is_on(self, directive: DirectiveNode) -> bool:
        value = _argument(directive, "if")
        if isinstance(value, VariableNode):
            return value.name.value in self.switched_on
        return not isinstance(value, BooleanValueNode) or value.value

    def _around(self, fragment: int) -> Iterator[int]:
        while parent := self.fragments[fragment - 1].parent:
            yield parent
            fragment = parent


class DefersHere:
    """The deferred fragments in the selections of one object, while they are being read."""

    def __init__(self, deferring: Deferring) -> None:
        self._deferring = deferring
        self._types: dict[int, frozenset[str]] = {}
        self._numbers: dict[int, int] = {}

    def entered(self, selection: FragmentSpreadNode | InlineFragmentNode, parent: int, types: frozenset[str]) -> int:
        """The deferred fragment that holds within the selection, which is read for these types.

        One @defer is one fragment here, however often it is read: where the named fragment that it stands in is spread
        again, its fields come with whichever is outermost.
        """
        directive = self._deferring.directive_of(selection)
        if directive is None:
            return parent
        number = self._numbers.get(id(directive))
        if number is None:
            number = self._numbers[id(directive)] = self._deferring.number(directive, parent)
        else:
            self._deferring.move_out(number, parent)
        self._types[number] = self._types.get(number, frozenset()) | types
        return number

    def result(self, everything: frozenset[str]) -> tuple[DeferHere, ...]:
        return tuple(
            DeferHere(number, frozenset() if types == everything else types) for number, types in self._types.items()
        )


def _argument(directive: DirectiveNode, name: str) -> ValueNode | None:
    return next((each.value for each in directive.arguments or () if each.name.value == name), None)


def _label(directive: DirectiveNode) -> str | None:
    label = _argument(directive, "label")
    return label.value if isinstance(label, StringValueNode) else None


def _initial(directive: DirectiveNode) -> int | str:
    value = _argument(directive, "initialCount")
    if isinstance(value, VariableNode):
        return value.name.value
    return int(value.value) if isinstance(value, IntValueNode) else 0


def defers_all(part: Part, selections: Iterable[Field]) -> bool:
    """Whether all of an object's fields come later than the object itself."""
    return all(field.part != part for field in selections)
