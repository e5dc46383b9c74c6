"""One operation, compiled as it is used. In: an executor that has it. Out: a Python function for each selection set.

A selection set is compiled for an object type when the first value of that type comes to it, so that the many types
behind an interface cost nothing until they are seen. The fields are collected by graphql-core. Compiles no more than
`MOST_FIELDS` fields of an operation: fragments inside fragments can name more fields than any answer will hold.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError, GraphQLObjectType
from graphql.execution.collect_fields import (
    CollectedFields,
    FieldDetailsList,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.pyutils import Path
from strawberry.schema.config import StrawberryConfig

from subgraphs.serving.compiled import completing
from subgraphs.serving.compiled.completing import FieldPlan
from subgraphs.serving.compiled.leaves import COERCED, USUAL
from subgraphs.serving.compiled.recognising import Recognised, Selection, uncast
from subgraphs.serving.compiled.resolving import Way, way_of
from subgraphs.serving.compiled.writing import SelectionWriter

if TYPE_CHECKING:
    from subgraphs.serving.compiled.executor import CompiledExecutor

MOST_FIELDS: Final = 500

_ALL_NAMES: Final[dict[str, Any]] = {
    "AWAITED": completing.AWAITED,
    "COERCED": COERCED,
    "Coroutine": CoroutineType,
    "Path": Path,
    "USUAL": USUAL,
    "abandon_items": completing.abandon_items,
    "field_failed": completing.field_failed,
    "field_later": completing.field_later,
    "fields_later": completing.fields_later,
    "item_failed": completing.item_failed,
    "item_later": completing.item_later,
    "items_later": completing.items_later,
    "new": tuple.__new__,
    "other_field": completing.other_field,
    "other_item": completing.other_item,
    "other_leaf": completing.other_leaf,
    "other_value": completing.other_value,
    "uncast": uncast,
}


class CompiledOperation:
    def __init__(self, root_type: GraphQLObjectType, config: StrawberryConfig) -> None:
        self.root_type = root_type
        self.root_fields: GroupedFieldSet = {}
        self.root: Selection | None = None
        self.source: list[str] = []
        self._config = config
        self._names = dict(_ALL_NAMES)
        self._selections: dict[tuple[str, int], tuple[FieldDetailsList, Selection]] = {}
        self.field_count = 0

    @classmethod
    def of(
        cls, executor: CompiledExecutor, root_type: GraphQLObjectType, config: StrawberryConfig
    ) -> CompiledOperation | None:
        """None where graphql-core cannot collect the root's fields, or there are too many."""
        operation = cls(root_type, config)
        collected = operation._collected(executor, root_type, None)
        if collected is None:
            return None
        operation.root_fields = collected.grouped_field_set
        operation.root = operation._compile(executor, root_type, collected.grouped_field_set, root=True)
        return operation if operation.root is not None else None

    def selection(
        self, executor: CompiledExecutor, kind: GraphQLObjectType, details: FieldDetailsList
    ) -> Selection | None:
        """The function for this type below this field; None where graphql-core has to do it."""
        found = self._selections.get((kind.name, id(details)))
        if found is not None:
            return found[1]
        collected = self._collected(executor, kind, details)
        if collected is None:
            return None
        selection = self._compile(executor, kind, collected.grouped_field_set, root=False)
        if selection is not None:
            # Kept with the list: while it is here, its identity is no other list's.
            self._selections[kind.name, id(details)] = details, selection
        return selection

    def _collected(
        self, executor: CompiledExecutor, kind: GraphQLObjectType, details: FieldDetailsList | None
    ) -> CollectedFields | None:
        schema, fragments, variables = executor.schema, executor.fragments, executor.variable_values
        hidden, operation = executor.hide_suggestions, executor.operation
        if self.field_count >= MOST_FIELDS:
            return None
        try:
            if details is None:
                found = collect_fields(schema, fragments, variables, kind, operation, hidden)
            else:
                found = collect_subfields(schema, fragments, variables, operation, kind, details, hidden)
        except (GraphQLError, RecursionError):
            # Graphql-core raises it again where it belongs.
            return None
        return None if found.new_defer_usages else found

    def _compile(
        self, executor: CompiledExecutor, kind: GraphQLObjectType, grouped: GroupedFieldSet, root: bool
    ) -> Selection | None:
        first = self.field_count
        self.field_count += len(grouped) or 1
        if self.field_count > MOST_FIELDS:
            return None
        fields: list[FieldPlan | str] = []
        ways: dict[int, Way] = {}
        for index, (key, details) in enumerate(grouped.items(), first):
            name = details[0].node.name.value
            definition = executor.schema.get_field(kind, name)
            if name == "__typename":
                fields.append(key)
            elif definition is not None:
                plan = FieldPlan(index, key, kind, definition, details)
                fields.append(plan)
                ways[index] = way_of(definition, self._config)
        name = f"o{first}"
        writer = SelectionWriter(self._names, lambda below, plan: Recognised(self, below, plan.details))
        text = writer.text(name, kind.name, fields, ways, root)
        self.source.append(text)
        # Compiled from the schema and from literals alone, see `writing`.
        exec(compile(text, f"<{kind.name} of an operation>", "exec"), self._names)  # noqa: S102
        selection: Selection = self._names[name]
        return selection
