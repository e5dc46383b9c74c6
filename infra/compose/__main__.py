"""`python -m infra.compose`: print every subgraph's SDL, compose them, write `schema.graphql`.

`--check` writes nothing and answers 1 when something is stale. What does not compose is told, and nothing is written.
"""

import argparse
import sys

from gateway.composition.command import write_whole
from gateway.composition.compose import compose
from gateway.composition.problems import CompositionFailed
from gateway.composition.read_subgraph import SubgraphSource
from infra.compose.supergraph_file import CHECKOUT, SUPERGRAPH, current_sdls, header, sdl_file, stale
from subgraphs.catalogue import url_of


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.compose", description="Write the supergraph anew.")
    parser.add_argument("--check", action="store_true", help="only say what is stale")
    given = parser.parse_args()
    sdls = current_sdls()
    if given.check:
        old = stale(sdls, SUPERGRAPH.read_text() if SUPERGRAPH.exists() else "")
        print("\n".join(f"stale: {name}" for name in old) or "schema.graphql is current")
        return 1 if old else 0
    try:
        composed = compose([SubgraphSource(name, url_of(name), sdl) for name, sdl in sdls.items()])
    except CompositionFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    for hint in composed.hints:
        print(f"hint: {hint}", file=sys.stderr)
    for name, sdl in sdls.items():
        write_whole(sdl_file(name), sdl)
    write_whole(SUPERGRAPH, header(sdls) + composed.supergraph)
    print(f"{SUPERGRAPH.relative_to(CHECKOUT)}: {', '.join(sdls)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
