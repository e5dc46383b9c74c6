"""A schema as people read it: no line wider than it must be.

In: a document. Out: its text. graphql-core puts all directives of an element on one line; here they get lines of their
own where that line would be too wide.
"""

from __future__ import annotations

import re

from graphql import DocumentNode, print_ast

WIDTH = 120
_TEXT_MARK = re.compile(r'(?<!\\)"""')
_DIRECTIVE = re.compile(r' @(?=(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*$)')
"""The space before a directive: outside of texts, as only whole texts follow it on its line."""


def printed_schema(document: DocumentNode) -> str:
    """The document's text, with a line end at its end."""
    lines: list[str] = []
    in_text = False
    for line in print_ast(document).split("\n"):
        marks = len(_TEXT_MARK.findall(line))
        is_plain = not in_text and not marks
        in_text ^= marks % 2 == 1
        lines += _broken(line) if is_plain and len(line) > WIDTH else [line]
    return "\n".join(lines) + "\n"


def _broken(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    first, *directives = _DIRECTIVE.split(line)
    if not directives:
        return [line]
    opening = directives[-1].endswith(" {")
    if opening:
        directives[-1] = directives[-1].removesuffix(" {")
    found = [first, *(f"{indent}  @{directive}" for directive in directives)]
    return [*found, indent + "{"] if opening else found
