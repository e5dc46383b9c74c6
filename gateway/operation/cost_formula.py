"""What fields cost, as formulas of the operation's variables: the field cost of IBM's specification, with Federation's
weights.

In: plain fields, or the selections of a document for a subgraph (`cost_of_fetches.py`), and the rules of the
supergraph. Out: `Cost`s, to be evaluated for variables. A field costs

    length of its list  x  (its own weight + what is selected of it)  +  the weights of its arguments

A field's own weight is its @cost, else its type's, else 1 for a composite type and 0 for a leaf. Of an abstract type
the most expensive concrete one counts. Input objects weigh 1 each, whatever else is an argument nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    parse,
    value_from_ast_untyped,
)
from msgspec import Struct

from gateway.errors import ErrorCode, RequestRefused
from gateway.execution.projection import alternative_holds
from gateway.operation.conditions import ALWAYS, in_order
from gateway.operation.model import Field
from gateway.plan.shape import Toggle
from gateway.supergraph.cost import CostRules, ListSize

Variables = Mapping[str, object]
Given = Mapping[str, object]
"""Arguments, as functions of variables: constants, or names of variables."""
_MUTATION = 10


class SizeUnknown(RequestRefused):
    """A list is to be cut by exactly one argument, so that it is known how long it may be."""

    code = ErrorCode.BAD_USER_INPUT

    def __init__(self, field: str, arguments: tuple[str, ...]) -> None:
        names = ", ".join(f"`{name}`" for name in arguments)
        super().__init__(f"`{field}` needs exactly one of {names}, so that it is known how long its list may be.")


class Slices(Struct, frozen=True):
    """The length of a list that arguments say: numbers, or lists of as many; a name may lead into an input object
    (`filter.first`). otherwise: where none is given."""

    field: str
    names: tuple[str, ...]
    node: FieldNode
    defaults: Mapping[str, object]
    needs_one: bool
    otherwise: int

    def length(self, variables: Variables, strict: bool) -> int:
        given = {**self.defaults, **arguments_of(self.node, variables)}
        known = [size for name in self.names if (size := _size(given, name)) is not None]
        if strict and self.needs_one and len(known) != 1:
            raise SizeUnknown(self.field, self.names)
        return max(0, *known) if known else self.otherwise


Length = int | Slices


class Weighing(dict[str, object]):
    """Variables of one estimate. A value that many fields take is looked at once: it may have thousands of parts."""

    def __init__(self, variables: Variables) -> None:
        super().__init__(variables)
        self.weighed: dict[tuple[int, int], tuple[int, object]] = {}


class InputCost(Struct, frozen=True):
    """What the arguments of one field weigh: `weights` by argument, and the types of those that hold input objects."""

    node: FieldNode
    weights: Mapping[str, int]
    types: Mapping[str, GraphQLInputType]
    inputs: Mapping[tuple[str, str], int]
    types_weights: Mapping[str, int]

    def value(self, variables: Variables) -> int:
        total = 0
        weighed = variables.weighed if isinstance(variables, Weighing) else {}
        for name, value in arguments_of(self.node, variables).items():
            if value is not None and name in self.types:
                key = (id(value), id(self.types[name]))
                if key not in weighed:
                    # With the value: what lives cannot give its id to another.
                    weighed[key] = (self._of(self.types[name], value), value)
                total += self.weights.get(name, 0) + weighed[key][0]
        return total

    def _of(self, kind: GraphQLInputType, value: object) -> int:
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        if value is None:
            return 0
        if isinstance(kind, GraphQLList):
            return sum(self._of(kind.of_type, each) for each in (value if isinstance(value, list) else [value]))
        if not isinstance(kind, GraphQLInputObjectType) or not isinstance(value, dict):
            return self.types_weights.get(kind.name, 0)
        total = 1
        for name, inner in value.items():
            if inner is not None and name in kind.fields:
                total += self.inputs.get((kind.name, name), 0) + self._of(kind.fields[name].type, inner)
        return total


class Branch(Struct, frozen=True):
    """One kind of value that may come: its own weight, and what is selected of it."""

    weight: int
    costs: tuple[Cost, ...] = ()


class Cost(Struct, frozen=True):
    """One field. `branches`: of each kind of value that may come, of which the dearest counts."""

    key: str
    branches: tuple[Branch, ...]
    length: Length = 1
    inputs: InputCost | None = None
    when: tuple[tuple[tuple[Toggle, ...], ...], ...] = ()

    def value(self, variables: Variables, strict: bool = True) -> int:
        """strict: refuse a list of which nobody says how long it may be though somebody must."""
        if not all(alternative_holds(rows, variables) for rows in self.when):
            return 0
        length = self.length if isinstance(self.length, int) else self.length.length(variables, strict)
        one = max(branch.weight + total(branch.costs, variables, strict) for branch in self.branches)
        return length * one + (self.inputs.value(variables) if self.inputs else 0)

    def actual(self, value: object, variables: Variables) -> int:
        """What it came to, by the data that it brought."""
        if not all(alternative_holds(rows, variables) for rows in self.when):
            return 0
        inner = {each.key: each for branch in self.branches for each in branch.costs}
        return (self.inputs.value(variables) if self.inputs else 0) + self._of(value, inner, variables)

    def _of(self, value: object, inner: Mapping[str, Cost], variables: Variables) -> int:
        if isinstance(value, list):
            return sum(self._of(each, inner, variables) for each in value)
        if value is None:
            return 0
        weight = max(branch.weight for branch in self.branches)
        if not isinstance(value, dict):
            return weight
        return weight + sum(each.actual(value[key], variables) for key, each in inner.items() if key in value)


def total(costs: Iterable[Cost], variables: Variables, strict: bool = True) -> int:
    return sum(each.value(variables, strict) for each in costs)


def actual_total(costs: Iterable[Cost], data: Mapping[str, object], variables: Variables) -> int:
    return sum(each.actual(data[each.key], variables) for each in costs if each.key in data)


def depends_on_variables(cost: Cost) -> bool:
    """Whether other variables may give another value."""
    return bool(
        cost.when
        or not isinstance(cost.length, int)
        or cost.inputs
        or any(depends_on_variables(each) for branch in cost.branches for each in branch.costs)
    )


class FormulaWriter:
    """list_size: of lists of which nothing is said."""

    def __init__(self, schema: GraphQLSchema, rules: CostRules, list_size: int) -> None:
        self._schema = schema
        self._rules = rules
        self._list_size = list_size

    def costs(
        self, parent: str, fields: Iterable[Field], sized: Mapping[str, Length] | None = None
    ) -> tuple[Cost, ...]:
        """sized: lengths that the field above says of lists among these."""
        return tuple(self._cost(parent, field, sized or {}) for field in fields if not field.name.startswith("__"))

    def _cost(self, parent: str, field: Field, sized: Mapping[str, Length]) -> Cost:
        owners = sorted(field.types) if field.types else [parent]
        definition = self._definition([parent, *owners], field.name)
        node = _field_node(field)
        length, below = self.lengths([parent, *owners], field.name, definition, node, sized)
        return Cost(
            key=field.key,
            branches=self._branches(self._concrete(owners), field, below),
            length=length,
            inputs=self.inputs(owners, field.name, definition.args, node),
            when=() if field.conditions == ALWAYS else (in_order(field.conditions),),
        )

    def weight(self, owners: Iterable[str], name: str, result: str) -> int:
        """Of one value of the field: the most that it may be."""
        own = [self._rules.fields[owner, name] for owner in owners if (owner, name) in self._rules.fields]
        if own:
            return max(own)
        named = self._schema.type_map.get(result)
        usual = 1 if named is not None and is_composite_type(named) else 0
        known = [self._rules.types[each] for each in self._concrete([result]) if each in self._rules.types]
        return max(known, default=usual) if result not in self._rules.types else self._rules.types[result]

    def _concrete(self, names: Iterable[str]) -> list[str]:
        found: list[str] = []
        for name in names:
            named = self._schema.type_map.get(name)
            found.append(name)
            if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
                found += [each.name for each in self._schema.get_possible_types(named)]
        return found

    def lengths(
        self,
        owners: Iterable[str],
        name: str,
        definition: GraphQLField | None,
        node: FieldNode,
        sized: Mapping[str, Length],
        is_list: bool = False,
    ) -> tuple[Length, Mapping[str, Length]]:
        """How often the field's value stands there, and what it says of lists below it."""
        rule = next(
            (self._rules.lists[o, name] for o in self._concrete(owners) if (o, name) in self._rules.lists), None
        )
        length: Length = 1 if rule is None else self._length(rule, name, definition, node)
        if rule is not None and rule.sized:
            below = dict.fromkeys(rule.sized, length)
            length = 1
        else:
            below = {}
        if not (is_list or (definition is not None and _is_list(definition.type))):
            return 1, below
        if name in sized:
            return sized[name], below
        return (self._list_size if rule is None or rule.sized else length), below

    def _length(self, rule: ListSize, name: str, definition: GraphQLField | None, node: FieldNode) -> Length:
        otherwise = self._list_size if rule.assumed is None else rule.assumed
        if not rule.slicing:
            return otherwise
        arguments = definition.args if definition is not None else {}
        names = {each.partition(".")[0] for each in rule.slicing}
        defaults = {each: _default(arguments[each]) for each in names if each in arguments}
        return Slices(name, rule.slicing, node, defaults, rule.needs_one, otherwise)

    def inputs(
        self, owners: Iterable[str], name: str, arguments: Mapping[str, GraphQLArgument], node: FieldNode
    ) -> InputCost | None:
        if not node.arguments:
            return None
        rules = self._rules
        weights = {
            each: max(known)
            for each in arguments
            if (known := [rules.arguments[o, name, each] for o in owners if (o, name, each) in rules.arguments])
        }
        given = {each.name.value for each in node.arguments}
        types = {
            each: argument.type
            for each, argument in arguments.items()
            if each in given and (each in weights or self._weighs(argument.type))
        }
        return InputCost(node, weights, types, rules.inputs, rules.types) if types else None

    def _weighs(self, kind: GraphQLInputType) -> bool:
        named = get_named_type(kind)
        return isinstance(named, GraphQLInputObjectType) or named.name in self._rules.types

    def _branches(self, owners: list[str], field: Field, sized: Mapping[str, Length]) -> tuple[Branch, ...]:
        """Kinds of which the same is selected are one."""
        costs = [(inner, cost) for inner in field.selections for cost in self.costs(field.type_name, (inner,), sized)]
        weights: dict[tuple[int, ...], int] = {}
        named = self._schema.type_map.get(field.type_name)
        is_abstract = isinstance(named, GraphQLInterfaceType | GraphQLUnionType)
        for kind in self._concrete([field.type_name])[is_abstract:]:
            row = tuple(n for n, (inner, _) in enumerate(costs) if inner.types is None or kind in inner.types)
            weights[row] = max(self.weight(owners, field.name, kind), weights.get(row, 0))
        return tuple(Branch(weight, tuple(costs[n][1] for n in row)) for row, weight in weights.items())

    def _definition(self, owners: list[str], name: str) -> GraphQLField:
        for owner in self._concrete(owners):
            named = self._schema.type_map[owner]
            if isinstance(named, GraphQLObjectType | GraphQLInterfaceType) and name in named.fields:
                found: GraphQLField = named.fields[name]
                return found
        raise KeyError(name)


def _is_list(kind: object) -> bool:
    return is_list_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)


def _field_node(field: Field) -> FieldNode:
    (definition,) = parse(f"{{ {field.name}{field.arguments} }}", no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    (selected,) = definition.selection_set.selections
    assert isinstance(selected, FieldNode)
    return selected


def _default(argument: GraphQLArgument) -> object:
    if argument.default is None:
        return None
    literal = argument.default.literal
    return value_from_ast_untyped(literal) if isinstance(literal, ValueNode) else argument.default.value


def _size(given: object, name: str) -> int | None:
    for step in name.split("."):
        given = given.get(step) if isinstance(given, dict) else None
    if isinstance(given, list):
        return len(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def arguments_of(node: FieldNode, variables: Variables) -> dict[str, object]:
    """The arguments that are given, for these variables."""
    found: dict[str, object] = {}
    known = variables if isinstance(variables, dict) else dict(variables)
    for argument in node.arguments or ():
        value = value_from_ast_untyped(argument.value, known)
        if value is not Undefined:
            found[argument.name.value] = value
    return found


def operation_cost(kind: str) -> int:
    return _MUTATION if kind == "mutation" else 0
