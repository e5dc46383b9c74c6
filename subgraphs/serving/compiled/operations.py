"""The compiled operations of one schema: which are compiled, which are not, and how many are kept.

An operation is known by its node in the parsed document, which the schema's cache of documents keeps, and by the
values of the variables in its `@include` and `@skip`. It is compiled at its second use: what comes once is not worth
the compiler. Refused are: introspection, `@defer` and `@stream`, fragments with variables, and executors with
middleware, an abort signal or predicates of their own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
)
from graphql.pyutils.is_awaitable import is_awaitable
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.config import StrawberryConfig

from subgraphs.serving.compiled.selections import CompiledOperation

if TYPE_CHECKING:
    from subgraphs.serving.compiled.executor import CompiledExecutor

MOST_OPERATIONS: Final = 1024
MOST_VARIANTS: Final = 16
# Of all operations of a schema together; a compiled field takes about 8 kB.
MOST_FIELDS: Final = 10_000
_INTROSPECTION: Final = frozenset({"__schema", "__type"})


class Known:
    """One operation: whether it may be compiled, and its compiled variants."""

    def __init__(
        self, operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode], plain: bool
    ) -> None:
        self.operation = operation
        self.fragments = fragments
        self.uses = 0
        self.variables: tuple[str, ...] = ()
        self.may_compile = plain
        self.variants: dict[tuple[object, ...], CompiledOperation | None] = {}
        for node in _selections(operation, fragments):
            directives = {directive.name.value: directive for directive in node.directives or ()}
            if {"defer", "stream"} & directives.keys():
                self.may_compile = False
            if isinstance(node, FieldNode) and node.name.value in _INTROSPECTION:
                self.may_compile = False
            for name in {"include", "skip"} & directives.keys():
                given = [argument.value for argument in directives[name].arguments or ()]
                self.variables += tuple(value.name.value for value in given if isinstance(value, VariableNode))

    def field_count(self) -> int:
        return sum(compiled.field_count for compiled in self.variants.values() if compiled is not None)


class CompiledOperations:
    """The cache. `compile_at`: the use of an operation at which it is compiled."""

    def __init__(self, compile_at: int) -> None:
        self._compile_at = compile_at
        self._known: OrderedDict[int, Known] = OrderedDict()
        self.runs_compiled = 0
        self.runs_left = 0

    def __len__(self) -> int:
        return len(self._known)

    def of(self, executor: CompiledExecutor, config: StrawberryConfig) -> CompiledOperation | None:
        """The compiled operation for this execution; None where graphql-core runs it."""
        found = self._found(executor, config)
        if found is None:
            self.runs_left += 1
        else:
            self.runs_compiled += 1
        return found

    def _found(self, executor: CompiledExecutor, config: StrawberryConfig) -> CompiledOperation | None:
        known = self._entry(executor)
        known.uses += 1
        if known.uses < self._compile_at or not known.may_compile or not _is_usual(executor):
            return None
        coerced = executor.variable_values.coerced
        variant = tuple(coerced.get(name, Undefined) for name in known.variables)
        if variant in known.variants:
            return known.variants[variant]
        root_type = executor.schema.get_root_type(executor.operation.operation)
        if root_type is None or len(known.variants) >= MOST_VARIANTS:
            return None
        compiled = CompiledOperation.of(executor, root_type, config)
        known.variants[variant] = compiled
        self._make_room()
        return compiled

    def _make_room(self) -> None:
        """Forget the operations that were asked longest ago until the fields of the others are few enough."""
        fields = sum(known.field_count() for known in self._known.values())
        while fields > MOST_FIELDS and len(self._known) > 1:
            _, known = self._known.popitem(last=False)
            fields -= known.field_count()

    def _entry(self, executor: CompiledExecutor) -> Known:
        operation, fragments = executor.operation, executor.fragment_definitions
        known = self._known.get(id(operation))
        # The entry holds the node, so nothing else has its identity; its fragments may still be others.
        if known is not None and _same(known.fragments, fragments):
            self._known.move_to_end(id(operation))
            return known
        plain = not any(fragment.variable_signatures for fragment in executor.fragments.values())
        known = self._known[id(operation)] = Known(operation, fragments, plain)
        self._known.move_to_end(id(operation))
        while len(self._known) > MOST_OPERATIONS:
            self._known.popitem(last=False)
        return known


def _same(one: dict[str, FragmentDefinitionNode], other: dict[str, FragmentDefinitionNode]) -> bool:
    return len(one) == len(other) and all(one.get(name) is fragment for name, fragment in other.items())


def _is_usual(executor: CompiledExecutor) -> bool:
    middleware = executor.middleware_manager
    if middleware is not None and middleware._middleware_resolvers is not None:
        return False
    return executor.abort_signal is None and executor.is_awaitable in (optimized_is_awaitable, is_awaitable)


def _selections(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]
) -> Iterator[SelectionNode]:
    """All fields, spreads and inline fragments of the operation and of every fragment of its document."""
    left: list[SelectionSetNode] = [operation.selection_set, *(each.selection_set for each in fragments.values())]
    while left:
        for selection in left.pop().selections:
            yield selection
            below = getattr(selection, "selection_set", None)
            if below is not None:
                left.append(below)
