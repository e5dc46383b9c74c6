"""A subgraph's document -> its types, with Federation's directives understood.

In: a well-formed document and how it names things. Out: `Declared`. Decides nothing across subgraphs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from graphql import (
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    ListTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
)

from gateway.composition.federation_names import FederationNames
from gateway.composition.federation_spec import FEDERATION_1
from gateway.composition.schema import ROOTS, Applied, Element, Field, InputValue, Kind, Type

_KINDS: dict[type[TypeDefinitionNode | TypeExtensionNode], Kind] = {
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    InputObjectTypeExtensionNode: Kind.INPUT,
}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a document declares. `composed`: the directives that @composeDirective names, without their @."""

    types: dict[str, Type]
    directives: dict[str, DirectiveDefinitionNode]
    directive_arguments: dict[str, dict[str, InputValue]]
    composed: dict[str, Applied]


def declare_types(document: DocumentNode, names: FederationNames, roots: dict[str, str]) -> Declared:
    """Everything that the document declares."""
    return _Declaring(names, {written: ROOTS[operation] for operation, written in roots.items()}).all(document)


class _Declaring:
    def __init__(self, names: FederationNames, renamed: dict[str, str]) -> None:
        self.names = names
        self.renamed = renamed
        self.types: dict[str, Type] = {}

    def all(self, document: DocumentNode) -> Declared:
        directives: dict[str, DirectiveDefinitionNode] = {}
        composed: dict[str, Applied] = {}
        for node in document.definitions:
            match node:
                case TypeDefinitionNode() | TypeExtensionNode():
                    self.declare(node)
                case DirectiveDefinitionNode():
                    directives[node.name.value] = node
                case SchemaDefinitionNode() | SchemaExtensionNode():
                    for applied in self.applied(node.directives):
                        name = applied.argument("name")
                        if applied.federation == "composeDirective" and isinstance(name, str):
                            composed[name.removeprefix("@")] = applied
        for declared in self.types.values():
            _understand(declared, self.names.version)
        arguments = {
            name: {argument.name.value: self.input_value(argument) for argument in node.arguments or ()}
            for name, node in directives.items()
        }
        return Declared(self.types, directives, arguments, composed)

    def declare(self, node: TypeDefinitionNode | TypeExtensionNode) -> None:
        name = self.named(node.name.value)
        is_definition = isinstance(node, TypeDefinitionNode)
        found = self.types.get(name)
        if found is None:
            found = self.types[name] = Type(name, node, kind=_KINDS[type(node)], has_definition=False)
        if isinstance(node, TypeDefinitionNode):
            found.has_definition, found.node = True, node
            found.description = _text(node.description)
        applied = self.applied(node.directives)
        found.directives = (*found.directives, *applied)
        for interface in getattr(node, "interfaces", None) or ():
            found.interfaces[self.named(interface.name.value)] = interface
        for member in getattr(node, "types", None) or ():
            found.members[self.named(member.name.value)] = member
        for value in getattr(node, "values", None) or ():
            found.values[value.name.value] = self.element(value)
        for field in getattr(node, "fields", None) or ():
            if isinstance(field, FieldDefinitionNode):
                own = found.fields[field.name.value] = self.field(field)
                own.in_extension = not is_definition
                own.external = (
                    any(each.federation == "external" for each in applied) and self.names.version != FEDERATION_1
                )
                own.shareable = any(each.federation == "shareable" for each in applied)
            else:
                found.inputs[field.name.value] = self.input_value(field)

    def field(self, node: FieldDefinitionNode) -> Field:
        plain = self.element(node)
        return Field(
            name=plain.name,
            node=node,
            description=plain.description,
            directives=plain.directives,
            type=self.type_text(node.type),
            arguments={argument.name.value: self.input_value(argument) for argument in node.arguments or ()},
        )

    def input_value(self, node: InputValueDefinitionNode) -> InputValue:
        plain = self.element(node)
        return InputValue(
            plain.name, node, plain.description, plain.directives, self.type_text(node.type), node.default_value
        )

    def element(self, node: object) -> Element:
        return Element(
            getattr(node, "name").value,  # noqa: B009 - enum values, fields and arguments all have one
            node,  # type: ignore[arg-type]
            _text(getattr(node, "description", None)),
            self.applied(getattr(node, "directives", None)),
        )

    def applied(self, nodes: Iterable[ConstDirectiveNode] | None) -> tuple[Applied, ...]:
        known = self.names.directives
        return tuple(Applied(node.name.value, known.get(node.name.value), node) for node in nodes or ())

    def named(self, name: str) -> str:
        return self.renamed.get(name, name)

    def type_text(self, node: TypeNode) -> str:
        match node:
            case NonNullTypeNode():
                return f"{self.type_text(node.type)}!"
            case ListTypeNode():
                return f"[{self.type_text(node.type)}]"
        return self.named(node.name.value)  # type: ignore[attr-defined]


def _text(node: StringValueNode | None) -> str | None:
    return node.value if node is not None else None


def _understand(declared: Type, version: str) -> None:
    """Write down on the type and its fields what the directives, by themselves, say."""
    extends = declared.has("extends")
    declared.is_extension = extends or not declared.has_definition
    if extends and version == FEDERATION_1:
        declared.has_definition = False
    if declared.kind is Kind.OBJECT and declared.has("interfaceObject"):
        declared.kind, declared.is_interface_object = Kind.INTERFACE, True
    for field in declared.fields.values():
        field.in_extension = field.in_extension or extends
        if declared.kind is Kind.OBJECT or declared.is_interface_object:
            field.external = field.external or field.has("external")
        if version == FEDERATION_1 and not declared.is_extension:
            # It is for extensions there; elsewhere it was written, and meant nothing.
            field.external = False
        field.shareable = field.shareable or field.has("shareable")
        if version == FEDERATION_1 and declared.kind is Kind.OBJECT:
            # Federation 1 has no word for it: whichever subgraph declares a field may resolve it.
            field.shareable = True
        for applied in field.applied("override"):
            field.override, label = applied.argument("from"), applied.argument("label")
            field.override_label = label if isinstance(label, str) else None
