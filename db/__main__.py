"""`python -m db migrate`: bring the database at DATABASE_URL to the newest revision; keys live in $D2R_DATA/keys."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from db.migrate import migrate


def main(arguments: list[str]) -> int:
    """Run the one command there is."""
    if arguments != ["migrate"]:
        print("usage: python -m db migrate", file=sys.stderr)
        return 2
    if not (url := os.environ.get("DATABASE_URL")):
        print("DATABASE_URL is not set: the address of the database, entered as its administrator.", file=sys.stderr)
        return 2
    asyncio.run(migrate(url, Path(os.environ.get("D2R_DATA", ".d2r/stack")) / "keys"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
