"""What becomes of an object whose concrete type was lost."""

from __future__ import annotations

from gateway.execution.projection import Projection
from gateway.plan.shape import Leaf, Listing, Object, ShapeField, Slot

TEXT = Slot(Leaf("String"), nullable=True)
BOTH = frozenset({"Book", "Pen"})


def answer(*fields: ShapeField, explained: tuple[str | int, ...] | None = None) -> tuple[object, list[str]]:
    product = Object("Product", BOTH, fields)
    top = ShapeField("top", "top", Slot(Listing(Slot(product, True)), True))
    shape = Object("Query", frozenset({"Query"}), (top,))
    projection = Projection({}, [explained] if explained else [])
    data = projection.data(shape, {"top": [{"id": "1", "name": "x"}]})
    return data, [misfit.message for misfit in projection.misfits]


def test_where_the_type_decides_which_fields_hold_the_object_is_null_and_an_error() -> None:
    typed = ShapeField("title", "title", TEXT, frozenset({"Book"}))
    data, told = answer(ShapeField("name", "name", TEXT), typed)
    assert data == {"top": [None]}
    assert told == ["The concrete type of this Product is not known."]


def test_the_error_is_not_told_twice() -> None:
    typed = ShapeField("title", "title", TEXT, frozenset({"Book"}))
    assert answer(typed, explained=("top", 0, "title")) == ({"top": [None]}, [])


def test_where_the_type_does_not_matter_it_need_not_be_known() -> None:
    assert answer(ShapeField("name", "name", TEXT)) == ({"top": [{"name": "x"}]}, [])
