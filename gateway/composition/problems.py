"""What may be wrong with subgraphs, and what is merely worth knowing.

GatewayError
├── CompositionFailed   carries every problem that was found
└── SourceUnreadable    a subgraph's text is not to be had
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphql import Node

from gateway.errors import GatewayError


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a subgraph's text; line and column count from 1, and are 0 for the subgraph as a whole."""

    subgraph: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.subgraph}:{self.line}:{self.column}" if self.line else self.subgraph


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why the subgraphs do not compose. `code` is one of the names that the field uses."""

    code: str
    message: str
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + _written(self.places)


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that composes, and that its authors may not have meant."""

    code: str
    message: str
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + _written(self.places)


class CompositionFailed(GatewayError):
    """The subgraphs do not make one graph; `problems` holds every reason that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__("\n".join([f"The subgraphs do not compose ({count}):", *map(str, problems)]))
        self.problems = tuple(problems)


class SourceUnreadable(GatewayError):
    """There is no text of the subgraph to compose."""

    def __init__(self, subgraph: str, reason: str) -> None:
        super().__init__(f'Subgraph "{subgraph}": {reason}.')
        self.subgraph, self.reason = subgraph, reason


@dataclass(slots=True)
class Report:
    """Where rules write down what they find."""

    problems: list[Problem] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)

    def problem(self, code: str, message: str, *places: Place) -> None:
        """Note a reason to refuse, once."""
        found = Problem(code, message, tuple(dict.fromkeys(places)))
        if found not in self.problems:
            self.problems.append(found)

    def hint(self, code: str, message: str, *places: Place) -> None:
        """Note something worth knowing."""
        self.hints.append(Hint(code, message, tuple(dict.fromkeys(places))))

    def refuse_if_any(self) -> None:
        """Raise what has been found so far.

        Raises: CompositionFailed.
        """
        if self.problems:
            raise CompositionFailed(self.problems)


def place_of(subgraph: str, node: Node | None) -> Place:
    """Where the node stands in the text of its subgraph."""
    if node is None or node.loc is None:
        return Place(subgraph)
    return Place(subgraph, node.loc.start_token.line, node.loc.start_token.column)


def named_subgraphs(names: Iterable[str]) -> str:
    """`subgraph "a"`, or `subgraphs "a", "b" and "c"`."""
    quoted = [f'"{name}"' for name in names]
    return f"subgraph{'s' if len(quoted) > 1 else ''} {joined(quoted)}"


def joined(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def _written(places: Sequence[Place]) -> str:
    return f" ({', '.join(map(str, places))})" if places else ""
