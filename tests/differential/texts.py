"""A House as GraphQL texts: its supergraph (join spec v0.3), the whole as one schema, and each subgraph's own."""

from __future__ import annotations

from collections.abc import Iterable

from tests.differential.house import Entity, FieldOf, House

_HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION) {
  query: Query
}
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__field(
  graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean,
  override: String, usedOverridden: Boolean
) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(
  graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true,
  isInterfaceObject: Boolean! = false
) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
"""
COLOURS = ("RED", "GREEN", "BLUE")
VALUE_FIELDS = {"a": "Int", "b": "String"}


def supergraph_of(house: House) -> str:
    graphs = " ".join(f'{_graph(each)} @join__graph(name: "{each}", url: "http://{each}")' for each in house.subgraphs)
    everywhere = "".join(f" @join__type(graph: {_graph(each)})" for each in house.subgraphs)
    parts = [
        _HEAD,
        f"enum join__Graph {{ {graphs} }}",
        _colours(house, everywhere),
        f"type V{everywhere} {{ a: Int b: String }}",
    ]
    parts += [_joined_entity(house, entity) for entity in house.entities.values()]
    if house.interface:
        parts += _joined_abstract(house)
    roots = " ".join(
        f"{_printed(each)} @join__field(graph: {_graph(each.owners[0])}{_field_set('provides', each.provides)})"
        for each in house.roots
    )
    parts.append(f"type Query{everywhere} {{ {roots} }}")
    return "\n".join(parts)


def whole_of(house: House) -> str:
    """The API as one schema, with nothing of federation in it."""
    parts = [f"enum Colour {{ {' '.join(COLOURS)} }}", "type V { a: Int b: String }"]
    for entity in house.entities.values():
        fields = [*(_key_field(name) for name in _key_names(entity)), *map(_printed, entity.fields.values())]
        if entity.name in house.interface:
            fields += map(_printed, house.added.values())
        implements = " implements I" if entity.name in house.interface else ""
        parts.append(f"type {entity.name}{implements} {{ {' '.join(fields)} }}")
    if house.interface:
        parts.append(f"union U = {' | '.join(house.interface)}")
        fields = [*map(_interface_field, _interface_names(house)), *map(_printed, house.added.values())]
        parts.append(f"interface I {{ {' '.join(fields)} }}")
    parts.append(f"type Query {{ {' '.join(map(_printed, house.roots))} }}")
    return "\n".join(parts)


def subgraph_of(house: House, subgraph: str) -> str:
    """What this subgraph can be asked: its own fields, and those it provides or requires; `_entities` beside them."""
    parts = [f"enum Colour {{ {' '.join(COLOURS)} }}", "type V { a: Int b: String }", "scalar _Any"]
    entities = []
    for entity in house.entities.values():
        if subgraph not in entity.keys:
            continue
        fields = [_key_field(name) for name in ("id", "code") if entity.knows(subgraph, name)]
        fields += [_printed(each) for each in entity.fields.values() if _declares(house, entity, each, subgraph)]
        implements = " implements I" if entity.name in house.interface and house.has_interface(subgraph) else ""
        parts.append(f"type {entity.name}{implements} {{ {' '.join(fields)} }}")
        entities.append(entity.name)
    if house.has_interface(subgraph):
        names = house.interface_fields(subgraph)
        parts.append(f"interface I {{ {' '.join(map(_interface_field, names))} }}")
        parts.append(f"union U = {' | '.join(house.members(subgraph))}")
    if subgraph == house.adder:
        parts.append(f"type I {{ id: ID! {' '.join(map(_printed, house.added.values()))} }}")
        entities.append("I")
    roots = [_printed(each) for each in house.roots if subgraph in each.owners]
    if entities:
        parts.append(f"union _Entity = {' | '.join(entities)}")
        roots.append("_entities(representations: [_Any!]!): [_Entity]!")
    parts.append(f"type Query {{ {' '.join(roots or ['nothing: Int'])} }}")
    return "\n".join(parts)


def _joined_entity(house: House, entity: Entity) -> str:
    joins, implements = "", ""
    for subgraph, keys in entity.keys.items():
        for key in keys:
            joins += f' @join__type(graph: {_graph(subgraph)}, key: "{" ".join(key)}")'
        if entity.name in house.interface and house.has_interface(subgraph):
            joins += f' @join__implements(graph: {_graph(subgraph)}, interface: "I")'
            implements = " implements I"
    if entity.name in house.interface:
        implements = " implements I"
    fields = []
    for name in _key_names(entity):
        owners = [each for each in entity.keys if entity.knows(each, name)]
        spread = "" if len(owners) == len(entity.keys) else _joins(f"graph: {_graph(each)}" for each in owners)
        fields.append(_key_field(name) + spread)
    fields += [_joined_field(house, entity, each) for each in entity.fields.values()]
    if entity.name in house.interface:
        fields += [f"{_printed(each)} @join__field" for each in house.added.values()]
    return f"type {entity.name}{implements}{joins} {{ {' '.join(fields)} }}"


def _joined_field(house: House, entity: Entity, made: FieldOf) -> str:
    joins = []
    for subgraph in entity.keys:
        graph = f"graph: {_graph(subgraph)}"
        if subgraph in made.owners:
            override = f', override: "{made.lost}"' if made.lost and subgraph == made.owners[0] else ""
            joins.append(
                graph
                + _field_set("requires", _whole_fields(entity, made.requires))
                + _field_set("provides", made.provides)
                + override
            )
        elif _declares(house, entity, made, subgraph):
            joins.append(f"{graph}, external: true")
    return _printed(made) + _joins(joins)


def _joined_abstract(house: House) -> list[str]:
    joins, members, fields = "", "", []
    for subgraph in house.subgraphs:
        if house.has_interface(subgraph):
            key = ', key: "id"' if subgraph == house.keyed else ""
            joins += f" @join__type(graph: {_graph(subgraph)}{key})"
            for each in house.members(subgraph):
                members += f' @join__unionMember(graph: {_graph(subgraph)}, member: "{each}")'
    unions = "".join(f" @join__type(graph: {_graph(each)})" for each in house.subgraphs if house.has_interface(each))
    if house.adder:
        joins += f' @join__type(graph: {_graph(house.adder)}, key: "id", isInterfaceObject: true)'
    for name in _interface_names(house):
        where = [each for each in house.subgraphs if _has_interface_field(house, each, name)]
        fields.append(_interface_field(name) + _joins(f"graph: {_graph(each)}" for each in where))
    fields += [f"{_printed(each)} @join__field(graph: {_graph(each.owners[0])})" for each in house.added.values()]
    union = f"union U{unions}{members} = {' | '.join(house.interface)}"
    return [f"interface I{joins} {{ {' '.join(fields)} }}", union]


def _has_interface_field(house: House, subgraph: str, name: str) -> bool:
    if subgraph == house.adder:
        return name == "id"
    return house.has_interface(subgraph) and name in house.interface_fields(subgraph)


def _interface_names(house: House) -> list[str]:
    found = [n for n in ("id", "label") if any(_has_interface_field(house, each, n) for each in house.subgraphs)]
    return found


def _declares(house: House, entity: Entity, made: FieldOf, subgraph: str) -> bool:
    outside = entity.external(subgraph) | house.provided(subgraph, entity.name)
    return subgraph in made.owners or made.name in outside


def _colours(house: House, everywhere: str) -> str:
    joins = "".join(f" @join__enumValue(graph: {_graph(each)})" for each in house.subgraphs)
    return f"enum Colour{everywhere} {{ {' '.join(colour + joins for colour in COLOURS)} }}"


def _printed(made: FieldOf) -> str:
    return f"{made.name}{'(x: Int = 3)' if made.argument else ''}: {made.type}"


def _key_names(entity: Entity) -> list[str]:
    return [name for name in ("id", "code") if any(entity.knows(each, name) for each in entity.keys)]


def _key_field(name: str) -> str:
    return "id: ID!" if name == "id" else "code: String!"


def _interface_field(name: str) -> str:
    return "id: ID!" if name == "id" else "label: String"


def _whole_fields(entity: Entity, names: list[str]) -> list[str]:
    """Value objects with all that they hold."""
    return [f"{name} {{ a b }}" if entity.fields[name].named == "V" else name for name in names]


def _field_set(name: str, fields: list[str]) -> str:
    return f', {name}: "{" ".join(fields)}"' if fields else ""


def _joins(arguments: Iterable[str]) -> str:
    return "".join(f" @join__field({each})" for each in arguments)


def _graph(subgraph: str) -> str:
    return subgraph.upper()
