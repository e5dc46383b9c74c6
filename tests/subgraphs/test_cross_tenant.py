"""One workspace against another: every query, mutation and entity of every subgraph, asked with foreign ids.

The attacks are written from the schemas, so a new field is attacked the day it is added, and a field that cannot be
attacked fails. The attacker is an owner with every scope: nothing but the tenant stands in the way.
"""

import asyncio
import base64
import datetime
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from db.caller import Caller, UserId
from db.engine import Database, open_engine
from db.tables import every_table
from subgraphs.catalogue import PORTS, open_subgraphs, schema_of
from subgraphs.serving.in_process import InProcessSubgraph
from subgraphs.serving.roles import scopes_of
from subgraphs.tenancy.model import Subject
from subgraphs.tenancy.user_tokens import UserTokens
from tests.subgraphs.asking import Asker
from tests.subgraphs.attacks import Attack, Ids, attacks_on, entity_attacks
from tests.subgraphs.conftest import House
from tests.subgraphs.victims import furnish_workspace

pytestmark = pytest.mark.stack

ROUNDS = itertools.count(1)

# Ids whose argument does not say their type.
TYPE_OF_ID = {
    "expectedHead": "TwinVersion",
    "mergedParents": "TwinVersion",
    "expectedDecisionId": "QcDecision",
    "firstScanId": "Scan",
    "secondScanId": "Scan",
}
# Where the right refusal is another one: what the caller expected is not so, whatever it was.
REFUSED_OTHERWISE = {
    "decideInspection.input.expectedDecisionId": "DECISION_STANDS",
}

LOOKUPS = {
    f"query {name}"
    for name in (
        "asset", "cadRevision", "scan", "scanComparison", "inspection", "job", "twin", "twinVersion", "user", "device",
        "apiKey", "auditEvent",
    )
}  # fmt: skip
"""A foreign id answers null, and says NOT_FOUND as an unknown one does."""


@dataclass(frozen=True)
class Battle:
    house: House
    subgraphs: Mapping[str, InProcessSubgraph]
    ids: Ids

    def attacker(self, name: str) -> Asker:
        return Asker(self.subgraphs[name], self.house.gateway, self.token_of("rival"))

    def token_of(self, role: str) -> str:
        person = self.house.people[role]
        tenant = self.house.rival.id if role == "rival" else self.house.acme.id
        subject = Subject(person.id, tenant, person.name, person.roles, scopes_of(person.roles))
        tokens = UserTokens((self.house.settings.keys / "tenancy-token.pem").read_bytes())
        return tokens.issue(subject, datetime.datetime.now(datetime.UTC)).text

    def marks(self) -> set[str]:
        """Texts that only the victim's rows hold: where one is answered, something leaked."""
        keys = {text.partition(":")[2] for text in map(_plain, self.ids.victim.values())}
        people = {person.email for role, person in self.house.people.items() if role != "rival"}
        return {*self.ids.victim.values(), *keys, *people, "Acme"}


