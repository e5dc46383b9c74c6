"""What a person sees in the terminal: steps with their times, one progress bar a job, the summary table.

In: names and numbers. Out: lines on the console. Decides nothing; without a terminal it prints plain lines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

_MOST_FACES = 20
_VERDICT_STYLE = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "INCONCLUSIVE": "bold yellow",
    "QUARANTINED": "bold magenta",
}


class SummaryRow(NamedTuple):
    """One inspected scan, as the summary table shows it. Lengths in millimetres; `None` prints as a dash."""

    name: str
    verdict: str
    in_tolerance_percent: float | None
    rms_mm: float | None
    worst_mm: float | None
    alignment_rms_mm: float | None
    note: str


class Terminal:
    """The console of one run."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """One line."""
        self.console.print(text)

    def _plain(self, text: str) -> None:
        """A line with names that people gave: no markup in it."""
        self.console.print(text, markup=False)

    def link(self, name: str, text: str) -> None:
        """What is there to be copied, on a line of its own that is never broken."""
        self.console.print(f"{name:<22}{text}", soft_wrap=True, markup=False)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """A step that takes a while: said when it starts, its time when it ends."""
        started = time.monotonic()
        with self.console.status(text):
            yield
        self.console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - started:.1f} s[/]")

    @contextmanager
    def bars(self) -> Iterator[Bars]:
        """Progress bars, one a job, for as long as the block runs."""
        columns = (
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("[dim]{task.fields[stage]}[/]"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            yield Bars(progress, self.console)

    def summary(self, title: str, rows: Sequence[SummaryRow]) -> None:
        """The table that answers the question: what passed, what failed, and by how much."""
        table = Table(title=title, title_style="bold", header_style="bold", title_justify="left")
        table.add_column("scan")
        table.add_column("verdict")
        for heading in ("in tolerance", "RMS mm", "worst mm", "alignment RMS mm"):
            table.add_column(heading, justify="right")
        table.add_column("note", overflow="fold")
        for row in rows:
            style = _VERDICT_STYLE.get(row.verdict, "bold")
            table.add_row(
                row.name,
                f"[{style}]{row.verdict}[/]",
                _number(row.in_tolerance_percent, "{:.2f} %"),
                _number(row.rms_mm, "{:.4f}"),
                _number(row.worst_mm, "{:+.3f}"),
                _number(row.alignment_rms_mm, "{:.4f}"),
                row.note,
            )
        self.console.print(table)

    def alignment(self, told: Mapping[str, Any]) -> None:
        """What holds the part, how well, and what is left open."""
        report = told["report"]
        rest = "" if report["converged"] else "; it has not come to rest"
        self._plain(
            f"alignment: {told['method']}; {100 * told['fitness']:.1f} % of the scan near the CAD, RMS "
            f"{told['rmsMm']:.4f} mm, least sure corner ±{report['cornerUncertaintyMm']:.4f} mm (k = 1){rest}"
        )
        for fit in report["datums"]:
            self._plain(
                f"  datum {fit['label']} holds {fit['heldDegrees']} of 6 degrees: {fit['points']} points, sigma "
                f"{fit['sigmaMm']:.4f} mm, size {fit['sizeDeviationMm']:+.4f} mm"
            )
        for fit in report["referencePoints"]:
            self._plain(f"  {fit['name']} is met to {fit['residualMm']:+.4f} ± {fit['uncertaintyMm']:.4f} mm (k = 1)")
        if report["lockedDegrees"]:
            self._plain(f"  locked: {', '.join(report['lockedDegrees']).lower().replace('_', ' ')}")
        for motion in report["fittedMotions"]:
            self._plain(f"  settled by best fit: {motion}")
        for motion in told["unconstrained"]:
            self._plain(f"  free, as no deviation changes with it: {motion}")
        if report["alternatives"]:
            angles = ", ".join(f"{other['angleDegrees']:.0f}°" for other in report["alternatives"])
            self._plain(f"  the part measures the same turned by {angles}: places may be those of their twins")

    def figures(self, inspection: Mapping[str, Any]) -> None:
        """What was measured of the whole, in two lines."""
        told, rule = inspection["deviationMap"], inspection["conformity"]
        self.say(
            f"mean {told['meanMm']:+.4f}, sigma {told['sigmaMm']:.4f} (robust {told['robustSigmaMm']:.4f}), "
            f"P2.5 {told['p025Mm']:+.4f}, P97.5 {told['p975Mm']:+.4f} mm; {told['points']} points and {told['strays']} "
            f"strays, worth {told['effectivePoints']:,.0f} independent ones"
        )
        self.say(f"ISO 14253-1: {rule['zone'].lower()} zone, guard band {rule['guardBandMm']:.4f} mm")

    def faces(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """A table of the largest faces that were scanned, and how many were not."""
        scanned = [node for node in nodes if node["figures"] is not None]
        # Eighty characters have room for it.
        table = Table(
            title="Faces", title_style="bold", header_style="bold", title_justify="left", box=None, padding=(0, 1, 0, 0)
        )
        for heading in ("face", "shape", "verdict"):
            table.add_column(heading, no_wrap=True)
        for heading in ("area mm²", "seen", "lowest", "highest", "form", "position"):
            table.add_column(heading, justify="right", no_wrap=True)
        for node in scanned[:_MOST_FACES]:
            figures = node["figures"]
            table.add_row(
                str(node["face"]),
                node["shape"].lower(),
                f"[{_VERDICT_STYLE.get(node['verdict'], 'dim')}]{node['verdict']}[/]",
                f"{node['areaMm2']:.0f}",
                f"{100 * node['coverage']:.0f} %",
                _number(figures["profileLowerMm"], "{:+.3f}"),
                _number(figures["profileUpperMm"], "{:+.3f}"),
                _number(node["formMm"], "{:.4f}"),
                _number(node["positionMm"], "{:.4f}"),
            )
        if scanned:
            self.console.print(table)
        self.say(
            f"{len(scanned)} of the {len(nodes)} largest faces have data; seen: the share of a face that was scanned; "
            "lengths in mm"
        )

    def changes(self, found: Mapping[str, Any]) -> None:
        """What changed from one scan to another, and how small a change could have been seen."""
        told = found["changes"]
        self.say(
            f"since the earlier scan {told['significantPoints']} of {told['comparedPoints']} places changed more than "
            f"could be noise: LoD95 {told['detectableMm']:.4f} mm, {told['registrationErrorMm']:.4f} mm of it "
            f"registration (M3C2, cylinders of {found['radiusMm']:g} mm, {found['depthMm']:g} mm deep)"
        )
        self.say(
            f"mean {told['meanMm']:+.4f}, sigma {told['sigmaMm']:.4f}, P2.5 {told['p025Mm']:+.4f}, "
            f"P97.5 {told['p975Mm']:+.4f} mm"
        )
        for place in told["places"]:
            at = ", ".join(f"{value:.1f}" for value in place["positionMm"])
            self._plain(f"  {place['distanceMm']:+.4f} ± {place['detectableMm']:.4f} mm at {at}")

    def elapsed_s(self) -> float:
        """Seconds since this run began."""
        return time.monotonic() - self._started


class Bars:
    """Progress of several jobs. Where no terminal is attached, each new stage prints a line instead."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._stages: dict[str, str] = {}

    def show(self, name: str, done: float, total: float, stage: str) -> None:
        """Set `name`'s bar to `done` of `total`, in `stage`."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total or 1, stage=stage)
        self._progress.update(self._tasks[name], completed=done, total=total or 1, stage=stage)
        if not self._console.is_terminal and self._stages.get(name) != stage:
            self._console.print(f"  {name}: {stage}")
        self._stages[name] = stage


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
