"""What random schemas' resolvers do: one outcome for each object and field, the same in every run, and a diary of it.

The text of a random schema imports from here. An outcome is a value, an exception to raise, or one of either after a
few turns of the loop or from a loader. What an outcome holds can be used again and again: the same objects are asked
by graphql-core and by the compiled executor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, NewType, TypeVar

import strawberry
from strawberry.dataloader import DataLoader
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.types import Info

Item = TypeVar("Item")
Odd = NewType("Odd", object)


@dataclass(frozen=True)
class Outcome:
    """`turns` of the loop pass before it comes, where somebody waits."""

    value: object
    is_raised: bool = False
    turns: int = 0

    def give(self) -> Any:
        if self.is_raised:
            assert isinstance(self.value, Exception)
            # A new one each time: an exception collects tracebacks and contexts.
            raise type(self.value)(*self.value.args)
        return self.value


@dataclass
class World:
    """The outcomes of all objects of one random schema; `diary` is what happened in this run."""

    outcomes: dict[tuple[object, str], Outcome] = field(default_factory=dict)
    diary: list[object] = field(default_factory=list)
    loader: DataLoader[tuple[object, str], Any] | None = None

    def begin(self) -> None:
        """Before each run."""
        self.diary = []
        self.loader = DataLoader(load_fn=self._load, max_batch_size=7)

    def of(self, source: object, name: str) -> Outcome:
        who = getattr(source, "who", None)
        return self.outcomes.get((who, name)) or self.outcomes[None, name]

    async def _load(self, keys: list[tuple[object, str]]) -> list[Any]:
        self.diary.append(("batch", list(keys)))
        found = [self.outcomes.get(key) or self.outcomes[None, key[1]] for key in keys]
        for _ in range(max(each.turns for each in found)):
            await asyncio.sleep(0)
        return [type(each.value)(*each.value.args) if each.is_raised else each.value for each in found]


world = World()


def now(source: object, name: str, *seen: object) -> Any:
    """The outcome, at once."""
    world.diary.append((getattr(source, "who", None), name, seen))
    return world.of(source, name).give()


async def soon(source: object, name: str, *seen: object) -> Any:
    """The outcome, after its turns."""
    world.diary.append((getattr(source, "who", None), name, seen))
    outcome = world.of(source, name)
    for _ in range(outcome.turns):
        await asyncio.sleep(0)
    world.diary.append((getattr(source, "who", None), name, "done"))
    return outcome.give()


def loaded(source: object, name: str, *seen: object) -> Any:
    """A future of the loader: not a coroutine."""
    world.diary.append((getattr(source, "who", None), name, seen))
    assert world.loader is not None
    return world.loader.load((getattr(source, "who", None), name))


def shown(info: Info) -> object:
    """What a resolver may see of its place."""
    raw = info._raw_info
    return (raw.field_name, raw.path.as_list(), str(raw.return_type), raw.parent_type.name, len(raw.field_nodes),
            raw.variable_values, raw.path.typename, type(raw).__name__)  # fmt: skip


class Waiting:
    """Can be awaited again and again, and is no coroutine."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def __await__(self) -> Generator[Any, None, Any]:
        for _ in range(self.outcome.turns):
            yield
        return self.outcome.give()


class Listing:
    """Can be iterated again and again, and is no list."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)


class LaterListing(Listing):
    """Comes item by item."""

    __iter__ = None  # type: ignore[assignment]

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self.items:
            await asyncio.sleep(0)
            if isinstance(item, KeyError):
                raise item
            yield item


class Broken:
    """Stands in an attribute's place: reading it fails."""


class Stand:
    """Has the attributes of another object, but not its type."""

    def __init__(self, attributes: dict[str, object]) -> None:
        self.__dict__.update(attributes)


def write_odd(value: object) -> object:
    """A scalar that does all that a scalar can do wrong."""
    match value:
        case "raises":
            raise ValueError("odd")
        case "null":
            return None
        case "later":
            return Waiting(Outcome("came later"))
        case "coroutine":
            return asyncio.sleep(0, "came as a coroutine")
        case "none later":
            return Waiting(Outcome(None))
    return [value]


class Guard(BasePermission):
    message = "not for you"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        world.diary.append(("guard", info.path.as_list(), sorted(kwargs)))
        return "1" not in str(getattr(source, "who", ""))


class SlowGuard(Guard):
    async def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().has_permission(source, info, **kwargs)


class Twice(FieldExtension):
    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        found = next_(source, info, **kwargs)
        return [*found, *found] if isinstance(found, list) else found

    async def resolve_async(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        found = await next_(source, info, **kwargs)
        return [*found, *found] if isinstance(found, list) else found


class Mishap(Exception):
    """Answered as data where the union holds `Trouble`."""


@strawberry.type
class Trouble:
    what: str


class TroubleFor:
    exception_type = Mishap
    error_type = Trouble

    def handle(self, exception: Mishap, *, field: object, info: object) -> Trouble:
        return Trouble(what=str(exception))


@strawberry.type
class Box(Generic[Item]):
    item: Item
    more: list[Item]