def _plain(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


@pytest.fixture
async def battle(house: House) -> AsyncIterator[Battle]:
    sides = []
    async with Database(house.settings.database_settings()) as database:
        for role, workspace, label in (("owner", house.acme, "Acme"), ("rival", house.rival, "Rival")):
            person = house.people[role]
            scopes = scopes_of(person.roles)
            caller = Caller(workspace.id, UserId(person.id), person.roles, scopes, person.name)
            sides.append(await furnish_workspace(database, caller, f"{label}{next(ROUNDS)}"))
    async with open_subgraphs(house.settings) as opened:
        yield Battle(house, opened, Ids(*sides, TYPE_OF_ID))


async def test_no_field_answers_anything_of_another_workspace(battle: Battle) -> None:
    before = await rows_of(battle.house)
    made = 0
    for name in PORTS:
        graph = schema_of(name)._schema
        attacker = battle.attacker(name)
        for attack in [*attacks_on(graph, battle.ids), *entity_attacks(graph, battle.ids)]:
            response = await ask(attacker, attack)
            assert_nothing_leaks(battle, name, attack, response)
            made += 1
    assert made > 20
    assert await rows_of(battle.house) == before


async def ask(attacker: Asker, attack: Attack) -> dict[str, Any]:
    if not attack.name.startswith("subscription"):
        return await attacker.ask(attack.document, attack.variables)
    assert attacker.user_token is not None
    token = attacker.gateway.caller_token(attacker.user_token)
    stream = attacker.subgraph.subscribe(attack.document, attack.variables, None, token)
    try:
        # A stream that is refused says so at once; one that merely stays silent tells nothing either.
        return await asyncio.wait_for(anext(stream), 2)
    except TimeoutError:
        return {"data": None, "errors": [{"extensions": {"code": "NOT_FOUND"}}]}
    finally:
        await stream.aclose()


def assert_nothing_leaks(battle: Battle, subgraph: str, attack: Attack, response: dict[str, Any]) -> None:
    answer = json.dumps(response)
    place = f"{subgraph}: {attack.name} ({attack.foreign}): {answer[:1000]}"
    codes = {error["extensions"]["code"] for error in response.get("errors", ())}
    assert not codes & {"INTERNAL", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "FORBIDDEN"}, place
    leaked = [mark for mark in battle.marks() if mark in answer]
    # An entity that only hangs fields on a foreign id knows nothing but the id that it was given.
    echoed = set(map(str, _ids(attack.variables)))
    assert set(leaked) <= echoed, place
    if attack.foreign is not None:
        right = {REFUSED_OTHERWISE.get(attack.foreign, "NOT_FOUND")}
        assert codes == right or _problem_codes(response["data"]) == right or is_empty(response["data"]), place
        if attack.name in LOOKUPS:
            assert codes == {"NOT_FOUND"}, place


def is_empty(data: object) -> bool:
    """Whether nothing was answered but ids that were given, type names and empty lists."""
    match data:
        case dict():
            quiet = {"typename", "id", "pageInfo"}
            return all(is_empty(value) for name, value in data.items() if name.rpartition("_")[2] not in quiet)
        case list():
            return all(map(is_empty, data))
        case _:
            return data is None


def _problem_codes(data: object) -> set[str]:
    match data:
        case dict():
            found = {str(value) for name, value in data.items() if name == "code" or name.endswith("_code")}
            return found.union(*map(_problem_codes, data.values()))
        case list():
            return set().union(*map(_problem_codes, data))
        case _:
            return set()


def _ids(value: object) -> list[object]:
    match value:
        case dict() | Mapping():
            return [found for inner in value.values() for found in _ids(inner)]
        case list():
            return [found for inner in value for found in _ids(inner)]
        case _:
            return [value]


async def rows_of(house: House) -> dict[str, Any]:
    """Everything that acme has, table by table."""
    engine = open_engine(house.settings.admin_database_url)
    rows = {}
    async with engine.connect() as connection:
        for table in every_table().sorted_tables:
            if "tenant_id" in table.columns:
                query = text(
                    f"select md5(string_agg(t::text, '|' order by t::text)) from {table.name} t where tenant_id = :id"
                )
                rows[table.name] = await connection.scalar(query, {"id": house.acme.id})
    await engine.dispose()
    return rows


async def test_a_leak_would_be_seen(battle: Battle) -> None:
    """The same question by somebody whom it may be answered to: the judge must call that a leak."""
    graph = schema_of("tenancy")._schema
    asked = {attack.name: attack for attack in attacks_on(graph, battle.ids)}
    friend = Asker(battle.subgraphs["tenancy"], battle.house.gateway, battle.token_of("owner"))
    for name in ("query device", "query workspace", "mutation retireDevice"):
        with pytest.raises(AssertionError):
            assert_nothing_leaks(battle, "tenancy", asked[name], await ask(friend, asked[name]))
