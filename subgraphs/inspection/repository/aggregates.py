"""Sums over many inspections, answered from daily tallies; only the broken days at either end of a period are counted.

A million measurements are eight characteristics of some hundred days: a few hundred rows to add up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Text, bindparam, func, or_, select, true, tuple_

from db.lookup import among, table_of
from db.tables.inspection import (
    AssetRow,
    InspectionRow,
    InspectionTallyRow,
    MeasurementRow,
    MeasurementTallyRow,
)
from db.unit_of_work import UnitOfWork
from subgraphs.inspection.model import (
    AssetId,
    CharacteristicSummary,
    InspectionId,
    Measurement,
    NewestFirst,
    QualitySummary,
    Verdict,
)
from subgraphs.inspection.repository.result_rows import measurement_of
from subgraphs.inspection.repository.rows import pages_by_owner

FAILED_AT_ONCE = 500
"""Read at a time once the first, shorter page did not do: an asset may fail a hundred times in a row."""

_INSPECTIONS, _TALLIES = table_of(InspectionRow).c, table_of(InspectionTallyRow).c
_BY_VERDICT = select(_TALLIES.verdict, func.sum(_TALLIES.inspections)).group_by(_TALLIES.verdict)
_FAILED = (
    select(_INSPECTIONS.asset_id, _INSPECTIONS.created_at, _INSPECTIONS.id)
    .where(_INSPECTIONS.verdict == Verdict.FAIL.value)
    .order_by(_INSPECTIONS.created_at.desc(), _INSPECTIONS.id.desc())
)
_ASSETS = table_of(AssetRow).c
_SERIAL_NUMBERS = select(_ASSETS.id, _ASSETS.serial_number).where(among(_ASSETS.id))


_MEASURED = table_of(MeasurementRow).c
_NUMBERED = (
    select(
        *_MEASURED,
        func.row_number()
        .over(partition_by=_MEASURED.inspection_id, order_by=_MEASURED.characteristic.collate("C"))
        .label("place"),
    )
    .where(among(_MEASURED.inspection_id), _MEASURED.characteristic.collate("C") > bindparam("after", type_=Text))
    .subquery()
)
_PAGES_OF_INSPECTIONS = (
    select(_NUMBERED)
    .where(_NUMBERED.c.place <= bindparam("most", type_=Integer))
    .order_by(_NUMBERED.c.inspection_id, _NUMBERED.c.place)
)


@dataclass(frozen=True)
class Period:
    """From `since` up to `until`, as whole UTC days and the broken ones beside them."""

    since: datetime | None
    until: datetime | None

    def days(self, column: Any) -> ColumnElement[bool]:
        """Tallies of the days that lie wholly inside."""
        inside: ColumnElement[bool] = true()
        if self.since is not None:
            inside = inside & (column >= self._first_day)
        if self.until is not None:
            inside = inside & (column < self._end_day)
        return inside

    def moments(self, column: Any) -> ColumnElement[bool]:
        inside: ColumnElement[bool] = true()
        if self.since is not None:
            inside = inside & (column >= self.since)
        if self.until is not None:
            inside = inside & (column < self.until)
        return inside

    def broken(self, column: Any) -> ColumnElement[bool] | None:
        """Moments inside that no whole day covers; None when there are none."""
        ends = []
        if self.since is not None and self.since < _midnight(self._first_day):
            ends.append((column >= self.since) & (column < _midnight(self._first_day)))
        if self.until is not None and _midnight(self._end_day) < self.until:
            ends.append((column >= _midnight(self._end_day)) & (column < self.until))
        return self.moments(column) & or_(*ends) if ends else None

    @property
    def _first_day(self) -> date:
        assert self.since is not None
        day = self.since.astimezone(UTC).date()
        return day if self.since == _midnight(day) else day + timedelta(days=1)

    @property
    def _end_day(self) -> date:
        assert self.until is not None
        return self.until.astimezone(UTC).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


async def quality_summary(
    work: UnitOfWork, since: datetime | None, until: datetime | None, most_serials: int
) -> QualitySummary:
    """Inspections by verdict, and the serial numbers of assets with a failed one, the most recently failed first."""
    period = Period(since, until)
    counts = await _by_verdict(work, period)
    assets = await _newest_failed(work, period, most_serials)
    serials: dict[UUID, str] = {}
    if assets:
        named = await work.session.execute(_SERIAL_NUMBERS, {"keys": assets})
        serials = {id: serial for id, serial in named}  # noqa: C416 - rows are no pairs
    return QualitySummary(
        inspections=sum(counts.values()),
        passed=counts.get(Verdict.PASS, 0),
        failed=counts.get(Verdict.FAIL, 0),
        inconclusive=counts.get(Verdict.INCONCLUSIVE, 0),
        failing_serial_numbers=tuple(serials[id] for id in assets if id in serials),
    )


async def _by_verdict(work: UnitOfWork, period: Period) -> dict[str, int]:
    query = _BY_VERDICT.where(period.days(_TALLIES.day))
    counts = {found: int(count) for found, count in await work.session.execute(query)}
    broken = period.broken(_INSPECTIONS.created_at)
    if broken is not None:
        rest = select(_INSPECTIONS.verdict, func.count()).where(broken).group_by(_INSPECTIONS.verdict)
        for found, count in await work.session.execute(rest):
            counts[found] = counts.get(found, 0) + count
    return counts


async def _newest_failed(work: UnitOfWork, period: Period, most: int) -> list[UUID]:
    """Assets in the order in which they last failed. Read backwards in time, only as far as needed."""
    found: dict[UUID, None] = {}
    failed = _FAILED.where(period.moments(_INSPECTIONS.created_at))
    page, at_once = failed, min(most * 4, FAILED_AT_ONCE)
    while len(found) < most:
        rows = (await work.session.execute(page.limit(at_once))).all()
        found.update(dict.fromkeys(asset for asset, _, _ in rows))
        if len(rows) < at_once:
            break
        _, *before = rows[-1]
        page, at_once = failed.where(tuple_(_INSPECTIONS.created_at, _INSPECTIONS.id) < tuple_(*before)), FAILED_AT_ONCE
    return list(found)[:most]


async def characteristic_summary(
    work: UnitOfWork, characteristic: str, since: datetime | None, until: datetime | None
) -> CharacteristicSummary:
    period, tally = Period(since, until), MeasurementTallyRow
    sums = select(
        func.sum(tally.count),
        func.sum(tally.total),
        func.sum(tally.squares),
        func.min(tally.minimum),
        func.max(tally.maximum),
        func.sum(tally.failed),
    ).where(tally.characteristic == characteristic, period.days(tally.day))
    parts = [(await work.session.execute(sums)).one()]
    broken = period.broken(MeasurementRow.measured_at)
    if broken is not None:
        value = MeasurementRow.value
        rest = select(
            func.count(),
            func.sum(value),
            func.sum(value * value),
            func.min(value),
            func.max(value),
            func.count().filter(MeasurementRow.verdict == Verdict.FAIL.value),
        ).where(MeasurementRow.characteristic == characteristic, broken)
        parts.append((await work.session.execute(rest)).one())
    return _summary_of(characteristic, [tuple(part) for part in parts if part[0]])


def _summary_of(characteristic: str, parts: Sequence[tuple[Any, ...]]) -> CharacteristicSummary:
    if not parts:
        return CharacteristicSummary(characteristic, 0, None, None, None, None, 0)
    counts, totals, squares, lows, highs, failed = zip(*parts, strict=True)
    count, total = int(sum(counts)), float(sum(totals))
    # Never below zero, where only rounding could put it.
    spread = max(0.0, float(sum(squares)) - total * total / count)
    return CharacteristicSummary(
        characteristic=characteristic,
        count=count,
        mean=total / count,
        sigma=math.sqrt(spread / (count - 1)) if count > 1 else None,
        minimum=min(lows),
        maximum=max(highs),
        failed=int(sum(failed)),
    )


async def measurements_of_assets(
    work: UnitOfWork, assets: Sequence[AssetId], characteristic: str, page: NewestFirst
) -> dict[AssetId, list[Measurement]]:
    pages = await pages_by_owner(
        work,
        MeasurementRow,
        "asset_id",
        assets,
        page,
        time="measured_at",
        key="inspection_id",
        where=lambda row: [row.characteristic == characteristic],
    )
    return {asset: [measurement_of(row) for row in rows] for asset, rows in pages.items()}


async def measurements_of_inspections(
    work: UnitOfWork, ids: Sequence[InspectionId], after: str, most: int
) -> dict[InspectionId, list[Measurement]]:
    """Up to `most` characteristics of each inspection with names above `after`, by name."""
    found: dict[InspectionId, list[Measurement]] = defaultdict(list)
    for row in await work.session.execute(_PAGES_OF_INSPECTIONS, {"keys": list(ids), "after": after, "most": most}):
        found[InspectionId(row.inspection_id)].append(measurement_of(cast("MeasurementRow", row)))
    return found
