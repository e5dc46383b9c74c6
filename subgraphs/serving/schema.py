"""A subgraph's schema, put together the same way in every package. In: root types. Out: a `SubgraphSchema` and its SDL.

    schema = SubgraphSchema(query=Query, mutation=Mutation, types=[Device], exception_handlers=HANDLERS)

The SDL prints the same text every time: it is committed beside the package and hashed into the supergraph.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, cast

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.federation import Schema
from strawberry.federation.schema import FederationAny
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import Info
from strawberry.types.execution import ExecutionContext

from subgraphs.serving.compiled.executor import compiled_executor
from subgraphs.serving.lean_resolvers import shorten_resolvers
from subgraphs.serving.problems import COMMON_HANDLERS, ShownAs
from subgraphs.serving.scalars import SCALARS

FEDERATION_VERSION: Final = "2.9"
# A gateway sends few distinct documents, each very often.
CACHED_DOCUMENTS = 1024


class ParsedDocuments(ParserCache):
    """Strawberry's cache of parsed documents, but a text that does not parse is left for Strawberry to report."""

    def on_parse(self) -> Iterator[None]:
        with suppress(GraphQLSyntaxError):
            self.execution_context.graphql_document = self.cached_parse_document(
                self.execution_context.query, **self.execution_context.parse_options
            )
        yield


class SubgraphSchema(Schema):
    def __init__(
        self,
        query: type,
        mutation: type | None = None,
        subscription: type | None = None,
        types: Sequence[type] = (),
        exception_handlers: Sequence[ShownAs] = (),
    ) -> None:
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=types,
            config=StrawberryConfig(scalar_map=SCALARS),
            extensions=[
                lambda: ParsedDocuments(maxsize=CACHED_DOCUMENTS),
                lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
            ],
            federation_version=FEDERATION_VERSION,
            # The first handler that fits wins, so the package's own, finer ones stand first.
            exception_handlers=[*exception_handlers, *COMMON_HANDLERS],
        )
        shorten_resolvers(self._schema, self.config)
        self._compiled_executor = compiled_executor()
        self.run_compiled(True)

    def run_compiled(self, is_on: bool) -> None:
        """Whether operations run through compiled selection sets (`compiled`), or graphql-core alone."""
        self.execution_context_class = self._compiled_executor if is_on else StrawberryGraphQLCoreExecutionContext

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """Strawberry's, on copies: it takes representations apart, and in process they are still the gateway's."""
        copies = [FederationAny(dict(cast("Mapping[str, object]", one))) for one in representations]
        return super().entities_resolver(info, copies)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: `failures` logs what was unexpected, once, with its trace id."""


def sdl_of(schema: SubgraphSchema) -> str:
    return print_schema(schema).strip() + "\n"
