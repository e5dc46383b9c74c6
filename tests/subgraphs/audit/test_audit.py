"""The audit subgraph over a log that was really written, sequenced, and then tampered with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from db.caller import Caller
from db.engine import Database, open_engine
from db.keys import checkpoint_key
from db.ledger.sequencing import sequence_once
from db.statements import counting
from subgraphs.catalogue import open_subgraphs
from subgraphs.serving.global_ids import global_id
from subgraphs.serving.roles import scopes_of
from subgraphs.tenancy.model import Subject
from subgraphs.tenancy.user_tokens import UserTokens
from tests.subgraphs.asking import Asker
from tests.subgraphs.conftest import House

pytestmark = pytest.mark.stack

VERDICT = "status size pending erased damage { index reason type eventId }"


@dataclass(frozen=True)
class Audit:
    house: House
    nobody: Asker

    def person(self, role: str) -> Asker:
        """Somebody of acme with this role, or `rival`: the owner of the other workspace."""
        member = self.house.people[role]
        tenant = self.house.rival.id if role == "rival" else self.house.acme.id
        subject = Subject(member.id, tenant, member.name, member.roles, scopes_of(member.roles))
        tokens = UserTokens((self.house.settings.keys / "tenancy-token.pem").read_bytes())
        return self.nobody.as_user(tokens.issue(subject, datetime.now(UTC)).text)

    async def record(self, type_name: str, object_id: UUID) -> None:
        """One event of acme's, sequenced."""
        caller = Caller(self.house.acme.id, None, frozenset(), frozenset(), "test")
        async with Database(self.house.settings.database_settings()) as database, database.begin(caller) as work:
            await work.ledger.append(type_name, object_id, technical={"note": type_name})
        await self.sequence()

    async def sequence(self) -> None:
        engine = open_engine(self.house.settings.database_url("d2r_sequencer"))
        while await sequence_once(engine, checkpoint_key(self.house.settings.keys)):
            pass
        await engine.dispose()

    async def tamper(self, statement: str) -> None:
        engine = open_engine(self.house.settings.admin_database_url)
        async with engine.begin() as connection:
            await connection.exec_driver_sql(statement)
        await engine.dispose()


@pytest.fixture
async def audit(house: House) -> AsyncIterator[Audit]:
    async with open_subgraphs(house.settings, ["audit"]) as opened:
        made = Audit(house, Asker(opened["audit"], house.gateway))
        await made.sequence()
        yield made


async def test_the_log_is_read_newest_first_and_in_pages(audit: Audit) -> None:
    auditor = audit.person("auditor")
    page = """
    query($after: String) {
      auditEvents(first: 3, after: $after) {
        nodes { index type technical { content json } personal { content } subject { id } }
        pageInfo { hasNextPage endCursor }
      }
    }
    """
    seen: list[dict[str, object]] = []
    after = None
    while True:
        events = (await auditor.data_of(page, {"after": after}))["auditEvents"]
        seen += events["nodes"]
        after = events["pageInfo"]["endCursor"]
        if not events["pageInfo"]["hasNextPage"]:
            break
    assert [event["index"] for event in seen] == list(reversed(range(6)))
    assert seen[-1] == {
        "index": 0,
        "type": "WorkspaceCreated",
        "technical": {"content": "READABLE", "json": '{"name":"Acme Castings","slug":"acme"}'},
        "personal": None,
        "subject": None,
    }
    owner_id = global_id("User", audit.house.people["owner"].id)
    assert (seen[-2]["personal"], seen[-2]["subject"]) == ({"content": "READABLE"}, {"id": owner_id})


@pytest.mark.parametrize("role", ["viewer", "operator", "quality_engineer"])
@pytest.mark.parametrize(
    "document",
    [
        "{ auditEvents { nodes { id } } }",
        "{ auditCheckpoints { nodes { note } } }",
        "{ verifyAuditLog { status } }",
    ],
)
async def test_without_the_scope_nothing_is_read(audit: Audit, role: str, document: str) -> None:
    refused = await audit.person(role).ask(document)
    assert list(refused["data"].values()) == [None]
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_trails_of_many_assets_cost_one_query_and_its_keys(audit: Audit) -> None:
    parts = [uuid4() for _ in range(5)]
    for part in parts:
        await audit.record("AssetCreated", part)
    await audit.record("ScanProcessed", parts[0])
    auditor = audit.person("auditor")
    with counting() as statements:
        answer = await auditor.entities(
            "... on Asset { auditTrail(first: 2) { nodes { type } } }",
            *({"__typename": "Asset", "id": global_id("Asset", part)} for part in parts),
        )
    trails = [[node["type"] for node in asset["auditTrail"]["nodes"]] for asset in answer["data"]["_entities"]]
    assert trails == [["ScanProcessed", "AssetCreated"], *([["AssetCreated"]] * 4)]
    # Open the tenant; the entries of all; the keys that open their payloads.
    assert statements.count == 3, statements.texts


