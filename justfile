# What there is to do here: ./dev RECIPE. Recipes are thin; the work is in the modules they call.

set positional-arguments

# The user's own modules stay out, and so does whatever lies in the folder that a recipe is run from.
export PYTHONPATH := justfile_directory()
export PYTHONSAFEPATH := "1"
export PYTHONNOUSERSITE := "1"

[private]
default:
    @just --justfile "{{ justfile() }}" --list --unsorted

# Generate a part and scans, take them from upload to verdict, serve the graph (--once: exit after the run)
[no-cd, no-exit-message]
demo *arguments:
    @python -m infra.demo demo "$@"

# Inspect your own files: --cad part.stl --scan scan.laz [--tolerance 0.2mm] [--out DIR]
[no-cd, no-exit-message]
inspect *arguments:
    @python -m infra.demo inspect "$@"

# PostgreSQL, Valkey and the object store, in the foreground
[no-cd, no-exit-message]
stack *arguments:
    @python -m infra.local "$@"

# All checks: lint, types, import contracts, tests; what fails is asked once more, alone (arguments go to pytest)
test *arguments: lint
    python -m tests.whole_run "$@"

# The quick checks
lint:
    ruff check .
    ruff format --check .
    mypy
    lint-imports --no-cache

# Put the code into the house's format
format:
    ruff check --fix .
    ruff format .

# Measure: ./dev bench NAME (api, fanout, gateway, kernels, registration, soak, attacks, executor, shapes, client, cloud)
[no-cd, no-exit-message]
bench name *arguments:
    @python -m "tests.bench.$@"

# Ask random graphs random questions, and compare with one plain schema (or --programs, --streams): ./dev differential 10000
differential *arguments:
    @python -m tests.differential "$@"

# Ask random schemas by the compiled executor and by graphql-core, and compare: ./dev executor 10000
executor *arguments:
    @python -m tests.executor "$@"

# What a machine runs each night (45 minutes): 10,000 random questions by fast ways and slow ones, each night others
nightly:
    #!/bin/sh
    first=$(($(date +%s) / 86400 * 10000))
    failed=0
    python -m tests.executor 2000 --first "$first" || failed=1
    python -m tests.differential 2600 --programs --first "$first" || failed=1
    python -m tests.differential 3400 --first "$first" || failed=1
    python -m tests.differential 3400 --streams --first "$first" || failed=1
    exit "$failed"

# Compose broken graphs here and by a peer, and compare (needs ./dev peers): ./dev composition 5000
composition *arguments:
    @python -m tests.composition_peer "$@"

# Install the clients and audits of other languages that tests run where they are (needs Node and npm)
peers:
    cd tests/node && npm ci --ignore-scripts --no-audit --no-fund

# Install Hive Gateway for ./dev bench fanout to measure beside ours (needs Node and npm; 400 MB)
fanout-peer:
    cd tests/bench/hive && npm install --ignore-scripts --no-audit --no-fund --no-package-lock

# Install the gateways that ./dev bench gateway measures beside ours (needs npm; 900 MB, with a Node of their own)
bench-peers:
    cd tests/bench/gateway/peers && npm install --ignore-scripts --no-audit --no-fund --no-package-lock

# Install the libraries that ./dev bench kernels and registration, and a test of M3C2, set ours beside (500 MB)
kernel-peers:
    uv pip install --quiet --no-deps fcpw libigl warp-lang small_gicp
    uv pip install --quiet --constraint requirements-dev.txt py4dgeo

# Write schema.graphql anew from the subgraphs' schemas
compose *arguments:
    python -m infra.compose "$@"

# Pin all packages anew, for every supported Python, with hashes and without any index's name
lock *arguments:
    #!/bin/sh
    set -eu
    pin() { uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "./dev lock" "$@"; }
    pin pyproject.toml --group dev -o requirements-dev.txt "$@"
    pin pyproject.toml -c requirements-dev.txt -o requirements.txt
    pin pyproject.toml --extra cuda -c requirements-dev.txt -o requirements-cuda.txt
    pin --group tools -o requirements-tools.txt "$@"
