"""A subgraph as an object: the seam that the gateway's in-process client calls, and that `app` puts on a socket.

In: a document, variables, an operation name and the caller token's text. Out: a GraphQL response, or a stream of them.
The token is verified once an operation. Nothing is raised for a bad request; the response says it.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from typing import Any, Final, cast

from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from subgraphs.serving.caller_token import CallerTokens
from subgraphs.serving.context import Context, Resources
from subgraphs.serving.deadline import changes_something
from subgraphs.serving.errors import Refused, TooLate
from subgraphs.serving.failures import formatted_failures, formatted_refusal
from subgraphs.serving.reading import OperationScope
from subgraphs.serving.schema import SubgraphSchema

Response = dict[str, Any]

ANSWERED_ONCE: Final = frozenset({OperationType.QUERY, OperationType.MUTATION})
ANSWERED_AS_STREAM: Final = frozenset(OperationType)


def random_trace_id() -> str:
    return uuid.uuid4().hex


class InProcessSubgraph:
    def __init__(
        self,
        schema: SubgraphSchema,
        resources: Resources,
        caller_tokens: CallerTokens,
        new_trace_id: Callable[[], str] = random_trace_id,
    ) -> None:
        self._schema = schema
        self._resources = resources
        self._caller_tokens = caller_tokens
        self._new_trace_id = new_trace_id

    async def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        caller_token: str | None = None,
        scope: OperationScope | None = None,
        timeout_s: float | None = None,
    ) -> Response:
        """The response to one query or mutation. `scope`: of the operation that this is one fetch of.

        timeout_s: a query that takes longer is ended, and a mutation not begun where nothing is left.
        """
        limit_s = None if timeout_s and changes_something(document, operation_name) else timeout_s
        late = asyncio.timeout(limit_s)
        try:
            async with (
                late,
                aclosing(
                    self._run(document, variables, operation_name, caller_token, ANSWERED_ONCE, scope)
                ) as responses,
            ):
                if limit_s == 0:
                    raise TimeoutError
                return await anext(responses)
        except TimeoutError:
            if limit_s != 0 and not late.expired():
                raise
            return {"data": None, "errors": [formatted_refusal(TooLate(), self._new_trace_id())]}

    def subscribe(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        caller_token: str | None = None,
    ) -> AsyncGenerator[Response, None]:
        """A response for each event of a subscription; for a query or mutation, the one response."""
        return self._run(document, variables, operation_name, caller_token, ANSWERED_AS_STREAM)

    async def _run(
        self,
        document: str,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        caller_token: str | None,
        allowed: Collection[OperationType],
        scope: OperationScope | None = None,
    ) -> AsyncGenerator[Response, None]:
        trace_id = self._new_trace_id()
        try:
            caller = self._caller_tokens.caller(caller_token)
        except Refused as refused:
            yield {"data": None, "errors": [formatted_refusal(refused, trace_id)]}
            return
        context = Context(self._resources, caller, trace_id, scope)
        results = await self._schema.stream(
            document,
            variable_values=dict(variables or {}),
            context_value=context,
            operation_name=operation_name,
            allowed_operation_types=allowed,
        )
        try:
            async with aclosing(cast("AsyncGenerator[ExecutionResult, None]", results)) as stream:
                async for result in stream:
                    # Before the yield: while the reader is slow, no connection is held.
                    await context.renew()
                    yield _response(result, trace_id)
        finally:
            await context.renew()


def _response(result: ExecutionResult, trace_id: str) -> Response:
    if not result.errors:
        return {"data": result.data}
    before_execution = isinstance(result, PreExecutionError)
    return {"data": result.data, "errors": formatted_failures(result.errors, trace_id, before_execution)}
