"""A small subgraph for the tests of hosting: fields that answer, refuse, break, and a stream. No tables of its own."""

import asyncio
import datetime
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Self
from uuid import UUID, uuid4

import strawberry
from joserfc import jwt
from joserfc.jwk import OKPKey

from db.engine import Database, DatabaseSettings
from subgraphs.serving.caller_token import CallerTokens
from subgraphs.serving.context import Info, Resources
from subgraphs.serving.errors import BadInput, Conflict, NotFound
from subgraphs.serving.global_ids import global_id, key_of
from subgraphs.serving.in_process import InProcessSubgraph
from subgraphs.serving.problems import ConflictProblem, NotFoundProblem, Problem, ShownAs
from subgraphs.serving.scalars import Sha256, Vec3
from subgraphs.serving.schema import SubgraphSchema

TENANT = UUID("0190a000-0000-7000-8000-000000000001")
USER = UUID("0190a000-0000-7000-8000-000000000002")


class LampBurntError(Conflict):
    code = "LAMP_BURNT"

    def __init__(self, hours: int) -> None:
        super().__init__(f"The lamp burnt out after {hours} hours; put in a new one.", ("input", "lamp"))
        self.hours = hours


@strawberry.type
class LampBurnt(Problem):
    hours: int

    @classmethod
    def of(cls, refused: LampBurntError) -> Self:  # type: ignore[override]
        return cls(
            code=refused.code, message=refused.message, path=list(refused.path), retryable=False, hours=refused.hours
        )


@strawberry.federation.type(keys=["id"])
class Lamp:
    id: strawberry.ID
    colour: str = "green"

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> "Lamp":
        key_of(id, "Lamp")
        return cls(id=id)


@dataclass
class Clock:
    ticks: int = 3
    closed: bool = False
    begun: int = 0
    ended: int = 0


async def take_a_while(clock: Clock, took_s: float) -> str:
    """One thing after the other, for as long as nobody ends it."""
    for _ in range(10):
        clock.begun += 1
        await asyncio.sleep(took_s / 10)
        clock.ended += 1
    return "done"


@strawberry.type
class Query:
    @strawberry.field
    async def slow(self, info: Info, took_s: float) -> str | None:
        return await take_a_while(info.context.resources.get(Clock), took_s)

    @strawberry.field
    def who(self, info: Info) -> str:
        return info.context.known_caller().name

    @strawberry.field
    def guarded(self, info: Info) -> str | None:
        info.context.require("lamps:read")
        return "seen"

    @strawberry.field
    def lamp(self, id: strawberry.ID) -> Lamp | None:
        key_of(id, "Lamp")
        return Lamp(id=id)

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError("the password is swordfish")

    @strawberry.field
    def choosy(self) -> str | None:
        raise BadInput("Not this one.", ("x",))

    @strawberry.field
    def echo(self, at: datetime.datetime, hash: Sha256, where: Vec3) -> str:
        return f"{at.isoformat()} {hash[:4]} {where}"

    @strawberry.field
    def corner(self) -> Vec3:
        return Vec3((1.0, 2.5, -3.0))

    @strawberry.field
    def noon(self) -> datetime.datetime:
        return datetime.datetime(2026, 1, 31, 13, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


LightOutcome = Annotated[Lamp | LampBurnt | ConflictProblem | NotFoundProblem, strawberry.union("LightOutcome")]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change_slowly(self, info: Info, took_s: float) -> str | None:
        return await take_a_while(info.context.resources.get(Clock), took_s)

    @strawberry.mutation
    def light(self, how: str) -> LightOutcome:
        match how:
            case "burnt":
                raise LampBurntError(900)
            case "conflict":
                raise Conflict("The lamp is lit already.")
            case "absent":
                raise NotFound("Lamp", ("input", "id"))
            case _:
                return Lamp(id=global_id("Lamp", TENANT))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, fail_at: int = -1, wait_at: int = -1) -> AsyncGenerator[int, None]:
        clock = info.context.resources.get(Clock)
        try:
            for tick in range(clock.ticks):
                if tick == fail_at:
                    raise BadInput("This tick is not for you.")
                if tick == wait_at:
                    await asyncio.Event().wait()
                yield tick
        finally:
            clock.closed = True


schema = SubgraphSchema(Query, Mutation, Subscription, exception_handlers=[ShownAs(LampBurntError, LampBurnt)])

NO_DATABASE = Database(DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/none", capability_key=b"0" * 32))
GATEWAY_KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "gateway-1"})


def caller_token(
    key: OKPKey = GATEWAY_KEY,
    header: dict[str, str] | None = None,
    scopes: object = (),
    **claims: object,
) -> str:
    now = int(time.time())
    body: dict[str, object] = {
        "iss": "gateway",
        "aud": "subgraph",
        "sub": str(USER),
        "iat": now,
        "exp": now + 60,
        "claims": {"tenant": str(TENANT), "roles": ["viewer"], "scopes": list(scopes), "name": "Ada"},  # type: ignore[call-overload]
    }
    body.update(claims)
    full_header = {"alg": "EdDSA", "kid": "gateway-1", "typ": "caller+jwt", **(header or {})}
    return jwt.encode(full_header, body, key, algorithms=["EdDSA"])


def example_subgraph(clock: Clock | None = None) -> InProcessSubgraph:
    resources = Resources(NO_DATABASE, {Clock: clock or Clock()})
    tokens = CallerTokens({"keys": [GATEWAY_KEY.as_dict(private=False)]})
    return InProcessSubgraph(schema, resources, tokens, new_trace_id=lambda: "trace-1")


def new_lamp_id() -> str:
    return global_id("Lamp", uuid4())
