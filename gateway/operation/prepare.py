"""Text to operation: parse, validate against what clients may see, make plain.

In: the supergraph, the text and the name of the wanted operation. Out: `Operation`. Refuses, with every reason and its
place in the text: what does not parse, does not validate, or names no operation.
"""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)
from graphql.language import print_ast

from gateway.errors import ErrorCode, LimitExceeded, OperationInvalid
from gateway.operation.conditions import ALWAYS
from gateway.operation.deferring import Deferring, undeferred
from gateway.operation.model import Operation, Variable
from gateway.operation.normalize import Normalizer
from gateway.plan.nodes import OperationKind
from gateway.supergraph.model import Supergraph

INTROSPECTION = frozenset(("__schema", "__type"))
MAX_TOKENS = 50_000
MAX_DEPTH = 100
"""Nesting beyond this may exhaust the stack, and is refused when it does; limits on depth proper are the edge's."""


def prepare(
    supergraph: Supergraph, text: str, operation_name: str | None = None, deferring: Deferring | None = None
) -> Operation:
    """The wanted operation of the document, ready for planning. `deferring` keeps its active @defer's and @stream's."""
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
    except RecursionError:
        raise LimitExceeded("levels of nesting", MAX_DEPTH) from None
    except GraphQLSyntaxError as problem:
        raise OperationInvalid(ErrorCode.GRAPHQL_PARSE_FAILED, [problem]) from problem
    try:
        problems = validate(supergraph.api_schema, document)
        if problems:
            raise OperationInvalid(ErrorCode.GRAPHQL_VALIDATION_FAILED, problems)
        return prepare_document(supergraph, document, operation_name, deferring)
    except RecursionError:
        raise LimitExceeded("levels of nesting", MAX_DEPTH) from None


def prepare_document(
    supergraph: Supergraph, document: DocumentNode, operation_name: str | None, deferring: Deferring | None = None
) -> Operation:
    """As `prepare`, for a document that was parsed and validated already."""
    definition = _wanted(document, operation_name)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    kind: OperationKind = definition.operation.value
    root = supergraph.api_schema.get_root_type(definition.operation)
    assert isinstance(root, GraphQLObjectType)
    normalizer = Normalizer(supergraph.api_schema, fragments, deferring=deferring)
    fields, defers = normalizer.selected(root, [(definition.selection_set, ALWAYS, 0)])
    if deferring and (deferring.fragments or deferring.streams) and kind == "subscription":
        reason = f"@{'defer' if deferring.fragments else 'stream'} cannot be used in a subscription; say `if: false`."
        raise OperationInvalid(ErrorCode.GRAPHQL_VALIDATION_FAILED, [GraphQLError(reason, definition)])
    keys = tuple(dict.fromkeys(field.key for field in fields))
    ordinary = tuple(field for field in fields if field.name not in INTROSPECTION)
    asked = {field.key for field in fields if field.name in INTROSPECTION}
    return Operation(
        kind=kind,
        name=definition.name.value if definition.name else None,
        root_type=root.name,
        fields=ordinary,
        variables=tuple(_variable(node) for node in definition.variable_definitions or ()),
        root_keys=keys,
        introspection=_introspection(definition, fragments, asked) if asked else None,
        deferred=tuple(deferring.fragments) if deferring else (),
        defers=defers,
        streams=tuple(deferring.streams) if deferring else (),
    )


def _wanted(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    definition = get_operation_ast(document, operation_name)
    if definition is not None:
        return definition
    if operation_name is not None:
        reason = f"There is no operation named {operation_name[:100]!r} in the document."
    elif any(isinstance(node, OperationDefinitionNode) for node in document.definitions):
        reason = "The document has several operations; say which by operationName."
    else:
        reason = "The document has no operation."
    raise OperationInvalid(ErrorCode.BAD_USER_INPUT, [GraphQLError(reason)])


def _variable(node: VariableDefinitionNode) -> Variable:
    default = f" = {print_ast(node.default_value)}" if node.default_value else ""
    name = node.variable.name.value
    return Variable(name, f"${name}: {print_ast(node.type)}{default}")


def _introspection(
    definition: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode], keys: set[str]
) -> str:
    """A document with only the introspection fields of the operation; the fragments that they spread come along.

    Every declared variable is kept, for conditions may use any.
    """
    # The schema's own answer is there at once: nothing of it is deferred.
    selections = undeferred(_only(definition.selection_set, fragments, keys))
    variables = ", ".join(_variable(node).definition for node in definition.variable_definitions or ())
    parts = [f"query{f' ({variables})' if variables else ''} {print_ast(selections)}"]
    parts += [print_ast(undeferred(fragment)) for fragment in fragments.values()]
    return "\n\n".join(parts)


def _only(
    selection_set: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], keys: set[str]
) -> SelectionSetNode:
    """The selections whose response keys are wanted; fragments on the way become inline ones."""
    found: list[SelectionNode] = []
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            if (selection.alias or selection.name).value in keys:
                found.append(selection)
            continue
        if isinstance(selection, FragmentSpreadNode):
            inner: FragmentDefinitionNode | InlineFragmentNode = fragments[selection.name.value]
        else:
            assert isinstance(selection, InlineFragmentNode)
            inner = selection
        part = _only(inner.selection_set, fragments, keys)
        if part.selections:
            found.append(
                InlineFragmentNode(
                    type_condition=inner.type_condition, directives=selection.directives, selection_set=part
                )
            )
    return SelectionSetNode(selections=tuple(found))
