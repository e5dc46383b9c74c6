"""A House as its supergraph (join spec v0.4), as a composer writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.differential.field_sets import Picks
from tests.differential.field_sets import printed as picks_printed
from tests.differential.house import ID, FieldOf, House, Thing
from tests.differential.schema_texts import COLOURS, INPUT_FIELDS, INTERFACE_FIELDS, interface_names, printed, type_text

_HEAD = """
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.4", for: EXECUTION) {
  query: Query %s
}
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__field(
  graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean,
  override: String, overrideLabel: String, usedOverridden: Boolean
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


def supergraph_of(house: House) -> str:
    graphs = " ".join(f'{_graph(each)} @join__graph(name: "{each}", url: "http://{each}")' for each in house.subgraphs)
    everywhere = "".join(map(_join_type, house.subgraphs))
    values = "".join(f" @join__enumValue(graph: {_graph(each)})" for each in house.subgraphs)
    parts = [
        _HEAD % ("mutation: Mutation" if "Mutation" in house.things else ""),
        f"enum join__Graph {{ {graphs} }}",
        f"scalar Json{everywhere}",
        type_text(f"enum Colour{everywhere}", [colour + values for colour in COLOURS]),
        type_text(f"input In{everywhere}", INPUT_FIELDS),
        *(_joined_thing(house, thing) for thing in house.things.values()),
    ]
    if "I" in house.abstracts:
        parts.append(_joined_interface(house))
    if "U" in house.abstracts:
        parts.append(_joined_union(house))
    return "\n".join(parts)


def _joined_thing(house: House, thing: Thing) -> str:
    joins = ""
    for subgraph, keys in thing.keys.items():
        for key in keys:
            joins += _join_type(subgraph, key.picks, "" if key.resolvable else ", resolvable: false")
        joins += "" if keys else _join_type(subgraph)
        if thing.name in house.members("I", subgraph):
            joins += f' @join__implements(graph: {_graph(subgraph)}, interface: "I")'
    fields = [_joined_field(house, thing, each) for each in thing.fields.values()]
    implements = ""
    if thing.name in house.everywhere("I"):
        implements = " implements I"
        fields += [f"{printed(each)} @join__field" for each in house.added.values()]
    return type_text(f"type {thing.name}{implements}{joins}", fields)


def _joined_field(house: House, thing: Thing, made: FieldOf) -> str:
    joins = [each for subgraph in thing.keys for each in _field_joins(house, thing, made, subgraph)]
    plain = [f"graph: {_graph(each)}" for each in thing.keys]
    return printed(made) + ("" if joins == plain else _joins(joins))


def _field_joins(house: House, thing: Thing, made: FieldOf, subgraph: str) -> Iterator[str]:
    graph = f"graph: {_graph(subgraph)}"
    label = f', overrideLabel: "{made.label}"' if made.label else ""
    if subgraph in made.owners:
        override = f', override: "{made.lost}"{label}' if made.lost and subgraph == made.owners[0] else ""
        yield graph + _field_set("requires", made.requires) + _field_set("provides", made.provides) + override
    elif made.label and made.lost == subgraph:
        yield graph + label
    elif house.declares(subgraph, thing, made.name):
        yield f"{graph}, external: true"


def _joined_interface(house: House) -> str:
    joins, fields = "", []
    for subgraph in house.subgraphs:
        if subgraph in house.adders:
            joins += _join_type(subgraph, ID.picks, ", isInterfaceObject: true")
        elif house.members("I", subgraph):
            joins += _join_type(subgraph, ID.picks if subgraph == house.keyed else ())
    for name in interface_names(house):
        where = [each for each in house.subgraphs if name in house.interface_fields(each)]
        outside = {each: ", external: true" for each in house.adders if name != "id"}
        fields.append(
            INTERFACE_FIELDS[name] + _joins(f"graph: {_graph(each)}{outside.get(each, '')}" for each in where)
        )
    for made in house.added.values():
        join = f"graph: {_graph(made.owners[0])}{_field_set('requires', made.requires)}"
        fields.append(printed(made) + _joins([join]))
    return type_text(f"interface I{joins}", fields)


def _joined_union(house: House) -> str:
    joins = ""
    for subgraph, members in house.abstracts["U"].members.items():
        joins += _join_type(subgraph)
        for each in members:
            joins += f' @join__unionMember(graph: {_graph(subgraph)}, member: "{each}")'
    return f"union U{joins} = {' | '.join(house.everywhere('U'))}"


def _join_type(subgraph: str, key: Picks = (), more: str = "") -> str:
    return f" @join__type(graph: {_graph(subgraph)}{_field_set('key', key)}{more})"


def _field_set(name: str, picks: Picks) -> str:
    return f', {name}: "{picks_printed(picks)}"' if picks else ""


def _joins(arguments: Iterable[str]) -> str:
    return "".join(f" @join__field({each})" for each in arguments)


def _graph(subgraph: str) -> str:
    return subgraph.upper()
