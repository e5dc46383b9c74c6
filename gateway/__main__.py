"""`python -m gateway`: compose a supergraph, serve it, print any stage of planning, tell what changed between two, make
API keys.

In: the command line, for `serve` the environment too; an operation from a file or from standard input. Out: text on
standard output; what is refused goes to standard error as one sentence, with exit status 1 (2 for `serve`). `diff`
compares two schemas, and its exit status says whether a change was as grave as `--fail-on`.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from gateway import api_key_command, serve
from gateway.composition import command as composing
from gateway.errors import GatewayError
from gateway.schema_diff import Severity, changes_between, printed, schema_of
from gateway.stages import stage_text

STAGE_HELP = {
    "normalize": "the operation made plain: fragments gone, fields merged",
    "graph": "the query graph: what each subgraph resolves",
    "paths": "where each field is fetched, and by which jumps",
    "fetches": "the fetches and what they wait for",
    "plan": "the finished query plan",
    "program": "the code that the plan is compiled to, if it is",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; the exit status."""
    parser = argparse.ArgumentParser(prog="gateway", description="A Federation v2 gateway for any supergraph.")
    commands = parser.add_subparsers(dest="command", required=True)
    for stage, text in STAGE_HELP.items():
        _add_stage(commands, stage, text)
    _add_diff(commands)
    text = "make one supergraph of subgraphs"
    composing.add_arguments(commands.add_parser("compose", help=text, description=text))
    serve.add_arguments(commands.add_parser("serve", help="serve a supergraph over HTTP and WebSocket"), os.environ)
    text = "make, list and revoke API keys"
    api_key_command.add_arguments(commands.add_parser("api-key", help=text, description=text))
    chosen = parser.parse_args(arguments)
    if chosen.command == "serve":
        return serve.run(chosen)
    if chosen.command == "compose":
        return composing.run(chosen)
    try:
        if chosen.command == "api-key":
            return api_key_command.run(chosen)
        return _print_diff(chosen) if chosen.command == "diff" else _print_stage(chosen)
    except (GatewayError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1


def _add_stage(commands: argparse._SubParsersAction[argparse.ArgumentParser], stage: str, text: str) -> None:
    command = commands.add_parser(stage, help=text, description=text)
    command.add_argument("--supergraph", type=Path, required=True, metavar="FILE", help="the composed supergraph")
    if stage != "graph":
        command.add_argument("--operation", metavar="NAME", help="which operation, if the document has several")
        command.add_argument(
            "--variables",
            type=msgspec.json.Decoder(dict[str, object]).decode,
            metavar="JSON",
            help="what the conditions of an operation with @defer or @stream depend on; true for those left out",
        )
        command.add_argument("document", nargs="?", type=Path, help="the operation's file; standard input if left out")


def _add_diff(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "what changed for clients between two supergraphs or schemas"
    command = commands.add_parser("diff", help=text, description=text)
    command.add_argument("old", type=Path)
    command.add_argument("new", type=Path)
    command.add_argument("--format", choices=["text", "json"], default="text")
    command.add_argument(
        "--fail-on", choices=["breaking", "dangerous", "never"], default="breaking", help="exit status 1 for these"
    )


def _print_diff(chosen: argparse.Namespace) -> int:
    old, new = (schema_of(file.read_text(encoding="utf-8"), str(file)) for file in (chosen.old, chosen.new))
    changes = changes_between(old, new)
    if chosen.format == "json":
        print(msgspec.json.format(msgspec.json.encode(changes)).decode())
    else:
        print(printed(changes))
    failing = {"breaking": {Severity.BREAKING}, "dangerous": {Severity.BREAKING, Severity.DANGEROUS}, "never": set()}
    return int(any(change.severity in failing[chosen.fail_on] for change in changes))


def _print_stage(chosen: argparse.Namespace) -> int:
    document: Path | None = getattr(chosen, "document", None)
    text = "" if chosen.command == "graph" else document.read_text() if document else sys.stdin.read()
    operation, variables = getattr(chosen, "operation", None), getattr(chosen, "variables", None)
    print(stage_text(chosen.command, chosen.supergraph.read_text(), text, operation, variables))
    return 0


if __name__ == "__main__":
    sys.exit(main())
