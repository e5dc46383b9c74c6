"""Reads Prometheus' text format, and refuses what Prometheus would refuse or what contradicts itself."""

from __future__ import annotations

import math
import re
from collections import defaultdict

_SAMPLE = re.compile(r'([a-z_][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (\S+)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"')
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Page:
    def __init__(self, text: str) -> None:
        self.series: Series = {}
        self.kinds: dict[str, str] = {}
        family = ""
        assert text.endswith("\n")
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = line.split()[2]
                assert family not in self.kinds, f"{family} comes twice"
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                assert name == family
                self.kinds[name] = kind
                assert (kind == "counter") == name.endswith("_total"), name
            else:
                self._take(line, family)
        self._check_histograms()

    def __getitem__(self, asked: str) -> float:
        """By the series as Prometheus writes it, its labels in any order."""
        name, labels, _ = self._read(f"{asked} 0")
        return self.series[name, labels]

    def by(self, name: str, label: str) -> dict[str, float]:
        """All series of one label."""
        return {dict(labels)[label]: value for (each, labels), value in self.series.items() if each == name}

    def _take(self, line: str, family: str) -> None:
        name, labels, value = self._read(line)
        endings = ("_bucket", "_sum", "_count") if self.kinds[family] == "histogram" else ("",)
        assert name in [family + ending for ending in endings], line
        assert (name, labels) not in self.series, line
        self.series[name, labels] = value

    def _read(self, line: str) -> tuple[str, frozenset[tuple[str, str]], float]:
        found = _SAMPLE.fullmatch(line)
        assert found, line
        return found[1], frozenset(_LABEL.findall(found[2] or "")), float(found[3])

    def _check_histograms(self) -> None:
        ranges = defaultdict(list)
        for (name, labels), value in self.series.items():
            if name.endswith("_bucket") and self.kinds.get(name.removesuffix("_bucket")) == "histogram":
                others = frozenset(each for each in labels if each[0] != "le")
                ranges[name.removesuffix("_bucket"), others].append((float(dict(labels)["le"]), value))
        for (name, labels), found in ranges.items():
            assert found == sorted(found)
            assert [count for _, count in found] == sorted(count for _, count in found)
            assert found[-1][0] == math.inf
            assert found[-1][1] == self.series[f"{name}_count", labels]
