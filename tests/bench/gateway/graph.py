"""The graph that gateways are measured with: four subgraphs in the shape of the published gateway benchmark.

Inspectors write reports on parts, a store has the parts. Everything follows from the keys, so that whoever asks however
often gets the same. `unique_authors`: each of the 59 places of the query where a report has an author has another one;
otherwise, as in the published benchmark, one inspector wrote all reports and there are eleven of them.

Out: the subgraphs' SDLs, an executable schema for each, and one without Federation that says what is right.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema, build_schema, graphql_sync

from gateway.composition.compose import compose
from gateway.composition.read_subgraph import SubgraphSource
from tests.federation.harness.subgraph import schema_from

INSPECTORS, LEADING_PARTS = 6, 5
REPORTS_OF_PART = {"1": 4, "2": 4, "3": 1, "4": 2, "5": 0}
PARTS_OF_OTHERS = 24
_TALK = """
    burr bore chamfer datum deviation drift edge fillet finish flange flatness groove hairline hole measured nominal
    offset pitch pore profile radius recut rejected rib roughness runout scan scratch seam shim slot spot surface
    taper thread tolerance tool wall warp wear weld within
"""
_WORDS = _TALK.split()
_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [{}])\n'

SDLS = {
    "people": _LINK.format('"@key", "@shareable"')
    + """
type Query { inspectors: [Inspector] inspector(id: ID!): Inspector }
type Inspector @key(fields: "id") { id: ID! name: String handle: String @shareable hired: Int }
""",
    "catalogue": _LINK.format('"@key"')
    + """
type Query { leadingParts(first: Int = 5): [Part] }
type Part @key(fields: "number") { number: String! title: String cost: Int mass: Int }
""",
    "store": _LINK.format('"@key", "@external", "@requires"')
    + """
type Part @key(fields: "number") {
  number: String!
  cost: Int @external
  mass: Int @external
  available: Boolean
  freight: Int @requires(fields: "cost mass")
}
""",
    "reports": _LINK.format('"@key", "@external", "@provides"')
    + """
type Report @key(fields: "id") { id: ID! remark: String part: Part author: Inspector @provides(fields: "handle") }
type Inspector @key(fields: "id") { id: ID! handle: String @external reports: [Report] }
type Part @key(fields: "number") { number: String! reports: [Report] }
""",
}

WHOLE = """
type Query { inspectors: [Inspector] inspector(id: ID!): Inspector leadingParts(first: Int = 5): [Part] }
type Inspector { id: ID! name: String handle: String hired: Int reports: [Report] }
type Part {
  number: String! title: String cost: Int mass: Int available: Boolean freight: Int reports: [Report]
}
type Report { id: ID! remark: String part: Part author: Inspector }
"""

NESTED = """fragment Who on Inspector { id handle name }
fragment Note on Report { id remark }
fragment Piece on Part { available title cost freight number mass }

