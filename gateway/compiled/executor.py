"""Run a plan by its program where there is one, and by the generic executor where there is none or it meets a surprise.

A program is written when a plan is asked for once more than `compile_after` times, once for each set of values of its
conditions. It is written aside, and who asks meanwhile goes the generic way; only for the first answer's sake
(`compile_after=0`) is it waited for. One that keeps meeting surprises is tried only now and then.
"""

from __future__ import annotations

import logging
from asyncio import Future
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

from graphql import GraphQLSchema
from msgspec import Struct

from gateway.aside import Aside
from gateway.client.operation_scope import OperationScope
from gateway.client.protocol import HostedClient, SubgraphClient, WireClient
from gateway.compiled.documents import possible_in
from gateway.compiled.positions import NotCompilable, Switches
from gateway.compiled.program import Program, Surprise
from gateway.compiled.switches import switches_of
from gateway.compiled.variants import Unlike, Variants
from gateway.execution.caller import Caller
from gateway.execution.executor import Executor
from gateway.execution.reporting import Reporting
from gateway.execution.response import Encoded, Response
from gateway.execution.sent import Sent
from gateway.plan.nodes import SubgraphName
from gateway.plan.query_plan import QueryPlan
from gateway.telemetry.entry import Executed, current_entry

_log = logging.getLogger("gateway")
_MOST_PROGRAMS_A_PLAN = 8
_SURPRISES_IN_A_ROW = 10
_TRIED_AGAIN_AFTER = 50


@dataclass(slots=True)
class _Known:
    """What is known of one plan. `plan` keeps it alive, so that no other takes its place in the cache."""

    plan: QueryPlan
    conditions: tuple[str, ...] | None = None
    programs: dict[tuple[bool, ...], Variants] = field(default_factory=dict)
    used: int = 0
    surprises: int = 0


class Runs(Struct):
    """How many operations went which way: by a program, by one that met a surprise, by the generic executor."""

    compiled: int = 0
    surprised: int = 0
    generic: int = 0


class CompilingExecutor(Executor):
    """`runs`: counted in here, over all executors of a gateway."""

    def __init__(
        self,
        clients: Mapping[SubgraphName, SubgraphClient],
        api_schema: GraphQLSchema,
        reporting: Reporting,
        max_kept: int = 2000,
        compile_after: int = 1,
        runs: Runs | None = None,
        aside: Aside | None = None,
    ) -> None:
        super().__init__(clients, api_schema, reporting)
        self._wired = {name: client for name, client in clients.items() if isinstance(client, WireClient)}
        self._hosted = {name: client for name, client in clients.items() if isinstance(client, HostedClient)}
        self._reached: dict[SubgraphName, WireClient | HostedClient] = {**self._hosted, **self._wired}
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._possible = possible_in(api_schema)
        self._max_kept = max_kept
        self._compile_after = compile_after
        self.runs = runs or Runs()
        self._aside = aside or Aside()

    async def execute(
        self, plan: QueryPlan, variables: Mapping[str, object], caller: Caller, sent: Sent | None = None
    ) -> Response:
        known = self._known_of(plan)
        program = await self._program(known, variables)
        if program is None:
            self.runs.generic += 1
            _executed("generic")
            return await super().execute(plan, variables, caller, sent)
        scope, sent = OperationScope(), Sent()
        try:
            body = await program.run(self._reached, variables, caller, sent, scope)
            sent.all_were_taken()
        except Surprise:
            known.surprises += 1
            self.runs.surprised += 1
            _executed("surprised")
            return await super().execute(plan, variables, caller, sent)
        finally:
            if sent.is_held or scope.is_held:
                await _ended(sent, scope)
        known.surprises = 0
        self.runs.compiled += 1
        _executed("program")
        return Encoded(body=body)

    def _known_of(self, plan: QueryPlan) -> _Known:
        known = self._known.get(id(plan))
        if known is None:
            known = self._known[id(plan)] = _Known(plan)
            if len(self._known) > self._max_kept:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(id(plan))
        return known

    async def _program(self, known: _Known, variables: Mapping[str, object]) -> Program | None:
        known.used += 1
        if known.used <= self._compile_after:
            return None
        if known.surprises >= _SURPRISES_IN_A_ROW and known.used % _TRIED_AGAIN_AFTER:
            return None
        if known.conditions is None:
            known.conditions = switches_of(known.plan)
        values = tuple(bool(variables.get(name)) for name in known.conditions)
        variants = known.programs.get(values)
        if variants is None:
            if len(known.programs) >= _MOST_PROGRAMS_A_PLAN:
                return None
            switches = dict(zip(known.conditions, values, strict=True))
            variants = known.programs[values] = Variants(partial(self._written, known.plan, switches))
        return variants.now() if self._compile_after else await variants.when_written()

    def _written(self, plan: QueryPlan, switches: Switches, unlike: Unlike) -> Future[Program | None]:
        known_by = (self, id(plan), tuple(switches.items()), unlike)
        return self._aside.begun(known_by, partial(self._compiled, plan, switches, unlike))

    def _compiled(self, plan: QueryPlan, switches: Switches, unlike: Unlike) -> Program | None:
        try:
            program = Program(plan, switches, self._possible, self._hosted.keys() - self._wired.keys(), unlike)
        except NotCompilable:
            return None
        except Exception:
            # The last resort of one plan: a fault of ours costs it the speed and not the answer.
            _log.exception("no program can be written for a plan")
            return None
        return program if program.subgraphs <= self._reached.keys() else None


async def _ended(sent: Sent, scope: OperationScope) -> None:
    """What was asked ends before what it shares does."""
    async with aclosing(scope), aclosing(sent):
        pass


def _executed(how: Executed) -> None:
    if (entry := current_entry()) is not None:
        entry.executed = how
