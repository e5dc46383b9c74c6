"""SQL that Python cannot say: read from the files beside this one.

In: a file's name without `.sql`. Out: its statements. They are parted by lines that hold `-- next`, because the driver
takes one statement at a time and function bodies hold semicolons.
"""

from __future__ import annotations

import re
from pathlib import Path


def statements_of(name: str) -> list[str]:
    """The statements of `name`.sql, in order."""
    text = (Path(__file__).parent / f"{name}.sql").read_text()
    return [part.strip() for part in re.split(r"^-- next$", text, flags=re.MULTILINE) if part.strip()]
