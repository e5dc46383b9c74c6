"""What the directives of a linked specification are called in this supergraph.

In: the supergraph's document. Out: names. A link may rename its whole specification (`as`) or single directives
(`import`); what is neither renamed nor imported goes by `spec__directive`, and the one that is named like its
specification by that name.
"""

from __future__ import annotations

from graphql import DirectiveNode, DocumentNode, ListValueNode, ObjectValueNode, SchemaDefinitionNode, StringValueNode


def name_of_linked(document: DocumentNode, spec: str, directive: str) -> str | None:
    """The name that `directive` of the specification goes by; None where nobody links the specification."""
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode):
            for link in node.directives or ():
                said = _texts(link)
                if link.name.value == "link" and said.get("url", "").rstrip("/").split("/")[-2:-1] == [spec]:
                    namespace = said.get("as", spec)
                    usual = namespace if directive == spec else f"{namespace}__{directive}"
                    return _imports(link).get(directive, usual)
    return None


def _imports(link: DirectiveNode) -> dict[str, str]:
    """Directive -> its name here."""
    found: dict[str, str] = {}
    for argument in link.arguments or ():
        if argument.name.value != "import" or not isinstance(argument.value, ListValueNode):
            continue
        for item in argument.value.values:
            if isinstance(item, StringValueNode):
                found[item.value.removeprefix("@")] = item.value.removeprefix("@")
            elif isinstance(item, ObjectValueNode):
                said = _texts(item)
                name = said.get("name", "").removeprefix("@")
                found[name] = said.get("as", name).removeprefix("@")
    return found


def _texts(node: DirectiveNode | ObjectValueNode) -> dict[str, str]:
    """The string values of a directive's arguments or an object's fields."""
    parts = node.arguments if isinstance(node, DirectiveNode) else node.fields
    return {each.name.value: each.value.value for each in parts or () if isinstance(each.value, StringValueNode)}
