"""`@delivery`: how the events of a subscription field reach a reader behind the gateway (`docs/gateway.md`).

    @strawberry.subscription(directives=[Delivery(mode=Mode.LATEST, key="job { id }")])

It goes through composition, so that the gateway reads it from the supergraph.
"""

from enum import Enum

import strawberry
from strawberry.schema_directive import Location


@strawberry.enum(name="delivery__Mode")
class Mode(Enum):
    """LATEST: the newest event of each key is what counts. ORDERED: every event, one after the other."""

    LATEST = "LATEST"
    ORDERED = "ORDERED"


@strawberry.enum(name="delivery__Share")
class Share(Enum):
    """Whose identical subscriptions may be one stream."""

    CALLER = "CALLER"
    TENANT = "TENANT"


@strawberry.federation.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="delivery",
    compose=True,
    import_url="https://specs.d2r.dev/delivery/v0.1",
)
class Delivery:
    """`key` and `cursor` are field sets on the event; `after` is the argument that resumes."""

    mode: Mode
    key: str | None = strawberry.UNSET
    cursor: str | None = strawberry.UNSET
    after: str | None = strawberry.UNSET
    max_rate: int | None = strawberry.UNSET
    share: Share = Share.CALLER
