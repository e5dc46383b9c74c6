"""`python -m infra.compose`: print every subgraph's SDL, compose them, write `schema.graphql`.

Needs Node and, the first time, npm (both only here). `--check` writes nothing and answers 1 when something is stale.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.compose.supergraph_file import CHECKOUT, SUPERGRAPH, current_sdls, header, sdl_file, stale
from subgraphs.catalogue import url_of

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.compose", description="Write the supergraph anew.")
    parser.add_argument("--check", action="store_true", help="only say what is stale; needs no Node")
    given = parser.parse_args()
    sdls = current_sdls()
    if given.check:
        old = stale(sdls, SUPERGRAPH.read_text() if SUPERGRAPH.exists() else "")
        print("\n".join(f"stale: {name}" for name in old) or "schema.graphql is current")
        return 1 if old else 0
    if not (shutil.which("node") and shutil.which("npm")):
        print("Composing needs node and npm on the PATH (running the product does not).", file=sys.stderr)
        return 2
    if not (HERE / "node_modules").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, check=True)
    supergraph = _composed(sdls)
    if supergraph is None:
        return 1
    for name, sdl in sdls.items():
        sdl_file(name).write_text(sdl)
    SUPERGRAPH.write_text(header(sdls) + supergraph.strip() + "\n")
    print(f"{SUPERGRAPH.relative_to(CHECKOUT)}: {', '.join(sdls)}")
    return 0


def _composed(sdls: Mapping[str, str]) -> str | None:
    services = [{"name": name, "url": url_of(name), "sdl": sdl} for name, sdl in sdls.items()]
    ran = subprocess.run(
        ["node", HERE / "compose.mjs"], input=json.dumps(services), capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        print(ran.stderr.strip(), file=sys.stderr)
        return None
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main())
