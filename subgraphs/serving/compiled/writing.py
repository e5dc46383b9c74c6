"""Write the Python of one selection set. In: the plans of its fields. Out: source text and the names it refers to.

The text is graphql-core's executor with everything known taken out: which fields, of which types, resolved how. What
stays is its order, its error handling at the same places and its awaits. Names from a document only ever enter the
text as Python literals.

    def o3(ex, s, pp, pk, pt):     the object `s` at the path (pp, pk, pt); the root: `def o3(ex, s)`
    def l4(ex, xs, path):          a list of field 4
    async def w4(ex, v, path, i):  an item of it that comes later
    async def a4(ex, v, path):     the value of field 4 that comes later
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)

from subgraphs.serving.compiled.completing import FieldPlan
from subgraphs.serving.compiled.leaves import AS_THEY_ARE, names_of_members
from subgraphs.serving.compiled.recognising import Recognised, needs_no_cast
from subgraphs.serving.compiled.resolving import AsDeclared, Attribute, Method, Way

Lines = list[str]
# How a text goes on when what it completed comes later.
OnLater = Callable[[str], Lines]


def indented(lines: Lines, by: int = 1) -> Lines:
    return ["    " * by + line for line in lines]


def is_nested(kind: GraphQLOutputType) -> bool:
    """Whether a value of it has fields or items below."""
    return not is_leaf_type(kind.of_type if isinstance(kind, GraphQLNonNull) else kind)


class SelectionWriter:
    """The text of one object type's selection, and the names that it needs."""

    def __init__(self, names: dict[str, Any], recognised: Callable[[Any, FieldPlan], Recognised]) -> None:
        self.names = names
        self._recognised = recognised
        self._functions: Lines = []
        self._count = 0

    def text(self, name: str, type_name: str, fields: list[FieldPlan | str], ways: dict[int, Way], root: bool) -> str:
        """`fields`: a plan, or the response name of a `__typename`."""
        plans = [field for field in fields if isinstance(field, FieldPlan)]
        has_path = not root and any(is_nested(p.type) or not isinstance(ways[p.index], Attribute) for p in plans)
        here = "path" if root or has_path else "new(Path, (pp, pk, pt))"
        lines = [f"def {name}(ex, s):" if root else f"def {name}(ex, s, pp, pk, pt):"]
        if root or has_path:
            lines += indented(["path = None" if root else "path = new(Path, (pp, pk, pt))"])
        lines += indented(["later = None", "try:"])
        items = []
        for field in fields:
            if isinstance(field, str):
                items.append(f"{field!r}: {type_name!r}")
            else:
                lines += indented(self._field(field, ways[field.index], here), 2)
                items.append(f"{field.key!r}: r{field.index}")
        lines += indented([f"results = {{{', '.join(items)}}}"], 2)
        lines += indented(["except Exception:"])
        lines += indented(["if later is not None:", "    ex.settle_in_background(list(later.values()))", "raise"], 2)
        lines += indented(["return results if later is None else fields_later(results, later)"])
        return "\n".join([*self._functions, *lines, ""])

    def _field(self, plan: FieldPlan, way: Way, here: str) -> Lines:
        at = f"new(Path, ({here}, {plan.key!r}, {plan.parent.name!r}))"
        number, target = plan.index, f"r{plan.index}"
        self.names[f"F{number}"] = plan
        resolve, given = self._resolve(plan, way, at)
        noted = ["if later is None:", "    later = {}", f"later[{plan.key!r}] = {target}"]

        def on_later(path: str) -> Lines:
            return [
                f"if type({target}) is Coroutine:",
                *indented([f"{target} = field_later(ex, F{number}, {path}, {target})", *noted]),
            ]

        slow = f"{target} = other_field(ex, F{number}, {given}, v, {{known}})"
        if is_nested(plan.type) or not isinstance(way, Attribute):
            self._write_later_value(plan)
            awaited = [f"{target} = a{number}(ex, v, {given})", *noted]
        else:
            awaited = []
        parts = (here, repr(plan.key), repr(plan.parent.name))
        body = [
            *resolve,
            *self._complete(plan, plan.type, target, given, ", ".join(parts), slow, awaited, on_later, f"K{number}"),
        ]
        return [
            "try:",
            *indented(body),
            "except Exception as error:",
            f"    {target} = field_failed(ex, F{number}, {at}, error)",
        ]

    def _resolve(self, plan: FieldPlan, way: Way, at: str) -> tuple[Lines, str]:
        """The lines that set `v`, and the expression of the field's path after them."""
        number = plan.index
        match way:
            case Attribute(name):
                return [f"v = s.{name}"], at
            case AsDeclared():
                return [f"q = {at}", f"v = ex.call_declared(F{number}, s, q)"], "q"
            case Method():
                return [f"q = {at}", *self._call(number, way)], "q"

    def _call(self, number: int, method: Method) -> Lines:
        self.names[f"M{number}"], self.names[f"D{number}"] = method.function, method.field
        given = ["s"] if method.takes_self else []
        given += [f"{name}=s" for name in method.source_names]
        if method.info_name is not None:
            given.append(f"{method.info_name}=ex.strawberry_info(F{number}, D{number}, q)")
        if not method.has_arguments:
            return [f"v = M{number}({', '.join(given)})"]
        return [
            f"given = ex.arguments(F{number}, D{number})",
            "if given is None:",
            f"    v = ex.call_declared(F{number}, s, q)",
            "else:",
            f"    v = M{number}({', '.join([*given, '**given'])})",
        ]

    def _complete(
        self,
        plan: FieldPlan,
        kind: GraphQLOutputType,
        target: str,
        path: str,
        parts: str,
        slow: str,
        awaited: Lines,
        on_later: OnLater,
        known: str,
    ) -> Lines:
        """Lines that complete `v` into `target`. `slow` is the call for all that is not known here."""
        nullable = not isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if is_leaf_type(inner):
            lines = self._leaf(inner, target, nullable, on_later(path))
            known = "None"
        elif isinstance(inner, GraphQLList):
            lines = [
                "t = type(v)",
                "if t is list or t is tuple:",
                *indented([f"{target} = {self._write_list(plan, inner)}(ex, v, {path})", *on_later(path)]),
            ]
            known = "None"
        else:
            if not (is_object_type(inner) or is_abstract_type(inner)):
                raise TypeError(f"{inner} is no output type.")
            self.names[known] = found = self._recognised(inner, plan)
            self.names[f"G{known}"] = found.get
            cast = "" if needs_no_cast(inner) else " and uncast(v)"
            lines = [
                f"f = G{known}(type(v))",
                f"if f is not None{cast}:",
                *indented([f"{target} = f(ex, v, {parts})", *on_later(path)]),
            ]
        if nullable and not is_leaf_type(inner):
            lines += ["elif v is None:", f"    {target} = None"]
        if awaited:
            lines += ["elif type(v) in AWAITED:", *indented(awaited)]
        return [*lines, "else:", *indented([slow.format(known=known), *on_later(path)])]

    def _leaf(self, kind: Any, target: str, nullable: bool, on_later: Lines) -> Lines:
        """As far as the `if` that finds the value good."""
        null = [] if not nullable else ["elif v is None:", f"    {target} = None"]
        test = AS_THEY_ARE.get(kind) if isinstance(kind, GraphQLScalarType) else None
        if test is not None:
            return [f"if {test}{' or v is None' if nullable else ''}:", f"    {target} = v"]
        number = self._next()
        members = names_of_members(kind) if isinstance(kind, GraphQLEnumType) else None
        if members is not None:
            self.names[f"E{number}"], self.names[f"N{number}"] = members[0], members[1].get
            taken = f"type(v) is E{number} and ({target} := N{number}(v._name_)) is not None"
            return [f"if {taken}:", "    pass", *null]
        self.names[f"S{number}"], self.names[f"T{number}"] = kind.coerce_output_value, kind
        coerced = [
            f"{target} = S{number}(v)",
            f"if type({target}) not in USUAL:",
            *indented([f"{target} = other_leaf(ex, T{number}, v, {target})", *on_later]),
        ]
        return ["if type(v) in COERCED:", *indented(coerced), *null]

    def _write_later_value(self, plan: FieldPlan) -> None:
        """The function of a field whose value has to be awaited; what it gives is then a value as any other."""
        number = plan.index
        slow = f"r = other_value(ex, F{number}, F{number}.type, path, v, {{known}})"

        def on_later(_: str) -> Lines:
            return ["if type(r) is Coroutine:", "    r = await r"]

        body = self._complete(plan, plan.type, "r", "path", "*path", slow, [], on_later, f"KA{number}")
        self._functions += [
            f"async def a{number}(ex, v, path):",
            *indented(["try:", *indented(["v = await v", *body])]),
            *indented(["except Exception as error:", f"    return field_failed(ex, F{number}, path, error)"]),
            *indented(["return r"]),
        ]

    def _write_list(self, plan: FieldPlan, kind: GraphQLList[Any]) -> str:
        number, item = self._next(), kind.of_type
        self.names[f"L{number}"] = item
        what = f"F{plan.index}, L{number}"
        at = "new(Path, (path, i, None))"
        noted = ["if later is None:", "    later = []", "later.append(i)"]

        def on_later(_: str) -> Lines:
            return ["if type(r) is Coroutine:", *indented([f"r = item_later(ex, {what}, {at}, r)", *noted])]

        awaited = []
        if is_nested(item):
            self._write_later_item(plan, item, number, what)
            awaited = [f"r = w{number}(ex, v, path, i)", *noted]
        slow = f"r = other_item(ex, {what}, {at}, v, {{known}})"
        body = self._complete(plan, item, "r", at, "path, i, None", slow, awaited, on_later, f"KL{number}")
        self._functions += [
            f"def l{number}(ex, xs, path):",
            *indented(["results = []", "add = results.append", "later = None", "i = -1", "try:"]),
            *indented(["for i, v in enumerate(xs):"], 2),
            *indented(["try:", *indented(body)], 3),
            *indented(["except Exception as error:", f"    r = item_failed(ex, {what}, {at}, error)", "add(r)"], 3),
            *indented(["except Exception:", "    abandon_items(ex, results, later, xs[i + 1 :])", "    raise"]),
            *indented(["return results if later is None else items_later(results, later)"]),
        ]
        return f"l{number}"

    def _write_later_item(self, plan: FieldPlan, item: GraphQLOutputType, number: int, what: str) -> None:
        at = "new(Path, (path, i, None))"
        slow = f"r = other_value(ex, F{plan.index}, L{number}, {at}, v, {{known}})"

        def on_later(_: str) -> Lines:
            return ["if type(r) is Coroutine:", "    r = await r"]

        body = self._complete(plan, item, "r", at, "path, i, None", slow, [], on_later, f"KW{number}")
        self._functions += [
            f"async def w{number}(ex, v, path, i):",
            *indented(["try:", *indented(["v = await v", *body])]),
            *indented(["except Exception as error:", f"    return item_failed(ex, {what}, {at}, error)"]),
            *indented(["return r"]),
        ]

    def _next(self) -> int:
        """A number that nothing else in the operation's names has."""
        self.names["numbers"] = number = self.names.get("numbers", 0) + 1
        return int(number)
