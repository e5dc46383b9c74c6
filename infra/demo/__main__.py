"""`python -m infra.demo demo [--once]` and `python -m infra.demo inspect --cad FILE --scan FILE`.

demo exits 0 only if everything held. inspect exits 0 on PASS, 3 on FAIL, 4 on INCONCLUSIVE, 2 when a file or an option
was refused or quarantined.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from infra.demo.alignment_options import OptionUnclear, add_options, alignment_of, matrix_of
from infra.demo.graph_client import GraphClient, GraphFailed
from infra.demo.inspecting import (
    CAD_FORMATS,
    SCAN_FORMATS,
    Declined,
    Inspector,
    Quarantined,
    ScanOrder,
    format_by_name,
    sign_in,
)
from infra.demo.lengths import LengthUnclear, millimetres
from infra.demo.people import quality_engineer
from infra.demo.terminal import Terminal
from infra.demo.upload import PartRefused
from infra.local.errors import StackError
from infra.local.folders import cache_folder, data_folder
from infra.local.platform import Platform, Running, running_on
from infra.local.stack import CHECKOUT
from infra.local.system_libraries import library_folder, preload

UNITS = {
    "um": "MICROMETRE", "mm": "MILLIMETRE", "cm": "CENTIMETRE", "m": "METRE",
    "in": "INCH", "ft": "FOOT", "ft-us": "US_SURVEY_FOOT",
}  # fmt: skip
EXIT_OF_VERDICT = {"PASS": 0, "FAIL": 3, "INCONCLUSIVE": 4}
REFUSED = 2


def main() -> int:
    given = _parser().parse_args()
    terminal = Terminal()
    # Ctrl-C and a polite kill end in the same clean stop.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return demo(given, terminal) if given.command == "demo" else inspect(given, terminal)
    except KeyboardInterrupt:
        terminal.say("stopped")
        return 130
    except (Declined, Quarantined, GraphFailed, LengthUnclear, OptionUnclear, PartRefused, StackError) as error:
        terminal.console.print(str(error), style="bold red", markup=False)
        return REFUSED


def demo(given: argparse.Namespace, terminal: Terminal) -> int:
    """Play the story; without --once the platform goes on until Ctrl-C."""
    from infra.demo.story import tell

    folder = library_folder(cache_folder(os.environ, CHECKOUT), terminal.say)
    if folder is not None:
        preload(folder)
    with _platform(terminal) as running:
        failed = asyncio.run(tell(running, given.out.absolute(), terminal))
        if failed:
            terminal.say(f"[bold red]{len(failed)} of the demo's claims did not hold[/]")
        terminal.say(f"[dim]{terminal.elapsed_s():.0f} s in all[/]")
        if not given.once:
            terminal.say("the platform goes on; Ctrl-C stops it")
            with suppress(KeyboardInterrupt):
                signal.pause()
    return 1 if failed else 0


def inspect(given: argparse.Namespace, terminal: Terminal) -> int:
    """Measure the user's own scan against the user's own CAD."""
    tolerance_mm = millimetres(given.tolerance)
    lengths = {"radiusMm": given.change_radius, "depthMm": given.change_depth}
    cylinders = {name: millimetres(length) for name, length in lengths.items() if length is not None}
    files = [(given.cad, CAD_FORMATS, "CAD"), (given.scan, SCAN_FORMATS, "scan")]
    if given.earlier is not None:
        files.append((given.earlier, SCAN_FORMATS, "scan"))
    for path, formats, noun in files:
        if not path.is_file():
            raise Declined(f"{path} is not there, or not a file.")
        format_by_name(path, formats, noun)
    order = ScanOrder(
        given.serial or given.scan.stem,
        given.scan,
        tolerance_mm,
        UNITS.get(given.unit or ""),
        alignment_of(given),
        None if given.pose_hint is None else matrix_of(given.pose_hint),
    )
    with _platform(terminal) as running:
        return asyncio.run(_inspect(running, given, order, cylinders, terminal))


async def _inspect(
    running: Running, given: argparse.Namespace, order: ScanOrder, cylinders: dict[str, float], terminal: Terminal
) -> int:
    """`cylinders`: what the user said of those in which two scans are compared."""
    from infra.demo.story import row_of, save_changes, save_pictures

    account = await quality_engineer(running)
    async with GraphClient(running.graph_url) as client:
        await sign_in(client, account.workspace, account.email, account.password)
        with terminal.bars() as bars:
            inspector = Inspector(client, bars.show)
            cad, facts = await inspector.cad(given.cad, UNITS.get(given.cad_unit or ""), given.accept_flaws)
            asset = await inspector.asset(order.serial, given.cad.stem)
            earlier = await _earlier(inspector, given.earlier, order, asset, cad)
            number, scan = await inspector.scan(order, asset, cad)
        for warning in facts["warnings"]:
            terminal.say(f"[yellow]CAD: {warning}[/]")
        terminal.summary(f"{given.scan.name} against {given.cad.name}", [row_of(order.serial, scan)])
        if scan["problem"]:
            raise Quarantined(given.scan.name, scan["problem"])
        terminal.say(scan["inspection"]["decision"]["reason"])
        terminal.alignment(scan["inspection"]["alignment"])
        terminal.figures(scan["inspection"])
        terminal.faces(scan["inspection"]["deviationMap"]["regions"]["nodes"])
        given.out.mkdir(parents=True, exist_ok=True)
        for file in await save_pictures(inspector, order.serial, scan, given.out):
            terminal.say(f"  {file}")
        if earlier is not None:
            with terminal.bars() as bars:
                changes = await Inspector(client, bars.show).compared(earlier, number, cylinders)
            terminal.changes(changes)
            for file in await save_changes(inspector, order.serial, changes["changes"], given.out):
                terminal.say(f"  {file}")
        return EXIT_OF_VERDICT[scan["inspection"]["verdict"]]


async def _earlier(inspector: Inspector, path: Path | None, order: ScanOrder, asset: str, cad: str) -> str | None:
    """The id of the earlier scan, measured as the newer one will be. Raises Quarantined."""
    if path is None:
        return None
    number, scan = await inspector.scan(replace(order, path=path), asset, cad)
    if scan["problem"]:
        raise Quarantined(path.name, scan["problem"])
    return number


@contextmanager
def _platform(terminal: Terminal) -> Iterator[Running]:
    """The platform on this folder that runs already, or one for as long as this command."""
    data = data_folder(os.environ, CHECKOUT)
    running = running_on(data)
    if running is not None:
        terminal.say(f"using the platform that runs at {running.url}")
        yield running
        return
    with Platform(data, say=lambda text: terminal.say(f"[dim]{text}[/]")) as started:
        yield started


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev", description="From a scan to a verdict.")
    commands = parser.add_subparsers(dest="command", required=True)
    playing = commands.add_parser("demo", help="generate a part and scans, inspect them, serve the graph")
    playing.add_argument("--once", action="store_true", help="exit after the run: 0 only if all of it held")
    playing.add_argument("--out", type=Path, default=Path("out/demo"), help="where pictures and reports go")
    own = commands.add_parser("inspect", help="measure your own scan against your own CAD")
    own.add_argument("--cad", type=Path, required=True, help=", ".join(CAD_FORMATS))
    own.add_argument("--scan", type=Path, required=True, help=", ".join(SCAN_FORMATS))
    own.add_argument("--tolerance", default="0.2mm", help="either side of the surface, with its unit (0.2mm)")
    own.add_argument("--unit", choices=UNITS, help="the scan's, where the file does not say")
    own.add_argument("--cad-unit", choices=UNITS, help="the CAD's, where the file does not say")
    own.add_argument("--serial", help="the part's serial number (the scan's file name)")
    own.add_argument("--earlier", type=Path, help="an earlier scan of the same part: tells what changed since (M3C2)")
    own.add_argument("--change-radius", help="of the cylinders in which both scans are averaged (1mm)")
    own.add_argument("--change-depth", help="how far a change may reach; less than a wall is thick (2mm)")
    own.add_argument("--accept-flaws", action="store_true", help="take a CAD with open or crossing surfaces")
    own.add_argument("--out", type=Path, default=Path("out"), help="where pictures and the report go")
    add_options(own)
    return parser


if __name__ == "__main__":
    sys.exit(main())
