"""`python -m gateway compose`: subgraphs from files or from where they run, into one supergraph.

In: the command line. Out: the supergraph on standard output or in a file; hints, and every reason why there is none, on
standard error. Exit status 1 when the subgraphs do not compose, 2 when one cannot be read. What stood in the file stays
when there is nothing better.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway.composition.compose import compose
from gateway.composition.contract import Contract
from gateway.composition.problems import CompositionFailed, Hint, Problem, SourceUnreadable
from gateway.composition.sources import read_sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `compose`."""
    parser.add_argument(
        "subgraphs", nargs="+", metavar="SUBGRAPH", help="FILE (its name is the subgraph's), NAME=FILE, or NAME=URL"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write; standard output if left out")
    parser.add_argument(
        "--url",
        action="append",
        default=[],
        metavar="NAME=URL",
        help="where a subgraph that is given as a file listens",
    )
    parser.add_argument(
        "--contract", action="append", default=[], metavar="TAG", help="show only what carries this @tag"
    )
    parser.add_argument(
        "--contract-without", action="append", default=[], metavar="TAG", help="hide what carries this @tag"
    )
    parser.add_argument("--format", choices=["text", "json"], default="text", help="of problems and hints")
    parser.add_argument("--no-hints", action="store_true", help="say nothing of what merely may not be meant")


def run(chosen: argparse.Namespace) -> int:
    """Compose; the exit status."""
    urls = dict(each.partition("=")[::2] for each in chosen.url)
    contract = Contract(frozenset(chosen.contract), frozenset(chosen.contract_without))
    try:
        sources = read_sources(chosen.subgraphs, urls)
        composed = compose(sources, contract if contract.shown or contract.hidden else None)
    except SourceUnreadable as problem:
        print(problem, file=sys.stderr)
        return 2
    except CompositionFailed as failed:
        print(_told(failed.problems, (), chosen.format) if chosen.format == "json" else failed, file=sys.stderr)
        return 1
    hints = () if chosen.no_hints else composed.hints
    if hints:
        print(_told((), hints, chosen.format), file=sys.stderr)
    if chosen.output is None:
        print(composed.supergraph, end="")
    else:
        try:
            write_whole(chosen.output, composed.supergraph)
        except OSError as problem:
            print(f"The supergraph cannot be written to {chosen.output} ({problem.strerror}).", file=sys.stderr)
            return 2
    return 0


def write_whole(file: Path, text: str) -> None:
    """Write the file at once: a gateway that watches it never reads half."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _told(problems: Sequence[Problem], hints: Sequence[Hint], form: str) -> str:
    if form == "json":
        found = [_plain("problem", each) for each in problems] + [_plain("hint", each) for each in hints]
        return msgspec.json.format(msgspec.json.encode(found)).decode()
    return "\n".join(f"hint: {hint}" for hint in hints)


def _plain(kind: str, each: Problem | Hint) -> dict[str, object]:
    places = [{"subgraph": place.subgraph, "line": place.line, "column": place.column} for place in each.places]
    return {"kind": kind, "code": each.code, "message": each.message, "places": places}
