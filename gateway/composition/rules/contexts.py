"""@context and @fromContext: an argument takes its value from an object above.

In: the schema. Out: problems, and `schema.context_arguments` for the merge. A reference is `$name { selection }`, where
the selection leads to one leaf, or says for each type that carries the context how it does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphql import FieldNode, InlineFragmentNode, SelectionSetNode

from gateway.composition.field_sets import parse_selections, printed
from gateway.composition.problems import Place, Report
from gateway.composition.schema import Applied, Field, InputValue, Kind, SubgraphSchema, Type, named

_REFERENCE = re.compile(r"\s*\$\s*([A-Za-z_]\w*)\s*(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class ContextReference:
    """What one argument reads: from which context, which selection (with its braces)."""

    context: str
    selection: str


def reference_of(argument: InputValue) -> ContextReference | None:
    """The argument's reference; None where it takes its value from the client."""
    for applied in argument.applied("fromContext"):
        text = applied.argument("field")
        found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
        if found and found[2].strip():
            selections = parse_selections(found[2])
            if not isinstance(selections, str):
                return ContextReference(found[1], "{ " + printed(selections) + " }")
    return None


def check(schema: SubgraphSchema, report: Report) -> None:
    """Look at every context and every reference."""
    owners: dict[str, list[Type]] = {}
    for type_ in schema.types.values():
        for applied in type_.applied("context"):
            name = applied.argument("name")
            if not isinstance(name, str):
                continue
            owners.setdefault(name, []).append(type_)
            if not _NAME.fullmatch(name):
                message = f'[{schema.name}] The context name "{name}" is not valid: use letters and digits only.'
                report.problem("CONTEXT_NAME_INVALID", message, schema.place(applied.node))
    for type_ in list(schema.types.values()):
        for field in type_.fields.values():
            for argument in field.arguments.values():
                for applied in argument.applied("fromContext"):
                    _Reference(schema, type_, field, argument, applied, report).check(owners)


class _Reference:
    """One @fromContext under check."""

    def __init__(
        self, schema: SubgraphSchema, type_: Type, field: Field, argument: InputValue, applied: Applied, report: Report
    ) -> None:
        self.schema, self.type, self.field, self.argument = schema, type_, field, argument
        self.applied, self.report = applied, report
        self.place: Place = schema.place(applied.node)
        self.coordinate = f"{type_.name}.{field.name}({argument.name}:)"

    def check(self, owners: dict[str, list[Type]]) -> None:
        if self.type.kind is Kind.INTERFACE:
            self._problem("CONTEXT_NOT_SET", "an abstract type's field cannot take an argument from a context")
            return
        for name in self.type.interfaces:
            interface = self.schema.types.get(name)
            if interface is not None and self.field.name in interface.fields:
                reason = f'it implements "{name}.{self.field.name}", whose callers would have to give the argument'
                self._problem("CONTEXT_NOT_SET", reason)
        if self.argument.default is not None:
            self._problem("CONTEXT_NOT_SET", "an argument from a context has no default value")
        text = self.applied.argument("field")
        found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
        if found is None or not found[2].strip():
            self._problem("NO_CONTEXT_IN_SELECTION", 'write "$name { field }"')
            return
        name = found[1]
        if name not in owners:
            self._problem("CONTEXT_NOT_SET", f'no type of the subgraph has @context(name: "{name}")')
            return
        selections = parse_selections(found[2])
        if isinstance(selections, str):
            self._problem("CONTEXT_INVALID_SELECTION", selections)
        else:
            self._check_selection(owners[name], selections)
        if not any(key.resolvable for key in self.type.keys):
            reason = f'"{self.type.name}" has no resolvable @key, so one could not come back to it with the value'
            self._problem("CONTEXT_NO_RESOLVABLE_KEY", reason)

    def _check_selection(self, owners: list[Type], selections: SelectionSetNode) -> None:
        wanted = self.argument.type.replace("!", "")
        for owner in owners:
            for type_ in self._types_of(owner, selections):
                result = self._result(type_, selections)
                if result is not None and result != wanted:
                    reason = f'on "{type_.name}" the selection gives {result}, and the argument is {wanted}'
                    self._problem("CONTEXT_INVALID_SELECTION", reason)

    def _types_of(self, owner: Type, selections: SelectionSetNode) -> list[Type]:
        """The types that the selection is read on: the owner, or with fragments each type that it may be."""
        has_fragments = any(isinstance(node, InlineFragmentNode) for node in selections.selections)
        if owner.kind is Kind.OBJECT or not has_fragments:
            return [owner]
        return [self.schema.types[name] for name in sorted(self.schema.possible(owner.name))]

    def _result(self, type_: Type, selections: SelectionSetNode) -> str | None:
        """The type, without its !, that the selection gives on objects of the type; None when it is faulty."""
        if type_.is_interface_object:
            self._problem("CONTEXT_INVALID_SELECTION", f'"{type_.name}" is an interface object')
            return None
        results: list[str] = []
        for node in selections.selections:
            match node:
                case InlineFragmentNode():
                    condition = node.type_condition.name.value if node.type_condition else type_.name
                    if condition == type_.name or type_.name in self.schema.possible(condition):
                        inner = self._result(type_, node.selection_set)
                        if inner is None:
                            return None
                        results.append(inner)
                case FieldNode():
                    inner = self._field_result(type_, node)
                    if inner is None:
                        return None
                    results.append(inner)
        if len(set(results)) != 1:
            reason = "selects nothing" if not results else "selects more than one thing"
            self._problem("CONTEXT_INVALID_SELECTION", f'on "{type_.name}" it {reason}')
            return None
        return results[0]

    def _field_result(self, type_: Type, node: FieldNode) -> str | None:
        if node.name.value == "__typename":
            return "String"
        field = type_.fields.get(node.name.value)
        if node.alias or node.directives or field is None:
            reason = "aliases are not allowed" if node.alias else "directives are not allowed"
            if field is None:
                reason = f'"{type_.name}" has no field "{node.name.value}"'
            self._problem("CONTEXT_INVALID_SELECTION", reason)
            return None
        field.required = True
        plain = field.type.replace("!", "")
        inner = self.schema.types.get(named(field.type))
        if inner is None or not inner.is_composite:
            return plain
        if node.selection_set is None:
            self._problem("CONTEXT_INVALID_SELECTION", f'"{type_.name}.{field.name}" needs a selection')
            return None
        result = self._result(inner, node.selection_set)
        return plain.replace(named(plain), result) if result is not None else None

    def _problem(self, code: str, reason: str) -> None:
        message = f'[{self.schema.name}] @fromContext on "{self.coordinate}": {reason}.'
        self.report.problem(code, message, self.place)
