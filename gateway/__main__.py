"""`python -m gateway`: serve a supergraph, or print any stage of planning.

In: the command line, for `serve` the environment too; an operation from a file or from standard input. Out: text on
standard output; what is refused goes to standard error as one sentence, with exit status 1 (2 for `serve`).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gateway import serve
from gateway.errors import GatewayError
from gateway.stages import stage_text

STAGE_HELP = {
    "normalize": "the operation made plain: fragments gone, fields merged",
    "graph": "the query graph: what each subgraph resolves",
    "paths": "where each field is fetched, and by which jumps",
    "fetches": "the fetches and what they wait for",
    "plan": "the finished query plan",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; the exit status."""
    parser = argparse.ArgumentParser(prog="gateway", description="A Federation v2 gateway for any supergraph.")
    commands = parser.add_subparsers(dest="command", required=True)
    for stage, text in STAGE_HELP.items():
        _add_stage(commands, stage, text)
    serve.add_arguments(commands.add_parser("serve", help="serve a supergraph over HTTP and WebSocket"), os.environ)
    chosen = parser.parse_args(arguments)
    if chosen.command == "serve":
        return serve.run(chosen)
    try:
        return _print_stage(chosen)
    except (GatewayError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1


def _add_stage(commands: argparse._SubParsersAction[argparse.ArgumentParser], stage: str, text: str) -> None:
    command = commands.add_parser(stage, help=text, description=text)
    command.add_argument("--supergraph", type=Path, required=True, metavar="FILE", help="the composed supergraph")
    if stage != "graph":
        command.add_argument("--operation", metavar="NAME", help="which operation, if the document has several")
        command.add_argument("document", nargs="?", type=Path, help="the operation's file; standard input if left out")


def _print_stage(chosen: argparse.Namespace) -> int:
    document: Path | None = getattr(chosen, "document", None)
    text = "" if chosen.command == "graph" else document.read_text() if document else sys.stdin.read()
    print(stage_text(chosen.command, chosen.supergraph.read_text(), text, getattr(chosen, "operation", None)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
