"""graphql-core's executor with compiled selection sets. In: what graphql-core builds one from. Out: its results.

    Schema(..., execution_context_class=compiled_executor())

Queries, and everything below the root fields of mutations and subscriptions' events, run through functions compiled
for the operation (`selections`); what those cannot judge comes back to graphql-core's own methods here, from the value
already resolved. Data, errors, their order and their paths are those of graphql-core.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar, cast

from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, GraphQLResolveInfo, OperationType
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path
from strawberry.schema import Schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

from subgraphs.serving.compiled.completing import FieldPlan
from subgraphs.serving.compiled.operations import CompiledOperations
from subgraphs.serving.compiled.resolving import converted
from subgraphs.serving.compiled.selections import CompiledOperation

_NOT_YET = object()
# Where the facts of one field end in an info, and those of the whole execution begin.
_OF_THE_FIELD = 5


class CompiledExecutor(StrawberryGraphQLCoreExecutionContext):
    operations: ClassVar[CompiledOperations]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compiled: CompiledOperation | None = None
        self._arguments: dict[int, dict[str, Any] | object | None] = {}
        self._info_class: type[tuple[Any, ...]] | None = None
        self._info_rest: tuple[Any, ...] = ()
        self._strawberry: Schema = self.schema._strawberry_schema  # type: ignore[attr-defined]

    def execute_operation(self, serially: bool | None = None) -> Any:
        """graphql-core's, with the compiled root in the place of collecting and executing fields."""
        self._compiled = compiled = self.operations.of(self, self._strawberry.config)
        if compiled is None or compiled.root is None:
            return super().execute_operation(serially)
        one_by_one = self.operation.operation == OperationType.MUTATION if serially is None else serially
        try:
            if one_by_one:
                result = self.execute_fields_serially(
                    compiled.root_type, self.root_value, None, compiled.root_fields, None
                )
            else:
                result = compiled.root(self, self.root_value)
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return self.build_response(None)
        if self.is_awaitable(result):
            return self._answer_later(result)
        return self.build_response(cast("dict[str, Any]", result))

    async def _answer_later(self, result: Awaitable[dict[str, Any]]) -> ExecutionResult:
        try:
            data = await result
        except GraphQLError as error:
            self.collected_errors.add(error, None)
            return cast("ExecutionResult", self.build_response(None))
        except Exception:
            await self.cancel_incremental_work()
            self.run_async_work_finished_hook()
            raise
        return cast("ExecutionResult", self.build_response(data))

    def collect_and_execute_subfields(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """Where graphql-core completed a value by itself, what is below it is compiled again."""
        if self._compiled is not None and position_context is None:
            selection = self._compiled.selection(self, return_type, field_details_list)
            if selection is not None:
                return selection(self, result, *path)
        return super().collect_and_execute_subfields(return_type, field_details_list, path, result, position_context)

    def info(self, plan: FieldPlan, path: Path) -> GraphQLResolveInfo[Any]:
        """The same as `build_resolve_info` makes, at a fraction of its price."""
        if self._info_class is None:
            info = self.build_resolve_info(plan.definition, list(plan.nodes), plan.parent, path)
            self._info_class, self._info_rest = type(info), tuple(info)[_OF_THE_FIELD:]
            return info
        of_the_field = (plan.name, list(plan.nodes), plan.type, plan.parent, path)
        return cast("GraphQLResolveInfo[Any]", tuple.__new__(self._info_class, of_the_field + self._info_rest))

    def strawberry_info(self, plan: FieldPlan, field: StrawberryField, path: Path) -> Any:
        return self._strawberry.config.info_class(_raw_info=self.info(plan, path), _field=field)

    def call_declared(self, plan: FieldPlan, source: Any, path: Path) -> Any:
        """What the schema's own resolver gives."""
        definition, first = plan.definition, plan.details[0]
        given: dict[str, Any] = {}
        info = self.info(plan, path)
        if definition.args or plan.node.arguments:
            given = get_argument_values(
                definition, plan.node, self.variable_values, first.fragment_variable_values, self.hide_suggestions
            )
        return (plan.declared or self.field_resolver)(source, info, **given)

    def arguments(self, plan: FieldPlan, field: StrawberryField) -> dict[str, Any] | None:
        """What the Python function takes; the same for every object, so coerced once. None: ask the declared way."""
        known = self._arguments.get(plan.index, _NOT_YET)
        if known is _NOT_YET:
            values = get_argument_values(plan.definition, plan.node, self.variable_values, None, self.hide_suggestions)
            known = self._arguments[plan.index] = converted(values, field, self._strawberry.schema_converter)
        return cast("dict[str, Any] | None", known)


def compiled_executor(compile_at: int = 2) -> type[CompiledExecutor]:
    """An executor class with a cache of its own, for one schema."""
    return type("CompiledExecutor", (CompiledExecutor,), {"operations": CompiledOperations(compile_at)})
