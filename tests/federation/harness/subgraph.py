"""A subgraph made of its SDL and plain data: real GraphQL execution, `_entities` and `_service` included.

Data is JSON. A type's root fields stand under the type's name (`Query`, `Mutation`, `Subscription`), entities and other
named objects under `objects`, by a name of their own. A value may be

    "@name"                    the object of that name
    {"$find": "id"}            the object of the field's type whose `id` equals the argument `id`
    {"$text": "{a} and {b.c}"} text from the object's values, the representation's and the arguments'
    {"$arg": "name"}           the argument itself
    {"$error": "text", "code"} an error
    {"$count": "name"}         how often this was asked so far, counting this one

Anything else is itself. Every request is written down in `asked`, so that a test can count them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    build_ast_schema,
    concat_ast,
    execute,
    extend_schema,
    get_named_type,
    parse,
    print_ast,
    subscribe,
    validate,
)

Json = Any
_MACHINERY = """
scalar _Any
type _Service { sdl: String! }
extend type Query { _service: _Service! }
"""


@dataclass
class Asked:
    """One request as this subgraph got it."""

    document: str
    variables: Mapping[str, Json]
    caller_token: str | None


@dataclass
class DataSubgraph:
    name: str
    sdl: str
    data: Mapping[str, Json]
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.schema = schema_from(self.sdl)
        self.keys = keys_in(self.sdl)
        self.counts: Counter[str] = Counter()

    async def execute(
        self,
        document: str,
        variables: dict[str, Json],
        operation_name: str | None,
        caller_token: str | None,
        _scope: object = None,
    ) -> dict[str, Json]:
        self.asked.append(Asked(document, json.loads(json.dumps(variables)), caller_token))
        try:
            parsed = parse(document)
        except GraphQLError as error:
            return {"errors": [error.formatted]}
        if problems := validate(self.schema, parsed):
            return {"errors": [problem.formatted for problem in problems]}
        result = execute(
            self.schema,
            parsed,
            root_value=None,
            variable_values=variables,
            operation_name=operation_name,
            field_resolver=self._resolve,
            type_resolver=self._type_of,
        )
        if hasattr(result, "__await__"):
            result = await result
        return json.loads(json.dumps(result.formatted))  # plain values of its own, as from a wire

    async def subscribe(
        self, document: str, variables: dict[str, Json], operation_name: str | None, caller_token: str | None
    ) -> AsyncIterator[dict[str, Json]]:
        self.asked.append(Asked(document, variables, caller_token))
        events = subscribe(
            self.schema,
            parse(document),
            variable_values=variables,
            operation_name=operation_name,
            field_resolver=self._resolve,
            type_resolver=self._type_of,
            subscribe_field_resolver=self._events,
        )
        if hasattr(events, "__await__"):
            events = await events
        if not hasattr(events, "__aiter__"):
            yield events.formatted
            return
        async for event in events:
            yield json.loads(json.dumps(event.formatted))

    async def _events(self, _: Json, info: GraphQLResolveInfo, **arguments: Json) -> AsyncIterator[Json]:
        for event in self.data["Subscription"][info.field_name]:
            yield {info.field_name: event}

    def _resolve(self, source: Json, info: GraphQLResolveInfo, **arguments: Json) -> Json:
        name = info.field_name
        if name == "_entities":
            return [self._entity(each) for each in arguments["representations"]]
        if name == "_service":
            return {"sdl": self.sdl}
        if source is None:
            source = self.data.get(info.parent_type.name, {})
        return self._value(source.get(name), source, info, arguments)

    def _value(self, value: Json, source: Mapping[str, Json], info: GraphQLResolveInfo, arguments: Json) -> Json:
        if isinstance(value, list):
            return [self._value(each, source, info, arguments) for each in value]
        if isinstance(value, str) and value.startswith("@"):
            return self.data["objects"][value[1:]]
        if not isinstance(value, dict):
            return value
        match value:
            case {"$find": by}:
                return self._found(get_named_type(info.return_type).name, {by: arguments[by]})
            case {"$text": text}:
                return text.format_map(_Dotted({**source, **source.get("$given", {}), **arguments}))
            case {"$arg": name}:
                return arguments.get(name)
            case {"$count": name}:
                self.counts[name] += 1
                return self.counts[name]
            case {"$error": message, **rest}:
                raise GraphQLError(message, extensions=rest or None)
        return value

    def _entity(self, representation: Mapping[str, Json]) -> Json:
        typename = representation["__typename"]
        for key in self.keys.get(typename, ()):
            if all(name in representation for name in key):
                found = self._found(typename, {name: representation[name] for name in key})
                return found if found is None else {**found, "$given": _unlike(representation)}
        raise GraphQLError(f"{typename} has no such key: {sorted(representation)}")

    def _found(self, typename: str, wanted: Mapping[str, Json]) -> Json:
        declared = self.schema.get_type(typename)
        names = {typename}
        if isinstance(declared, GraphQLInterfaceType | GraphQLUnionType):
            names |= {each.name for each in self.schema.get_possible_types(declared)}
        for each in self.data.get("objects", {}).values():
            if each["__typename"] in names and all(self._alike(each.get(k), v) for k, v in wanted.items()):
                return each
        return None

    def _alike(self, held: Json, given: Json) -> bool:
        if isinstance(held, str) and held.startswith("@"):
            held = self.data["objects"][held[1:]]
        if isinstance(held, dict) and isinstance(given, dict):
            return all(self._alike(held.get(name), value) for name, value in given.items() if name != "__typename")
        if isinstance(held, list) and isinstance(given, list):
            return len(held) == len(given) and all(map(self._alike, held, given))
        return bool(held == given)

    def _type_of(self, value: Mapping[str, Json], info: GraphQLResolveInfo, abstract: Json) -> str:
        return str(value["__typename"])


class _Dotted(dict[str, Json]):
    def __missing__(self, key: str) -> Json:
        raise GraphQLError(f"nothing is known of {key!r}")


class _Reachable:
    """Lets a template say `{address.city}`."""

    def __init__(self, value: Mapping[str, Json]) -> None:
        self.__dict__.update({name: _unlike_value(each) for name, each in value.items()})


def _unlike(representation: Mapping[str, Json]) -> dict[str, Json]:
    return {name: _unlike_value(value) for name, value in representation.items() if name != "__typename"}


def _unlike_value(value: Json) -> Json:
    return _Reachable(value) if isinstance(value, dict) else value


def schema_from(sdl: str) -> GraphQLSchema:
    """The subgraph's schema with federation's machinery, directives left as they are."""
    document = _with_definitions(parse(sdl))
    schema = build_ast_schema(concat_ast([document, parse(_MACHINERY)]), assume_valid=True, assume_valid_sdl=True)
    entities = [name for name in keys_in(sdl) if isinstance(schema.get_type(name), GraphQLObjectType)]
    if not entities:
        return schema
    members = " | ".join(entities)
    extra = f"union _Entity = {members}\nextend type Query {{ _entities(representations: [_Any!]!): [_Entity]! }}"
    return extend_schema(schema, parse(extra), assume_valid=True, assume_valid_sdl=True)


def keys_in(sdl: str) -> dict[str, list[list[str]]]:
    """For each type, the top-level field names of each of its keys."""
    keys: dict[str, list[list[str]]] = {}
    for node in parse(sdl).definitions:
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value == "key":
                keys.setdefault(node.name.value, []).append(_names_in(directive))
    return keys


def _names_in(key: DirectiveNode) -> list[str]:
    fields = next(each.value for each in key.arguments or () if each.name.value == "fields")
    assert isinstance(fields, StringValueNode)
    operation = parse(f"{{ {fields.value} }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return [each.name.value for each in operation.selection_set.selections]  # type: ignore[union-attr]


def _with_definitions(document: DocumentNode) -> DocumentNode:
    """`extend type X` without `type X` becomes its definition; `@link` goes; Query is there."""
    kept = [node for node in document.definitions if not isinstance(node, SchemaExtensionNode)]
    defined = {
        node.name.value for node in kept if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode)
    }
    texts = []
    for node in kept:
        text = print_ast(node)
        if isinstance(node, ObjectTypeExtensionNode | InterfaceTypeExtensionNode) and node.name.value not in defined:
            defined.add(node.name.value)
            text = text.removeprefix("extend ")
        texts.append(text)
    if "Query" not in defined and not any(isinstance(node, SchemaDefinitionNode) for node in kept):
        texts.append("type Query")
    return parse("\n".join(texts))
