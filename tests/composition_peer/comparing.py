"""Two compositions of one graph: the same answer, or a difference that we know and mean.

In: what we say and what the peer says. Out: None where they agree, the name of a known difference, or how they differ.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.composition.compose import compose
from gateway.composition.problems import CompositionFailed
from gateway.composition.read_subgraph import SubgraphSource
from tests.composition_peer.paths import unplanned
from tests.gateway.composition.meaning import differences, meaning_of
from tests.node import HERE as NODE

KNOWN = {
    "selection": "a field set that selects an object without its fields is no GraphQL; the peer takes it",
    "no such type": "a field set with a fragment on a type that is nowhere is no GraphQL; the peer takes it",
    "field of a union": "a field set that selects a field of a union is no GraphQL; the peer says so in other words",
    "external type": "the peer tells a second code, or for keys another one, where an external field has another type",
    "external key nullability": "a key may be declared more or less strictly by who only names objects with it",
    "provided": "who resolves what another subgraph provides must share it: Apollo's rule, and not the peer's",
    "chain of overrides": "an override of what is itself overridden is refused by Apollo; by the peer in circles only",
    "interface object": "an interface object here and an object there are two kinds; the peer says so in other words",
    "extended interface object": "an interface object needs no definition of an object",
    "demands through interfaces": "what an interface's implementations demand is demanded of what is made from it",
    "planned": "the peer finds no way, but the planner has one to every field: it brings along what one comes with",
    "external key": "an external field that is a key elsewhere is not given by who declares it external",
    "peer failed": "the peer ended with an error of its own",
    "written types": "the peer leaves out a subgraph's own type, or that it is external, on interfaces and on Query",
    "order of stages": "the peer stops, or does not stop, after a stage; the same graph is refused",
    "used overridden": "an overridden field is still used where a key of another type goes through it",
    "provides in fragments": "what a @provides gives within a fragment must be external, too",
    "hidden values": "an enum of which only hidden values are left for input is none that clients could use",
    "stage": "each stops after its own stage: what one subgraph says, what all say together, what can be reached",
    "interface extension": "a demand on an extension of an interface is one on the interface",
    "unused external": "an external that nothing uses is told in every extension",
    "contextual argument": "where a field is external it need not repeat an argument that comes from a context",
    "graphql rules": "graphql-core knows rules of the specification that the peer's GraphQL does not check",
    "argument never null": "an argument from a context may be one that is never null; objects without are left out",
    "interface key": "whoever resolves an interface by key knows all its types, as Apollo wants it",
    "lists": "a list that goes in may be narrowed within",
}


TOGETHER = frozenset(
    [
        "EMPTY_MERGED_ENUM_TYPE",
        "EMPTY_MERGED_INPUT_TYPE",
        "ENUM_VALUE_MISMATCH",
        "EXTENSION_WITH_NO_BASE",
        "EXTERNAL_ARGUMENT_MISSING",
        "EXTERNAL_MISSING_ON_BASE",
        "EXTERNAL_TYPE_MISMATCH",
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "FIELD_TYPE_MISMATCH",
        "INTERFACE_FIELD_NO_IMPLEM",
        "INVALID_FIELD_SHARING",
        "INVALID_GRAPHQL",
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS",
        "ONLY_INACCESSIBLE_CHILDREN",
        "REFERENCED_INACCESSIBLE",
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH",
        "TYPE_KIND_MISMATCH",
    ]
)
"""Codes that are found when subgraphs are put together."""


GRAPHQL = frozenset(
    [
        "DEFAULT_VALUE_USES_INACCESSIBLE",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH",
        "FIELD_ARGUMENT_TYPE_MISMATCH",
        "IMPLEMENTED_BY_INACCESSIBLE",
        "INPUT_FIELD_DEFAULT_MISMATCH",
        "INTERFACE_FIELD_NO_IMPLEM",
        "INVALID_GRAPHQL",
        "REQUIRED_INACCESSIBLE",
    ]
)
"""Codes of what would be no GraphQL schema once it is put together."""


@dataclass(frozen=True)
class Difference:
    """How two compositions differ; `known` names the reason if it is one that we mean."""

    text: str
    known: str | None


def composed_by_peer(graphs: Sequence[Sequence[SubgraphSource]]) -> list[dict[str, Any]]:
    """What the peer makes of each graph: a supergraph or the codes of errors."""
    given = [[{"name": s.name, "url": s.url, "sdl": s.sdl} for s in graph] for graph in graphs]
    ran = subprocess.run(
        ["node", "compose.mjs"], cwd=NODE, input=json.dumps(given), capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def compared(graph: Sequence[SubgraphSource], peer: dict[str, Any]) -> Difference | None:
    """Compose the graph ourselves and compare."""
    theirs = set(peer.get("errors", ()))
    try:
        supergraph = compose(graph).supergraph
    except CompositionFailed as failed:
        return _of_refusal(failed, theirs)
    if theirs:
        return Difference(
            f"composed here, refused by the peer: {sorted(theirs)}", _known_acceptance(graph, supergraph, theirs)
        )
    found = differences(meaning_of(supergraph), meaning_of(peer["supergraph"]))
    return Difference("\n".join(found[:5]), _known_meaning(found)) if found else None


def _of_refusal(failed: CompositionFailed, theirs: set[str]) -> Difference | None:
    ours = {problem.code for problem in failed.problems}
    if ours == theirs:
        return None
    text = f"{sorted(ours)} here, {sorted(theirs) or 'composed'} by the peer: {failed.problems[0]}"
    return Difference(text, _known_refusal(failed, ours, theirs))


def _known_refusal(failed: CompositionFailed, ours: set[str], theirs: set[str]) -> str | None:
    messages = " ".join(problem.message for problem in failed.problems)
    sharing = [problem for problem in failed.problems if problem.code == "INVALID_FIELD_SHARING"]
    extra, missing = ours - theirs, theirs - ours
    if "THROWN" in theirs:
        return "peer failed"
    if "needs a selection of its own" in messages or "which cannot be part of a key" in messages:
        return "selection"
    if "there is no type" in messages and not theirs:
        return "no such type"
    if extra == {"PROVIDES_INVALID_FIELDS"} and missing == {"PROVIDES_FIELDS_MISSING_EXTERNAL"}:
        return "field of a union"
    if missing | extra <= {"FIELD_TYPE_MISMATCH", "EXTERNAL_TYPE_MISMATCH"}:
        return "external type"
    if extra == {"OVERRIDE_SOURCE_HAS_OVERRIDE"} and not missing:
        return "chain of overrides"
    if extra == {"INVALID_FIELD_SHARING"} and all("(by @provides)" in each.message for each in sharing):
        return "provided"
    if "TYPE_KIND_MISMATCH" in ours or missing & {"INTERFACE_OBJECT_USAGE_ERROR", "TYPE_KIND_MISMATCH"}:
        return "interface object"
    if missing == {"EXTENSION_WITH_NO_BASE"} or missing == {"EXTENSION_WITH_NO_BASE", "EXTERNAL_MISSING_ON_BASE"}:
        return "extended interface object"
    if extra == {"ONLY_INACCESSIBLE_CHILDREN"} and not missing:
        return "hidden values"
    if extra == {"INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE"} and not missing:
        return "interface key"
    if extra == {"AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE"} and not missing:
        return "interface extension"
    if ours <= GRAPHQL and not theirs:
        return "graphql rules"
    if extra == {"EXTERNAL_UNUSED"} and not missing:
        return "unused external"
    if extra == {"PROVIDES_FIELDS_MISSING_EXTERNAL"} and "... on" in messages:
        return "provides in fragments"
    if extra == {"MISSING_TRANSITIVE_AUTH_REQUIREMENTS"}:
        return "demands through interfaces"
    if ours == {"SATISFIABILITY_ERROR"} and not theirs:
        return "external key"
    if theirs and _stage(ours) != _stage(theirs):
        return "stage"
    return "order of stages" if ours & theirs else None


def _stage(codes: set[str]) -> int:
    """How far composition came: 0 one subgraph by itself, 1 all together, 2 what can be reached."""
    if codes == {"SATISFIABILITY_ERROR"}:
        return 2
    return 1 if codes <= TOGETHER else 0


def _known_acceptance(graph: Sequence[SubgraphSource], supergraph: str, theirs: set[str]) -> str | None:
    texts = " ".join(source.sdl for source in graph)
    if "THROWN" in theirs:
        return "peer failed"
    if (
        theirs <= {"EXTENSION_WITH_NO_BASE", "EXTERNAL_MISSING_ON_BASE", "TYPE_KIND_MISMATCH"}
        and "@interfaceObject" in texts
    ):
        return "extended interface object"
    if theirs == {"CONTEXT_INVALID_SELECTION"} and "! @fromContext" in texts:
        return "argument never null"
    if theirs == {"EXTERNAL_ARGUMENT_MISSING"} and "@fromContext" in texts:
        return "contextual argument"
    if theirs == {"SATISFIABILITY_ERROR"} and not unplanned(supergraph):
        return "planned"
    if theirs == {"FIELD_TYPE_MISMATCH"}:
        return "external key nullability" if "@external" in texts else "lists"
    return None


def _known_meaning(found: Sequence[str]) -> str | None:
    """All differences are about the types that a subgraph is written to have, or about what is still used."""
    if all(line.startswith("subgraph ") and _differs_in_type(line) for line in found):
        return "written types"
    if all(line.startswith("subgraph ") and line.endswith("| None") and ", True, " in line for line in found):
        return "used overridden"
    return None


def _differs_in_type(line: str) -> bool:
    """Whether only the first two of a field's facts differ: its type, and whether it is external."""
    values = line.split(": ", 1)[1].split(" | ")
    if len(values) != 2 or "None" in values:
        return False
    one, other = (value.strip("()").split(", ", 2) for value in values)
    return len(one) == len(other) == 3 and one[2] == other[2]
