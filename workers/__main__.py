"""`python -m workers [jobs] [relay] [sweeper] [sequencer] [--ready-file F]`: all duties when none is named."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import suppress
from pathlib import Path

from subgraphs.serving.process import ProcessSettings, SettingUnusable, read_settings
from workers.process import DUTIES, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workers", description="Work that outlives a request.")
    parser.add_argument("duties", nargs="*", metavar="DUTY", help=", ".join(DUTIES))
    parser.add_argument("--ready-file", type=Path, help="touched once every duty has begun")
    given = parser.parse_args()
    unknown = set(given.duties) - set(DUTIES)
    if unknown:
        parser.error(f"there is no duty {', '.join(sorted(unknown))}; there are {', '.join(DUTIES)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = read_settings()
    except SettingUnusable as unusable:
        print(unusable, file=sys.stderr)
        return 2
    with suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(_until_told(settings, given.duties or list(DUTIES), given.ready_file))
    return 0


async def _until_told(settings: ProcessSettings, duties: list[str], ready_file: Path | None) -> None:
    task = asyncio.create_task(run(settings, duties, ready_file))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    await task


if __name__ == "__main__":
    sys.exit(main())
