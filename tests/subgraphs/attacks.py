"""Attacks written from a schema: every field that takes an id, asked with the ids of another workspace. For tests.

In: a subgraph's schema, and the victim's ids by type. Out: documents with variables. A field whose id arguments belong
to no type that the victim has is an error here, so that a new field cannot go unattacked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
)

DEPTH = 4

# Values that get past the first checks, by argument name and then by scalar: an attack must fail for the id's sake.
BY_NAME: Mapping[str, Any] = {
    "scopes": ["scans:upload"],
    "email": "attack@rival.example",
    "idempotencyKey": "an-attack-of-its-own",
    "after": None,
    "alignment": None,
    "first": 5,
    "witnessed": None,
    "lowerMm": -1.0,
    "sizeBytes": "4",
    "partSizeBytes": "8388608",
    "acquiredAt": "2026-01-01T00:00:00Z",
}
BY_SCALAR: Mapping[str, Any] = {
    "String": "attack",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "DateTime": "2099-01-01T00:00:00Z",
    "SHA256": "ab" * 32,
    "Vec3": [0.0, 0.0, 0.0],
    "Matrix4": [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    "BigInt": "1",
    "Decimal": "1",
}


class NoAttack(AssertionError):
    def __init__(self, place: str) -> None:
        super().__init__(f"No attack can be made for {place}: give the victim one of these, or name its type.")


@dataclass(frozen=True)
class Attack:
    """One field, asked once. `foreign`: the one argument that is the victim's; none when the field takes no ids."""

    name: str
    document: str
    variables: Mapping[str, Any]
    foreign: str | None


@dataclass(frozen=True)
class Ids:
    """Ids by type, of both sides; and the type of ids whose argument does not say it."""

    victim: Mapping[str, str]
    attacker: Mapping[str, str]
    type_of_id: Mapping[str, str]


def attacks_on(schema: GraphQLSchema, ids: Ids) -> Iterator[Attack]:
    """Attacks for every root field: for each id that it takes one in which only this id is foreign."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    for operation, root in roots.items():
        for name, field in (root.fields if root else {}).items():
            if name not in ("_service", "_entities"):
                places: list[str] = []
                harmless = _Writer(schema, ids, None, places).attack(operation, name, field)
                if not places:
                    yield harmless
                for place in places:
                    yield _Writer(schema, ids, place, []).attack(operation, name, field)


def entity_attacks(schema: GraphQLSchema, ids: Ids) -> Iterator[Attack]:
    """An attack for every entity: its reference, with the victim's id."""
    union = schema.type_map.get("_Entity")
    for entity in union.types if isinstance(union, GraphQLUnionType) else ():
        if entity.name not in ids.victim:
            raise NoAttack(f"entity {entity.name}")
        selection = _selection(schema, entity, DEPTH)
        document = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {entity.name} {selection} }} }}"
        representation = {"__typename": entity.name, "id": ids.victim[entity.name]}
        yield Attack(f"entity {entity.name}", document, {"r": [representation]}, foreign="representations")


@dataclass
class _Writer:
    schema: GraphQLSchema
    ids: Ids
    foreign: str | None
    places: list[str]

    def attack(self, operation: str, name: str, field: GraphQLField) -> Attack:
        variables = {
            argument: self.value(f"{name}.{argument}", argument, given, field) for argument, given in field.args.items()
        }
        header = ", ".join(f"${argument}: {given.type}" for argument, given in field.args.items())
        passed = ", ".join(f"{argument}: ${argument}" for argument in field.args)
        selection = _selection(self.schema, get_named_type(field.type), DEPTH)
        document = (
            f"{operation}{f'({header})' if header else ''} {{ {name}{f'({passed})' if passed else ''} {selection} }}"
        )
        return Attack(f"{operation} {name}", document, variables, self.foreign)

    def value(self, place: str, name: str, given: GraphQLArgument | GraphQLInputField, field: GraphQLField) -> Any:
        is_list = _is_list(given.type)
        named = get_named_type(given.type)
        if name in BY_NAME:
            return BY_NAME[name]
        one = self.one(place, name, named, field)
        return [one] if is_list else one

    def one(self, place: str, name: str, named: GraphQLNamedType, field: GraphQLField) -> Any:
        match named:
            case GraphQLInputObjectType(fields=fields):
                return {inner: self.value(f"{place}.{inner}", inner, given, field) for inner, given in fields.items()}
            case GraphQLEnumType(values=values):
                return next(iter(values))
            case GraphQLScalarType(name="ID"):
                self.places.append(place)
                return self.id_for(place, name, get_named_type(field.type))
            case GraphQLScalarType(name=scalar) if scalar in BY_SCALAR:
                return BY_SCALAR[scalar]
        raise NoAttack(place)

    def id_for(self, place: str, name: str, answered: GraphQLNamedType) -> str:
        wanted = self.ids.type_of_id.get(name)
        if wanted is None:
            wanted = answered.name if name in ("id", "ids") else name.removesuffix("s").removesuffix("Id")
            wanted = wanted[0].upper() + wanted[1:]
        if wanted not in self.ids.victim:
            raise NoAttack(f"{place} (an id of {wanted})")
        return (self.ids.victim if place == self.foreign else self.ids.attacker)[wanted]


def _selection(schema: GraphQLSchema, named: GraphQLNamedType, depth: int) -> str:
    """Everything below a type that can be selected without arguments, to a certain depth."""
    match named:
        case GraphQLUnionType(types=types):
            parts = [f"... on {one.name} {_selection(schema, one, depth)}" for one in types]
            # Members of one union give the same name to fields of different types; aliases keep them apart.
            return "{ __typename " + " ".join(_aliased(schema, one, depth) for one in types) + " }" if parts else ""
        case GraphQLObjectType() | GraphQLInterfaceType():
            inner = _fields(schema, named, depth, prefix="")
            implementers = schema.get_possible_types(named) if isinstance(named, GraphQLInterfaceType) else ()
            return "{ __typename " + " ".join([*inner, *(_aliased(schema, one, depth) for one in implementers)]) + " }"
    return ""


def _aliased(schema: GraphQLSchema, one: GraphQLObjectType, depth: int) -> str:
    inner = _fields(schema, one, depth, prefix=f"{one.name}_")
    return f"... on {one.name} {{ __typename {' '.join(inner)} }}"


def _fields(
    schema: GraphQLSchema, named: GraphQLObjectType | GraphQLInterfaceType, depth: int, prefix: str
) -> Iterator[str]:
    if depth == 0:
        return
    for name, field in named.fields.items():
        if any(map(is_required_argument, field.args.values())):
            continue
        inner = get_named_type(field.type)
        alias = f"{prefix}{name}: " if prefix else ""
        if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
            yield f"{alias}{name}"
        elif depth > 1:
            yield f"{alias}{name} {_selection(schema, inner, depth - 1)}"


def _is_list(given: object) -> bool:
    return isinstance(given.of_type if isinstance(given, GraphQLNonNull) else given, GraphQLList)
