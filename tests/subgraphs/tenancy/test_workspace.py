"""Members, devices and API keys of a workspace: what each role may do, what is refused, what it costs."""

from typing import Any
from uuid import uuid4

import pytest

from db.engine import open_engine
from db.statements import counting
from subgraphs.serving.global_ids import global_id
from tests.subgraphs.asking import Asker
from tests.subgraphs.tenancy.conftest import Tenancy

pytestmark = pytest.mark.stack

CREATE_KEY = """
mutation($input: CreateApiKeyInput!) {
  createApiKey(input: $input) {
    __typename
    ... on ApiKeyCreated { secret apiKey { id prefix scopes user { email } device { name } expiresAt } }
    ... on Problem { code path }
  }
}
"""
EXCHANGE = """
mutation($key: String!) {
  exchangeApiKey(input: { apiKey: $key }) {
    __typename ... on SignedIn { token scopes viewer { email } } ... on Problem { code }
  }
}
"""
REGISTER = """
mutation($input: RegisterDeviceInput!) {
  registerDevice(input: $input) { __typename ... on Device { id name serialNumber } ... on Problem { code path } }
}
"""
RETIRE = "mutation($id: ID!) { retireDevice(input: { deviceId: $id }) { __typename ... on Device { retiredAt } } }"
ROTATE = """
mutation($id: ID!, $key: String!) {
  rotateApiKey(input: { apiKeyId: $id, idempotencyKey: $key }) {
    __typename ... on ApiKeyCreated { secret apiKey { id } } ... on Problem { code }
  }
}
"""
REVOKE = """
mutation($id: ID!) {
  revokeApiKey(input: { apiKeyId: $id }) { __typename ... on ApiKey { revokedAt } ... on Problem { code } }
}
"""
CHANGE_ROLES = """
mutation($id: ID!, $roles: [Role!]!) {
  changeMemberRoles(input: { userId: $id, roles: $roles }) {
    __typename ... on User { roles } ... on Problem { code }
  }
}
"""
SUSPEND = """
mutation($id: ID!) {
  suspendMember(input: { userId: $id }) { __typename ... on User { state } ... on Problem { code } }
}
"""


async def create_key(asker: Asker, key: str, **given: Any) -> dict[str, Any]:
    wanted = {"name": "Line 4", "scopes": ["scans:upload"], "idempotencyKey": key, **given}
    answer: dict[str, Any] = (await asker.data_of(CREATE_KEY, {"input": wanted}))["createApiKey"]
    return answer


async def exchange(tenancy: Tenancy, secret: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await tenancy.nobody.data_of(EXCHANGE, {"key": secret}))["exchangeApiKey"]
    return answer


async def register(asker: Asker, serial: str) -> dict[str, Any]:
    given = {"name": "Ring scanner", "kind": "SCANNER", "serialNumber": serial, "idempotencyKey": f"device-{serial}"}
    answer: dict[str, Any] = (await asker.data_of(REGISTER, {"input": given}))["registerDevice"]
    return answer


async def test_a_key_opens_what_its_scopes_say_for_the_person_who_made_it(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    made = await create_key(owner, "key-person-1", scopes=["workspace:read", "scans:upload"])
    assert made["secret"].startswith(f"d2r_{made['apiKey']['prefix']}_")
    assert made["apiKey"]["user"] == {"email": "owner@acme.example"}

    entered = await exchange(tenancy, made["secret"])
    assert entered["scopes"] == ["scans:upload", "workspace:read"]
    program = tenancy.nobody.as_user(entered["token"])
    assert (await program.data_of("{ me { email } }"))["me"] == {"email": "owner@acme.example"}
    refused = await program.ask("{ workspace { apiKeys { nodes { id } } } }")
    assert refused["data"] == {"workspace": {"apiKeys": None}}
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_secret_is_shown_once_and_never_stored(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    made = await create_key(owner, "key-once-1")
    again = await create_key(owner, "key-once-1")
    assert again == {**made, "secret": None}
    assert (await create_key(owner, "key-once-1", name="Another"))["code"] == "IDEMPOTENCY_KEY_USED"
    engine = open_engine(tenancy.house.settings.admin_database_url)
    async with engine.connect() as connection:
        dump = str((await connection.exec_driver_sql("select api_key::text from api_key")).all())
    await engine.dispose()
    assert made["apiKey"]["prefix"] in dump
    # d2r_<prefix>_<secret>, and the secret may hold underscores itself.
    assert made["secret"].split("_", 2)[2] not in dump


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"scopes": []}, "BAD_USER_INPUT"),
        ({"scopes": ["rule:all"]}, "SCOPES_TOO_WIDE"),
        ({"name": "  "}, "BAD_USER_INPUT"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "BAD_USER_INPUT"),
        ({"idempotencyKey": "short"}, "BAD_USER_INPUT"),
        ({"deviceId": global_id("Device", uuid4())}, "NOT_FOUND"),
    ],
)
async def test_a_key_that_asks_wrongly_is_refused(tenancy: Tenancy, given: dict[str, Any], code: str) -> None:
    owner = await tenancy.person("owner")
    assert (await create_key(owner, "key-wrong-1", **given))["code"] == code


