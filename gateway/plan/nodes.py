"""The query plan as data: what the planner says and the executor does. Neither imports the other.

In: nothing. Out: frozen structs that print (`render.py`), compare and go over a wire. Next to no behaviour lives here.

A plan is a tree of nodes. A `Fetch` sends one GraphQL document to one subgraph. A root fetch merges its answer at the
root of the response tree. An entity fetch carries one or more `EntityInput`s: each names the places in the tree whose
objects it wants, how to make a representation of such an object, and under which alias of the document the answers
come back. Several inputs in one fetch is how sibling entity fetches to one subgraph become one request.

The response tree holds raw subgraph answers under the *source keys* of the plan (which may be internal aliases);
`shape.py` says how the client's answer is read out of it.
"""

from __future__ import annotations

from typing import Literal, NewType

from msgspec import Struct

SubgraphName = NewType("SubgraphName", str)
OperationKind = Literal["query", "mutation", "subscription"]


class Step(Struct, frozen=True):
    """One step into the response tree: the value under `key`; lists of any depth on the way are entered item by item.

    `types`: go on only with objects whose `__typename` is among these concrete types; empty means any object.
    """

    key: str
    types: frozenset[str] = frozenset()


class RequiredField(Struct, frozen=True):
    """One field of a representation: sent as `name`, read from the tree under `source`; `selections` if composite."""

    name: str
    source: str
    selections: tuple[RequiredField | RequiredFragment, ...] = ()


class RequiredFragment(Struct, frozen=True):
    """Fields of a representation that hold for objects whose `__typename` is among `types`."""

    types: frozenset[str]
    selections: tuple[RequiredField | RequiredFragment, ...]


class ContextSource(Struct, frozen=True):
    """One object above an input's objects, and the value to read there.

    depth: how many steps of the input's path lead to it; the root has none.
    types: it counts only when its `__typename` is among them; empty: whatever it is.
    requires: the way to the value, which is the one leaf; fragments select by concrete type.
    """

    depth: int
    types: frozenset[str]
    requires: tuple[RequiredField | RequiredFragment, ...]


class ContextVariable(Struct, frozen=True):
    """A variable of the document whose value the first source that counts gives, nearest first."""

    variable: str
    nullable: bool
    sources: tuple[ContextSource, ...]


class KnownAt(Struct, frozen=True):
    """Objects of which a fetch's subgraph has told, before the fetch, all that one of its inputs asks.

    path: where they are; lists on the way are entered. key: each field of a representation, and the key under which it
    stands there. fields: each key that is asked, and the key there.
    """

    path: tuple[Step, ...]
    key: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...]


class EntityInput(Struct, frozen=True):
    """The objects that one `_entities` call is about.

    alias: response key of this `_entities` field in the fetch's document ("_entities" when it is the only one). Empty:
        the objects are the query root, reached again below the root, and the whole answer belongs to each of them.
    variable: name of its representations variable, without `$`.
    path: where the objects are in the response tree. also: more such places, asked about in the same way.
    requires: what a representation holds besides `__typename`; fragments select by concrete type.
    typename_as: send this `__typename` instead of the object's own (an interface object's or interface's name).
    contexts: variables that only this `_entities` field uses. Objects for which their values differ cannot share it:
        each set of values takes a copy of the field of its own.
    known_at: places whose objects with the same key are taken instead of asking, the first that has one, and of it only
        what is whole: all its key and its fields, and no null among them.
    An object for which a required field is missing or null in a non-null position is not sent; its fields stay null.
    """

    alias: str
    variable: str
    path: tuple[Step, ...]
    requires: tuple[RequiredField | RequiredFragment, ...]
    typename_as: str | None = None
    contexts: tuple[ContextVariable, ...] = ()
    also: tuple[tuple[Step, ...], ...] = ()
    known_at: tuple[KnownAt, ...] = ()

    @property
    def paths(self) -> tuple[tuple[Step, ...], ...]:
        return (self.path, *self.also)


class OutputRename(Struct, frozen=True):
    """In the answer of a fetch, below `path` (from the merged object), the value under `key` is kept as `name`."""

    path: tuple[Step, ...]
    key: str
    name: str


class Fetch(Struct, frozen=True, tag=True):
    """One request to one subgraph.

    id: unique within the plan, in execution-independent order, so that errors and traces can name it.
    document: the complete GraphQL text, deterministic.
    variables: the client's variables that the document uses (representations variables are not among them).
    inputs: empty for a root fetch.
    keeps_typename: whether `__typename` in the answer replaces the tree's (false for an interface object's answer).
    copies: objects that share an answer get a copy each, for contexts may tell apart what lies below them.
    """

    id: int
    subgraph: SubgraphName
    kind: OperationKind
    document: str
    variables: tuple[str, ...] = ()
    inputs: tuple[EntityInput, ...] = ()
    renames: tuple[OutputRename, ...] = ()
    keeps_typename: bool = True
    copies: bool = False


class Sequence(Struct, frozen=True, tag=True):
    """One after the other."""

    nodes: tuple[Node, ...]


class Parallel(Struct, frozen=True, tag=True):
    """At the same time."""

    nodes: tuple[Node, ...]


class Condition(Struct, frozen=True, tag=True):
    """`node` only when the boolean variable `variable` equals `equals`: fetches that @include or @skip may save."""

    variable: str
    equals: bool
    node: Node


class Subscribe(Struct, frozen=True, tag=True):
    """`primary` opens the event stream; `rest` (if any) runs once for every event, on that event's tree."""

    primary: Fetch
    rest: Node | None = None


Node = Fetch | Sequence | Parallel | Condition | Subscribe
