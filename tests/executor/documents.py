"""Random documents to a schema: aliases, fragments, conditions, variables. In: the schema. Out: text and variables."""

from __future__ import annotations

import random

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

VARIABLES = "($yes: Boolean!, $no: Boolean = false, $n: Int, $tags: [String!], $c: Colour, $refs: [_Any!]!)"


class DocumentWriter:
    def __init__(self, chance: random.Random, schema: GraphQLSchema) -> None:
        self.chance, self.schema = chance, schema
        self.fragments: list[str] = []

    def write(self, operation: str) -> tuple[str, dict[str, object]]:
        root = getattr(self.schema, f"{operation}_type")
        picks = self._selection(root, 4, one=operation == "subscription")
        if operation == "query" and self.chance.random() < 0.4:
            entity = self.schema.type_map["_Entity"]
            picks += f" _entities(representations: $refs) {{ {self._selection(entity, 4)} }}"
        text = f"{operation} Asked{VARIABLES} {{ {picks} }}\n" + "\n".join(self.fragments)
        variables: dict[str, object] = {"yes": self.chance.random() < 0.8}
        if self.chance.random() < 0.5:
            variables |= {
                "n": self.chance.choice([None, 4, 4, "no"]),
                "tags": self.chance.choice([None, [], "a", ["b"]]),
            }
            variables |= {"c": self.chance.choice([None, "RED", "GREEN"])}
        return text, variables

    def _selection(self, kind: GraphQLNamedType, depth: int, one: bool = False) -> str:
        chance = self.chance
        fields = {} if not hasattr(kind, "fields") else dict(kind.fields)
        names = [name for name in fields if depth > 1 or is_leaf_type(get_named_type(fields[name].type))]
        names = [name for name in names if not name.startswith("_")]
        taken = chance.sample(names, min(len(names), 1 if one else chance.randint(1, 5)))
        if not one:
            # With other arguments, or merged with itself.
            taken += [name for name in taken if fields[name].args and chance.random() < 0.4]
        picks = [self._field(name, fields[name], depth, one) for name in taken]
        if one:
            return picks[0]
        if is_abstract_type(kind):
            possible = self.schema.get_possible_types(kind)
            some = chance.sample(list(possible), chance.randint(0, len(possible)))
            picks += [self._fragment(each, depth) for each in some]
        elif isinstance(kind, GraphQLObjectType) and depth > 1 and chance.random() < 0.2:
            on = chance.choice([kind, *kind.interfaces])
            picks.append(self._fragment(on, depth))
        if not picks or chance.random() < 0.3:
            picks.insert(chance.randint(0, len(picks)), chance.choice(["__typename", "kind: __typename"]))
        return " ".join(picks)

    def _field(self, name: str, field: GraphQLField, depth: int, one: bool) -> str:
        chance = self.chance
        alias = f"also_{name}: " if chance.random() < 0.15 else ""
        given = []
        if field.args and chance.random() < 0.7:
            given = [chance.choice(["n: 5", "n: $n", "n: 6, c: RED", "c: $c"])]
            if "tags" in field.args and chance.random() < 0.5:
                given.append(chance.choice(["tags: $tags", 'tags: ["a"]']))
            if "where" in field.args and chance.random() < 0.5:
                given.append(chance.choice(["where: {near: 2}", "where: {}", 'where: {tags: ["x"]}', "where: null"]))
            # Other arguments are another field.
            alias = f"a{chance.randrange(10**6)}: "
        arguments = f"({', '.join(given)})" if given else ""
        inner = get_named_type(field.type)
        below = "" if is_leaf_type(inner) else f" {{ {self._selection(inner, depth - 1)} }}"
        condition = "" if one else self._condition()
        text = f"{alias}{name}{arguments}{condition}{below}"
        if below and not given and chance.random() < 0.1 and not one:
            text += f" {alias}{name} {{ {self._selection(inner, depth - 1)} }}"
        return text

    def _fragment(self, kind: GraphQLNamedType, depth: int) -> str:
        inner = self._selection(kind, depth - 1)
        if self.chance.random() < 0.6:
            return f"... on {kind.name}{self._condition()} {{ {inner} }}"
        name = f"F{len(self.fragments)}_{self.chance.randrange(10**6)}"
        self.fragments.append(f"fragment {name} on {kind.name} {{ {inner} }}")
        return f"...{name}{self._condition()}"

    def _condition(self) -> str:
        if self.chance.random() < 0.85:
            return ""
        return " " + self.chance.choice(
            [
                "@include(if: $yes)",
                "@skip(if: $yes)",
                "@skip(if: $no)",
                "@include(if: true)",
                "@skip(if: false) @include(if: $yes)",
            ]
        )