async def test_a_devices_key_acts_for_the_device_until_it_is_retired(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    device = await register(owner, "RS-1")
    too_wide = await create_key(owner, "key-device-0", deviceId=device["id"], scopes=["inspections:decide"])
    assert too_wide["code"] == "SCOPES_TOO_WIDE"
    made = await create_key(owner, "key-device-1", deviceId=device["id"])
    assert made["apiKey"]["device"] == {"name": "Ring scanner"}

    entered = await exchange(tenancy, made["secret"])
    assert (entered["viewer"], entered["scopes"]) == (None, ["scans:upload"])
    scanner = tenancy.nobody.as_user(entered["token"])
    assert await scanner.data_of("{ me { id } myScopes }") == {"me": None, "myScopes": ["scans:upload"]}

    assert (await owner.data_of(RETIRE, {"id": device["id"]}))["retireDevice"]["retiredAt"]
    assert (await exchange(tenancy, made["secret"]))["code"] == "INVALID_CREDENTIALS"


async def test_a_serial_number_is_registered_once(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    first = await register(owner, "RS-2")
    assert await register(owner, "RS-2") == first
    given = {"name": "Copy", "kind": "SCANNER", "serialNumber": "RS-2", "idempotencyKey": "device-copy"}
    copy = (await owner.data_of(REGISTER, {"input": given}))["registerDevice"]
    assert copy == {"__typename": "ConflictProblem", "code": "SERIAL_NUMBER_TAKEN", "path": ["input", "serialNumber"]}


async def test_a_rotated_key_overlaps_its_successor_and_a_revoked_one_is_closed(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    old = await create_key(owner, "key-rotate-1")
    new = (await owner.data_of(ROTATE, {"id": old["apiKey"]["id"], "key": "key-rotate-2"}))["rotateApiKey"]
    assert (await exchange(tenancy, old["secret"]))["__typename"] == "SignedIn"
    assert (await exchange(tenancy, new["secret"]))["__typename"] == "SignedIn"
    for made in (old, new):
        assert (await owner.data_of(REVOKE, {"id": made["apiKey"]["id"]}))["revokeApiKey"]["revokedAt"]
        assert (await exchange(tenancy, made["secret"]))["code"] == "INVALID_CREDENTIALS"
    closed = (await owner.data_of(ROTATE, {"id": old["apiKey"]["id"], "key": "key-rotate-3"}))["rotateApiKey"]
    assert closed == {"__typename": "ConflictProblem", "code": "CONFLICT"}


@pytest.mark.parametrize("text", ["", "d2r_", "d2r_aaaaaaaaaaaa_" + "A" * 43, "Bearer x", "d2r_" + "a" * 4000])
async def test_a_made_up_key_opens_nothing(tenancy: Tenancy, text: str) -> None:
    assert (await exchange(tenancy, text))["code"] == "INVALID_CREDENTIALS"


async def test_the_last_owner_stays(tenancy: Tenancy) -> None:
    owner = await tenancy.person("rival")
    own_id = global_id("User", tenancy.house.people["rival"].id)
    demoted = (await owner.data_of(CHANGE_ROLES, {"id": own_id, "roles": ["VIEWER"]}))["changeMemberRoles"]
    assert demoted == {"__typename": "ConflictProblem", "code": "LAST_OWNER"}
    suspended = (await owner.data_of(SUSPEND, {"id": own_id}))["suspendMember"]
    assert suspended == {"__typename": "ConflictProblem", "code": "LAST_OWNER"}


async def test_a_suspended_member_and_its_keys_get_no_token(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    member_id = global_id("User", tenancy.house.people["operator"].id)
    changed = (await owner.data_of(CHANGE_ROLES, {"id": member_id, "roles": ["OWNER"]}))["changeMemberRoles"]
    assert changed == {"__typename": "User", "roles": ["OWNER"]}
    operator = await tenancy.person("operator")
    made = await create_key(operator, "key-suspended")
    assert (await owner.data_of(SUSPEND, {"id": member_id}))["suspendMember"]["state"] == "SUSPENDED"
    assert (await tenancy.sign_in("acme", "operator@acme.example"))["__typename"] == "InvalidCredentials"
    assert (await exchange(tenancy, made["secret"]))["code"] == "INVALID_CREDENTIALS"


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (CREATE_KEY, {"input": {"name": "x", "scopes": ["assets:read"], "idempotencyKey": "not-allowed"}}),
        (REGISTER, {"input": {"name": "x", "kind": "SCANNER", "serialNumber": "x", "idempotencyKey": "not-allowed"}}),
        (CHANGE_ROLES, {"id": "x", "roles": ["OWNER"]}),
        (SUSPEND, {"id": "x"}),
        (REVOKE, {"id": "x"}),
    ],
)
async def test_a_viewer_changes_nothing(tenancy: Tenancy, document: str, variables: dict[str, Any]) -> None:
    viewer = await tenancy.person("viewer")
    (outcome,) = (await viewer.data_of(document, variables)).values()
    assert outcome["__typename"] == "NotAllowed"


async def test_lists_come_in_pages_and_go_on_where_they_stopped(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    page = """
    query($after: String) {
      workspace { members(first: 2, after: $after) {
        nodes { email } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor }
      } }
    }
    """
    seen: list[str] = []
    after = None
    while True:
        members = (await owner.data_of(page, {"after": after}))["workspace"]["members"]
        seen += [node["email"] for node in members["nodes"]]
        assert members["pageInfo"]["hasPreviousPage"] is (after is not None)
        after = members["pageInfo"]["endCursor"]
        if not members["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) >= 5
    assert all(email.endswith("@acme.example") for email in seen)
    wrong = await owner.ask(page, {"after": "bm9wZQ"})
    assert wrong["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_entities_are_resolved_by_either_key_of_a_workspace(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    own = global_id("Workspace", tenancy.house.acme.id)
    found = await owner.entities(
        "... on Workspace { slug }", {"__typename": "Workspace", "id": own}, {"__typename": "Workspace", "slug": "acme"}
    )
    assert found == {"data": {"_entities": [{"__typename": "Workspace", "slug": "acme"}] * 2}}


async def test_another_workspaces_things_are_not_found_and_look_like_made_up_ones(tenancy: Tenancy) -> None:
    owner, rival = await tenancy.person("owner"), await tenancy.person("rival")
    device = await register(owner, "RS-3")
    key = await create_key(owner, "key-foreign-1")
    foreign = [
        {"__typename": "User", "id": global_id("User", tenancy.house.people["owner"].id)},
        {"__typename": "Device", "id": device["id"]},
        {"__typename": "ApiKey", "id": key["apiKey"]["id"]},
        {"__typename": "Workspace", "id": global_id("Workspace", tenancy.house.acme.id)},
        {"__typename": "Workspace", "slug": "acme"},
    ]
    for representation in foreign:
        assert (await owner.entities("", representation))["data"]["_entities"] != [None]
        refused = await rival.entities("", representation)
        assert refused["data"] == {"_entities": [None]}
        assert refused["errors"][0]["extensions"]["code"] == "NOT_FOUND"
        if "id" in representation:
            made_up = global_id(representation["__typename"], uuid4())
            unknown = await rival.entities("", {**representation, "id": made_up})
            for answer in (refused, unknown):
                answer["errors"][0]["extensions"].pop("traceId")
            assert unknown == refused


async def test_a_page_of_keys_and_their_holders_costs_five_statements(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    for number in range(4):
        await create_key(owner, f"key-many-{number}")
        device = await register(owner, f"RS-many-{number}")
        await create_key(owner, f"key-many-device-{number}", deviceId=device["id"])
    document = "{ workspace { apiKeys(first: 50) { nodes { name user { email } device { name } } } } }"
    with counting() as statements:
        nodes = (await owner.data_of(document))["workspace"]["apiKeys"]["nodes"]
    assert len(nodes) >= 8
    # Open the tenant; the workspace; its keys; their members; their devices.
    assert statements.count == 5, statements.texts


async def test_references_to_many_users_cost_one_statement(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    people = [person for name, person in tenancy.house.people.items() if name != "rival"]
    with counting() as statements:
        found = await owner.entities(
            "... on User { email }", *({"__typename": "User", "id": global_id("User", person.id)} for person in people)
        )
    assert [user["email"] for user in found["data"]["_entities"]] == [person.email for person in people]
    assert statements.count == 2, statements.texts


async def test_what_happened_stands_in_the_audit_log(tenancy: Tenancy) -> None:
    owner = await tenancy.person("owner")
    device = await register(owner, "SN-for-the-log")
    made = await create_key(owner, "a key for the log")
    await exchange(tenancy, made["secret"])
    key = made["apiKey"]["id"]
    await owner.data_of(ROTATE, {"id": key, "key": "rotated for the log"})
    await owner.data_of(REVOKE, {"id": key})
    await owner.data_of(RETIRE, {"id": device["id"]})
    engine = open_engine(tenancy.house.settings.admin_database_url)
    async with engine.connect() as connection:
        kinds = set((await connection.exec_driver_sql("select distinct type from audit_entry")).scalars())
    await engine.dispose()
    assert kinds >= {
        "WorkspaceCreated",
        "MemberInvited",
        "SignedIn",
        "ApiKeyCreated",
        "ApiKeyRotated",
        "ApiKeyRevoked",
        "ApiKeyExchanged",
        "DeviceRegistered",
        "DeviceRetired",
    }
