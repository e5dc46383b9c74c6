"""The whole plan of one operation: what to fetch, and how the answer is read out of what was fetched."""

from __future__ import annotations

from msgspec import Struct

from gateway.plan.deferral import Deferral
from gateway.plan.nodes import Node, OperationKind
from gateway.plan.shape import Denied, Object


class QueryPlan(Struct, frozen=True):
    """A plan is a value: equal operations on equal supergraphs give equal plans.

    node: None when nothing has to be fetched (only `__typename` or introspection).
    shape: the client's answer, without introspection fields.
    introspection: a document with only the client's `__schema`/`__type` root fields, answered from the API schema;
        its answers are merged into the response at `introspection_keys`' places (root response keys in client order:
        `root_keys`).
    denied: what the caller may not see: nothing asks for it, it stands in `shape` as null, and each is an error.
    deferral: what comes after the first answer, if anything; `node` is then what the first answer needs.
    """

    kind: OperationKind
    node: Node | None
    shape: Object
    root_keys: tuple[str, ...]
    introspection: str | None = None
    deferral: Deferral | None = None
    denied: tuple[Denied, ...] = ()
