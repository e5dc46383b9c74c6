"""Prometheus' text format, version 0.0.4. In: families of samples. Out: the page.

Whoever makes families keeps the number of different labels bounded: nothing here does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from gateway.telemetry.histogram import Histogram

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[str, ...]
"""Values, in the order of the family's label names."""


class Family(Struct, frozen=True):
    """One metric. `samples`: by the values of its labels, numbers; for a histogram `Histogram`s."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...]
    samples: Mapping[Labels, float | Histogram]


def counter(name: str, text: str, labels: tuple[str, ...], samples: Mapping[Labels, float]) -> Family:
    return Family(name, "counter", text, labels, samples)


def gauge(name: str, text: str, labels: tuple[str, ...], samples: Mapping[Labels, float]) -> Family:
    return Family(name, "gauge", text, labels, samples)


def histogram(name: str, text: str, labels: tuple[str, ...], samples: Mapping[Labels, Histogram]) -> Family:
    return Family(name, "histogram", text, labels, samples)


def page_of(families: Iterable[Family]) -> bytes:
    return "".join(line for family in families for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    name = family.name
    text = family.text.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {text}\n# TYPE {name} {family.kind}\n"
    for labels, value in family.samples.items():
        pairs = [f'{label}="{_escaped(said)}"' for label, said in zip(family.labels, labels, strict=True)]
        if isinstance(value, Histogram):
            yield from _ranges(name, pairs, value)
        else:
            yield f"{name}{_braced(pairs)} {_number(value)}\n"


def _ranges(name: str, pairs: list[str], value: Histogram) -> Iterator[str]:
    so_far = 0
    for bound, count in zip((*value.bounds, None), list(value.counts), strict=True):
        so_far += count
        end = "+Inf" if bound is None else _number(bound)
        limit = f'le="{end}"'
        yield f"{name}_bucket{_braced([*pairs, limit])} {so_far}\n"
    yield f"{name}_sum{_braced(pairs)} {_number(value.total)}\n{name}_count{_braced(pairs)} {so_far}\n"


def _braced(pairs: list[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
