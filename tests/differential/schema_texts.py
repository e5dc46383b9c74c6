"""A House as plain GraphQL texts: the whole as one schema, and what each subgraph can be asked."""

from __future__ import annotations

from collections.abc import Iterable

from tests.differential.house import FieldOf, House

COLOURS = ("RED", "GREEN", "BLUE")
INPUT_FIELDS = ("a: Int = 1", "b: [String!]", "c: Colour! = RED", "d: In", "e: Float", "n: Boolean!")
INTERFACE_FIELDS = {"id": "id: ID!", "label": "label: String", "mark": "mark: V"}
_LEAVES = f"""
enum Colour {{ {" ".join(COLOURS)} }}
scalar Json
input In {{ {" ".join(INPUT_FIELDS)} }}
"""


def whole_of(house: House) -> str:
    """The API as one schema, with nothing of federation in it."""
    parts = [_LEAVES]
    for thing in house.things.values():
        members = house.everywhere("I")
        fields = [printed(each) for each in thing.fields.values()]
        if thing.name in members:
            fields += map(printed, house.added.values())
        parts.append(type_text(f"type {thing.name}{' implements I' if thing.name in members else ''}", fields))
    if "I" in house.abstracts:
        fields = [*(INTERFACE_FIELDS[name] for name in interface_names(house)), *map(printed, house.added.values())]
        parts.append(type_text("interface I", fields))
    if "U" in house.abstracts:
        parts.append(f"union U = {' | '.join(house.everywhere('U'))}")
    return "\n".join(parts)


def subgraph_of(house: House, subgraph: str) -> str:
    """What this subgraph can be asked: its own fields, and those it provides or requires; `_entities` beside them."""
    parts = [_LEAVES, "scalar _Any"]
    entities, roots = [], []
    for thing in house.things.values():
        if subgraph not in thing.keys:
            continue
        fields = [printed(each) for each in thing.fields.values() if house.declares(subgraph, thing, each.name)]
        if thing.name == "Query":
            roots = fields
            continue
        implements = " implements I" if thing.name in house.members("I", subgraph) else ""
        parts.append(type_text(f"type {thing.name}{implements}", fields))
        if thing.kind == "entity" and subgraph in thing.homes:
            entities.append(thing.name)
    parts += _abstract_texts(house, subgraph)
    if subgraph in house.adders:
        entities.append("I")
    if entities:
        parts.append(f"union _Entity = {' | '.join(entities)}")
        roots.append("_entities(representations: [_Any!]!): [_Entity]!")
    parts.append(type_text("type Query", roots or ["nothing: Int"]))
    return "\n".join(parts)


def _abstract_texts(house: House, subgraph: str) -> Iterable[str]:
    names = [INTERFACE_FIELDS[name] for name in house.interface_fields(subgraph)]
    if subgraph in house.adders:
        yield type_text(
            "type I", [*names, *(printed(each) for each in house.added.values() if subgraph in each.owners)]
        )
    elif names:
        yield type_text("interface I", names)
    if house.members("U", subgraph):
        yield f"union U = {' | '.join(house.members('U', subgraph))}"


def interface_names(house: House) -> list[str]:
    """The fields of `I` that some subgraph declares, without those that are added."""
    return [name for name in INTERFACE_FIELDS if any(name in house.interface_fields(each) for each in house.subgraphs)]


def printed(made: FieldOf) -> str:
    return f"{made.name}{'(' + ', '.join(made.arguments) + ')' if made.arguments else ''}: {made.type}"


def type_text(head: str, fields: Iterable[str]) -> str:
    return f"{head} {{ {' '.join(fields)} }}"