query Nested {
  inspectors {
    ...Who
    reports {
      ...Note
      part {
        ...Piece
        reports { ...Note author { ...Who reports { ...Note part { ...Piece } } } }
      }
    }
  }
  leadingParts {
    ...Piece
    reports { ...Note author { ...Who reports { ...Note part { ...Piece } } } }
  }
}
"""


@dataclass(frozen=True)
class Key:
    """A thing by its type and key. `given`: what a representation brought along, None where nobody asked by one."""

    type: str
    id: str
    given: tuple[tuple[str, Any], ...] | None = None


@dataclass(frozen=True)
class Graph:
    """Resolvers of all four subgraphs."""

    unique_authors: bool

    def resolve(self, source: Key | None, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        """A default resolver for graphql-core."""
        if source is None:
            return self._root(info.field_name, arguments)
        if info.field_name in ("id", "number"):
            return source.id
        match source.type:
            case "Inspector":
                return self._of_inspector(source.id, info.field_name)
            case "Part":
                return self._of_part(source, info.field_name)
            case "Report":
                return self._of_report(source.id, info.field_name)
        raise LookupError(source.type)

    def type_of(self, value: Key, *_: object) -> str:
        return value.type

    def _root(self, field: str, arguments: dict[str, Any]) -> Any:
        match field:
            case "inspectors":
                return [Key("Inspector", str(each + 1)) for each in range(INSPECTORS)]
            case "inspector":
                return Key("Inspector", arguments["id"])
            case "leadingParts":
                return [Key("Part", str(each + 1)) for each in range(min(arguments["first"], LEADING_PARTS))]
            case "_entities":
                return [_entity(each) for each in arguments["representations"]]
        raise LookupError(field)

    def _of_inspector(self, id: str, field: str) -> Any:
        match field:
            case "name":
                return f"Inspector Number {id}"
            case "handle":
                return f"inspector-{id}"
            case "hired":
                return 2000 + _draw(id).randrange(26)
            case "reports" if self.unique_authors:
                return [Key("Report", f"{id}.{each}") for each in (1, 2)]
            case "reports":
                return [Key("Report", each) for each in ("1/1", "1/2")]
        raise LookupError(field)

    def _of_part(self, part: Key, field: str) -> Any:
        cost, mass = _draw(part.id).randrange(10, 5000), _draw(part.id).randrange(1, 900)
        match field:
            case "title":
                return _words(_draw(part.id), 12)
            case "cost":
                return cost
            case "mass":
                return mass
            case "available":
                return _draw(part.id).random() < 0.6
            case "freight":
                # What a gateway sends is what is reckoned with: one that sent nothing gets an error.
                given = {"cost": cost, "mass": mass} if part.given is None else dict(part.given)
                return 0 if given["cost"] > 1000 else given["mass"] // 2
            case "reports":
                count = REPORTS_OF_PART.get(part.id, 4)
                return [Key("Report", f"{part.id}/{each + 1}") for each in range(count)]
        raise LookupError(field)

    def _of_report(self, id: str, field: str) -> Any:
        match field:
            case "remark":
                draw = _draw(id)
                return _words(draw, draw.choice((170, 310, 340, 490) if id != "1/1" else (490,)))
            case "part":
                return Key("Part", self._part_of(id))
            case "author":
                return Key("Inspector", self._author_of(id))
        raise LookupError(field)

    def _part_of(self, report: str) -> str:
        part, of_part, _ = report.partition("/")
        if of_part and "." not in report:
            return part
        inspector, _, number = report.rpartition(".")
        if inspector.isdecimal():
            return str(LEADING_PARTS + 2 * int(inspector) + int(number) - 2)
        return str(LEADING_PARTS + 2 * INSPECTORS + 1 + _draw(report).randrange(PARTS_OF_OTHERS))

    def _author_of(self, report: str) -> str:
        if not self.unique_authors:
            return "1"
        return report.rpartition(".")[0] if "." in report else f"of-{report}"


def _entity(representation: dict[str, Any]) -> Key:
    given = {name: value for name, value in representation.items() if name in ("cost", "mass")}
    key = representation.get("number") or representation["id"]
    return Key(representation["__typename"], key, tuple(given.items()))


def _draw(key: str) -> random.Random:
    return random.Random(key)


def _words(draw: random.Random, length: int) -> str:
    text = " ".join(draw.choices(_WORDS, k=length // 4))
    return text[:length].strip()


def supergraph(base_url: str) -> str:
    """The four, each at its name below `base_url`."""
    return compose([SubgraphSource(name, f"{base_url}/{name}", sdl) for name, sdl in SDLS.items()]).supergraph


@cache
def subgraph_schema(name: str) -> GraphQLSchema:
    return schema_from(SDLS[name])


@cache
def whole_schema() -> GraphQLSchema:
    return build_schema(WHOLE)


def expected(document: str, unique_authors: bool) -> dict[str, Any]:
    """The right answer's `data`, by one schema that knows no subgraphs."""
    graph = Graph(unique_authors)
    result = graphql_sync(whole_schema(), document, field_resolver=graph.resolve)
    assert result.errors is None, result.errors
    assert result.data is not None
    return result.data