async def test_another_workspace_sees_nothing_of_the_log(audit: Audit) -> None:
    part = uuid4()
    await audit.record("AssetCreated", part)
    auditor, rival = audit.person("auditor"), audit.person("rival")
    event_id = (await auditor.data_of("{ auditEvents(first: 1) { nodes { id } } }"))["auditEvents"]["nodes"][0]["id"]
    refused = await rival.ask("query($id: ID!) { auditEvent(id: $id) { type } }", {"id": event_id})
    assert refused["data"] == {"auditEvent": None}
    assert refused["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    trail = await rival.entities(
        "... on Asset { auditTrail { nodes { id } } }", {"__typename": "Asset", "id": global_id("Asset", part)}
    )
    assert trail["data"]["_entities"] == [{"__typename": "Asset", "auditTrail": {"nodes": []}}]
    workspace = await rival.entities(
        "... on Workspace { auditLog { nodes { id } } }",
        {"__typename": "Workspace", "id": global_id("Workspace", audit.house.acme.id)},
    )
    assert workspace["data"] == {"_entities": [None]}


async def test_the_workspaces_log_is_the_callers_own(audit: Audit) -> None:
    rival = audit.person("rival")
    found = await rival.entities(
        "... on Workspace { auditLog { nodes { type } } }",
        {"__typename": "Workspace", "id": global_id("Workspace", audit.house.rival.id)},
    )
    (workspace,) = found["data"]["_entities"]
    assert [node["type"] for node in workspace["auditLog"]["nodes"]] == ["MemberInvited", "WorkspaceCreated"]


async def test_a_cursor_of_another_list_is_bad_input(audit: Audit) -> None:
    refused = await audit.person("auditor").ask('{ auditEvents(after: "WyJ4Il0") { nodes { id } } }')
    assert refused["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_byte_flipped_in_the_database_is_named_and_the_other_log_stands(audit: Audit) -> None:
    auditor, rival = audit.person("auditor"), audit.person("rival")
    intact = (await auditor.data_of(f"{{ verifyAuditLog {{ {VERDICT} }} }}"))["verifyAuditLog"]
    assert (intact["status"], intact["pending"], intact["damage"]) == ("INTACT", 0, None)
    kept = (await auditor.data_of("{ auditCheckpoints(first: 1) { nodes { size note } } }"))["auditCheckpoints"]
    (checkpoint,) = kept["nodes"]
    assert checkpoint["size"] == intact["size"]
    held = "query($note: String!) { verifyAuditLog(witnessed: $note) { status } }"
    assert (await auditor.data_of(held, {"note": checkpoint["note"]}))["verifyAuditLog"] == {"status": "INTACT"}
    foreign = await rival.ask(held, {"note": checkpoint["note"]})
    assert foreign["errors"][0]["extensions"] == {
        "code": "BAD_USER_INPUT",
        "reason": "CHECKPOINT_UNREADABLE",
        "traceId": foreign["errors"][0]["extensions"]["traceId"],
    }

    await audit.tamper(
        "update audit_entry set technical = set_byte(technical, 20, get_byte(technical, 20) # 1) "
        f"where tenant_id = '{audit.house.acme.id}' and seq = 2"
    )
    modified = (await auditor.data_of(f"{{ verifyAuditLog {{ {VERDICT} }} }}"))["verifyAuditLog"]
    assert (modified["status"], modified["damage"]["index"], modified["damage"]["type"]) == (
        "MODIFIED",
        2,
        "MemberInvited",
    )
    other = (await rival.data_of(f"{{ verifyAuditLog {{ {VERDICT} }} }}"))["verifyAuditLog"]
    assert other["status"] == "INTACT"
