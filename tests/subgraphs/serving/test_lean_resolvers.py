"""Plain fields called straight answer as Strawberry's own chain does, in data and in errors."""

import strawberry
from graphql import GraphQLObjectType
from strawberry.federation import Schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from subgraphs.serving.lean_resolvers import shorten_resolvers


@strawberry.type
class Lamp:
    name: str
    watts: int | None = None

    @strawberry.field
    def loud(self) -> str:
        return self.name.upper()

    @strawberry.field
    def broken(self) -> int | None:
        raise ValueError("blown")

    @strawberry.field
    async def slow(self, info: Info) -> str:
        return f"{info.field_name} {info.context['who']} {info.path.key}"

    @strawberry.field
    def dimmed(self, by: int = 2) -> int:
        return (self.watts or 0) // by

    @strawberry.field
    def beside(self) -> "list[Lamp]":
        return [Lamp(name=f"{self.name}2")]

    @strawberry.field
    @staticmethod
    def kind() -> str:
        return "lamp"


@strawberry.type
class Query:
    @strawberry.field
    def lamp(self) -> Lamp:
        return Lamp(name="desk", watts=9)


DOCUMENT = """{ lamp { name watts loud broken again: slow dimmed kind beside { name slow loud } more: dimmed(by: 3)
} }"""


async def test_the_answers_are_the_same() -> None:
    plain, short = Schema(query=Query), Schema(query=Query)
    shorten_resolvers(short._schema, StrawberryConfig())
    expected = await plain.execute(DOCUMENT, context_value={"who": "me"})
    answered = await short.execute(DOCUMENT, context_value={"who": "me"})
    assert expected.data is not None
    assert expected.data["lamp"]["again"] == "slow me again"
    assert answered.data == expected.data
    assert [error.formatted for error in answered.errors or []] == [error.formatted for error in expected.errors or []]


def test_only_plain_fields_are_short() -> None:
    schema = Schema(query=Query)
    shorten_resolvers(schema._schema, StrawberryConfig())
    lamp = schema._schema.type_map["Lamp"]
    assert isinstance(lamp, GraphQLObjectType)
    short = {
        name for name, field in lamp.fields.items() if "lean_resolvers" in getattr(field.resolve, "__module__", "")
    }
    assert short == {"name", "watts", "loud", "broken", "slow", "beside"}
