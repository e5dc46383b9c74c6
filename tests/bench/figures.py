"""How a bench ends: a table for people, then one line a figure for machines: `bar NAME VALUE GOAL ok|short`."""

from __future__ import annotations

from typing import NamedTuple

from rich.console import Console
from rich.table import Table


class Bar(NamedTuple):
    """A figure with its goal. `at_least`: higher is better; otherwise the value must stay at or under the goal."""

    name: str
    value: float
    goal: float
    at_least: bool = False

    def line(self) -> str:
        """The machine's line."""
        met = self.value >= self.goal if self.at_least else self.value <= self.goal
        return f"bar {self.name} {self.value:.4g} {self.goal:.4g} {'ok' if met else 'short'}"


def show(title: str, columns: list[str], rows: list[list[str]], bars: list[Bar]) -> None:
    """Print the table, then the bars."""
    table = Table(title=title, title_justify="left")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    Console(width=max(120, Console().width)).print(table)
    for bar in bars:
        print(bar.line())
