"""Definitions of Federation's own directives that a subgraph gives itself must mean what Federation means.

In: a directive's definition. Out: DIRECTIVE_DEFINITION_INVALID where it says something else.
"""

from __future__ import annotations

from graphql import BooleanValueNode, DirectiveDefinitionNode, InputValueDefinitionNode, NonNullTypeNode, print_ast

from gateway.composition.federation_names import FederationNames
from gateway.composition.federation_spec import directives_of
from gateway.composition.problems import Report, place_of

_FIELD_SETS = frozenset(("FieldSet!", "_FieldSet!", "federation__FieldSet!", "String!", "[String!]!", "String"))


def check_definition(node: DirectiveDefinitionNode, names: FederationNames, subgraph: str, report: Report) -> None:
    """Compare the definition with the specification's."""
    written = node.name.value
    known = directives_of(names.version)[names.directives[written]]
    given = {argument.name.value: argument for argument in node.arguments or ()}
    start = f'[{subgraph}] Invalid definition of directive "@{written}":'
    for argument in known.arguments or ():
        own = given.get(argument.name.value)
        if own is not None:
            _check_argument(argument, own, start, names, subgraph, report)
        elif isinstance(argument.type, NonNullTypeNode):
            message = f'{start} the argument "{argument.name.value}" is missing.'
            report.problem("DIRECTIVE_DEFINITION_INVALID", message, place_of(subgraph, node))
    allowed = {location.value for location in known.locations}
    if not allowed & {location.value for location in node.locations}:
        message = f"{start} it should stand on {', '.join(sorted(allowed))}."
        report.problem("DIRECTIVE_DEFINITION_INVALID", message, place_of(subgraph, node))


def _check_argument(
    known: InputValueDefinitionNode,
    own: InputValueDefinitionNode,
    start: str,
    names: FederationNames,
    subgraph: str,
    report: Report,
) -> None:
    expected, found = print_ast(known.type), print_ast(own.type)
    if expected == "FieldSet!":
        aliases = {f"{written}!" for written, name in names.scalars.items() if name == "FieldSet"}
        if found not in _FIELD_SETS | aliases:
            message = f'{start} the argument "{known.name.value}" should have type "{expected}", not "{found}".'
            report.problem("DIRECTIVE_DEFINITION_INVALID", message, place_of(subgraph, own))
    if isinstance(known.default_value, BooleanValueNode):
        default = own.default_value.value if isinstance(own.default_value, BooleanValueNode) else None
        if default != known.default_value.value:
            message = f'{start} the argument "{known.name.value}" should be true where it is not given.'
            report.problem("DIRECTIVE_DEFINITION_INVALID", message, place_of(subgraph, own))
