"""Chance -> what fields take of others: @requires and @provides. In: a House with fields. Out: it has them."""

from __future__ import annotations

import random

from tests.differential.field_sets import Pick
from tests.differential.house import FieldOf, House, Thing


def add_requiring(chance: random.Random, house: House, entity: Thing) -> None:
    """Fields that are computed of others, which their subgraph does not resolve."""
    for number in range(chance.randint(0, 2)):
        owner = chance.choice(entity.homes)
        wanted = [
            each
            for each in entity.fields.values()
            if not entity.resolves(owner, each.name) and each.lost != owner and _is_plain(each)
        ]
        if wanted:
            taken = chance.sample(wanted, chance.randint(1, min(2, len(wanted))))
            made = FieldOf(f"r{number}", "String", [owner])
            made.requires = tuple(_whole(each) for each in sorted(taken, key=lambda each: each.name))
            _note_external(house, owner, entity.name, taken)
            entity.fields[made.name] = made


def _is_plain(made: FieldOf) -> bool:
    return not (made.arguments or made.fails or made.fresh or made.requires) and made.named[0] not in "EIU"


def _whole(made: FieldOf) -> Pick:
    """Value objects with all that they hold."""
    return Pick(made.name, inner=(Pick("a"), Pick("b")) if made.named == "V" else ())


def add_provided(chance: random.Random, house: House) -> None:
    """Some links give a field of the object that they lead to, which their subgraph does not resolve elsewhere."""
    for _, each in list(house.all_fields()):
        target = house.things.get(each.named)
        if target is None or target.kind != "entity" or len(each.owners) > 1 or chance.random() > 0.3:
            continue
        owner = each.owners[0]
        free = [
            other
            for other in target.fields.values()
            if not target.resolves(owner, other.name)
            and other.lost is None
            and not (other.fails or other.requires)
            and other.named in ("String", "Int", "Colour")
        ]
        if free:
            given = chance.choice(free)
            each.provides = (Pick(given.name),)
            _note_external(house, owner, target.name, [given])


def _note_external(house: House, subgraph: str, type_name: str, fields: list[FieldOf]) -> None:
    house.external.setdefault((subgraph, type_name), set()).update(each.name for each in fields)
