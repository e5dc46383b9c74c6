"""The inspection report as a PDF on A4: verdict, facts, heat map, histogram, worst places.

In: facts and pictures. Out: the same bytes for the same input; every date comes in as a fact. Computes nothing and
decides nothing: what it prints is what was stored.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from xml.sax.saxutils import escape

from workers.pictures.zone import WorstPlace, Zone, signed

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import BaseDocTemplate, Flowable, Table

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]

_INK, _FAINT, _LINE = "#1d2129", "#5b6370", "#d4d8de"
# Told apart by lightness and by their words, not by hue alone.
_VERDICT_COLOURS: dict[Verdict, str] = {"PASS": "#1b6e53", "FAIL": "#a3121f", "INCONCLUSIVE": "#8a5a00"}
_VERDICT_WORDS: dict[Verdict, str] = {
    "PASS": "Within tolerance",
    "FAIL": "Out of tolerance",
    "INCONCLUSIVE": "Cannot be decided with this measurement",
}
# One rule of a table's style: its name, from and to which cell, and what it takes.
_Rule = tuple[str, tuple[int, int], tuple[int, int], *tuple[Any, ...]]

_SAMPLE = "alignment, form and pictures rest on {:,} of the points, every other figure on all of them"

_MARGIN_MM, _HEADER_MM = 18.0, 16.0
_WIDTH_MM = 210.0 - 2 * _MARGIN_MM


@dataclass(frozen=True)
class ReportFacts:
    """What was measured and decided. `unconstrained`: motions that the scan could not fix, in words; often none."""

    workspace: str
    asset: str
    serial: str
    cad_revision: str
    cad_sha256: str
    scan_name: str
    scan_sha256: str
    points: int
    sampled_points: int | None
    """None where everything rests on all points."""
    held_by: str
    """What holds the part in the alignment, in words."""
    alignment_fitness: float
    alignment_rms_mm: float
    unconstrained: Sequence[str]
    zone: Zone
    decision_rule: str
    percent_in_tolerance: float
    mean_mm: float
    sigma_mm: float
    rms_mm: float
    p95_mm: float
    verdict: Verdict
    reason: str
    operator: str
    decided_at: datetime
    report_id: str


def report_pdf(facts: ReportFacts, heat_map: bytes, histogram: bytes, worst: Sequence[WorstPlace]) -> bytes:
    """The report. The pictures are PNG, as `heat_map_png` and `histogram_png` make them."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    _register_fonts()
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        invariant=1,
        title=f"Inspection of {facts.asset}, serial {facts.serial}",
        author=facts.operator,
        subject=facts.report_id,
        creator="Design-to-Reality",
    )
    foot = 16.0 * mm
    height = A4[1] - foot - (_HEADER_MM + 8.0) * mm
    frame = Frame(_MARGIN_MM * mm, foot, _WIDTH_MM * mm, height, 0, 0, 0, 0)

    def on_page(canvas: Canvas, document: BaseDocTemplate) -> None:
        _page_frame(canvas, document, facts)

    document.addPageTemplates([PageTemplate(frames=[frame], onPage=on_page)])
    document.build(_story(facts, heat_map, histogram, worst))
    return out.getvalue()


def _register_fonts() -> None:
    """DejaVu comes with Matplotlib and knows the letters of names that the PDF's own fonts lack."""
    import matplotlib
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in (("Body", "DejaVuSans.ttf"), ("Strong", "DejaVuSans-Bold.ttf"), ("Code", "DejaVuSansMono.ttf")):
        registerFont(TTFont(name, str(folder / file)))


def _page_frame(canvas: Canvas, document: BaseDocTemplate, facts: ReportFacts) -> None:
    from reportlab.lib.units import mm

    width, height = document.pagesize
    canvas.saveState()
    canvas.setFillColor(_INK)
    canvas.setFont("Strong", 10)
    canvas.drawString(_MARGIN_MM * mm, height - 13 * mm, "Inspection report")
    canvas.setFont("Body", 8)
    canvas.setFillColor(_FAINT)
    canvas.drawRightString(width - _MARGIN_MM * mm, height - 13 * mm, facts.workspace)
    canvas.setStrokeColor(_LINE)
    canvas.line(_MARGIN_MM * mm, height - 16 * mm, width - _MARGIN_MM * mm, height - 16 * mm)
    canvas.drawString(_MARGIN_MM * mm, 9 * mm, f"Report {facts.report_id} · not signed")
    canvas.drawRightString(width - _MARGIN_MM * mm, 9 * mm, f"Page {canvas.getPageNumber()}")
    canvas.restoreState()


def _story(facts: ReportFacts, heat_map: bytes, histogram: bytes, worst: Sequence[WorstPlace]) -> list[Flowable]:
    from reportlab.platypus import KeepTogether, PageBreak, Spacer

    return [
        _words(facts.asset, "Strong", 18, after=2),
        _words(f"Serial {facts.serial}", "Body", 11, _FAINT, after=8),
        _verdict(facts),
        Spacer(1, 10),
        _picture(heat_map, _WIDTH_MM),
        Spacer(1, 8),
        _words("Result", "Strong", 11, after=4),
        _fact_table(_result_rows(facts)),
        PageBreak(),
        KeepTogether([_words("Worst places", "Strong", 11, after=4), _worst_table(worst)]),
        Spacer(1, 12),
        _words("Distribution", "Strong", 11, after=4),
        _picture(histogram, _WIDTH_MM),
        Spacer(1, 12),
        KeepTogether([_words("Where it comes from", "Strong", 11, after=4), _fact_table(_origin_rows(facts))]),
    ]


def _result_rows(facts: ReportFacts) -> list[tuple[str, str]]:
    inside = f"{facts.percent_in_tolerance:.2f} % of {facts.points:,} points {facts.zone.words()}"
    return [
        ("In tolerance", inside),
        ("Deviation", f"mean {facts.mean_mm:+.4f}, sigma {facts.sigma_mm:.4f}, RMS {facts.rms_mm:.4f}, "
                      f"P95 {facts.p95_mm:.4f} mm".replace("-", "−")),
        ("Decision rule", facts.decision_rule),
        ("Decided", f"{facts.decided_at:%d %B %Y, %H:%M:%S} {facts.decided_at.tzname() or ''} by {facts.operator}"),
    ]  # fmt: skip


def _origin_rows(facts: ReportFacts) -> list[tuple[str, str]]:
    free = ", ".join(facts.unconstrained) or "none: the scan fixes the part in all directions"
    sampled = facts.sampled_points
    return [
        ("CAD revision", facts.cad_revision),
        ("SHA-256 of the CAD", facts.cad_sha256),
        ("Scan", facts.scan_name),
        ("SHA-256 of the scan", facts.scan_sha256),
        ("Held by", facts.held_by),
        ("Alignment", f"fitness {facts.alignment_fitness:.4f}, RMS {facts.alignment_rms_mm:.4f} mm"),
        ("Unconstrained motions", free),
        *([] if sampled is None else [("Sample", _SAMPLE.format(sampled))]),
    ]


def _verdict(facts: ReportFacts) -> Table:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    left = _words(facts.verdict, "Strong", 17, "#ffffff")
    right = _words(f"{_VERDICT_WORDS[facts.verdict]}. {facts.reason}".strip(), "Body", 9.5, "#ffffff")
    table = Table([[left, right]], colWidths=[58 * mm, (_WIDTH_MM - 58) * mm])
    colour = _VERDICT_COLOURS[facts.verdict]
    table.setStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), colour),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (0, 0), 10),
            ("TOPPADDING", (0, 0), (-1, -1), 7),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 9),
        ]
    )
    return table


def _fact_table(rows: list[tuple[str, str]]) -> Table:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    def value(name: str, text: str) -> Flowable:
        return _words(text, "Code" if name.startswith("SHA") else "Body", 7.2 if name.startswith("SHA") else 8.8)

    cells = [[_words(name, "Body", 8.8, _FAINT), value(name, text)] for name, text in rows]
    table = Table(cells, colWidths=[44 * mm, (_WIDTH_MM - 44) * mm])
    table.setStyle([*_plain_rows(), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return table


def _worst_table(worst: Sequence[WorstPlace]) -> Table:
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    head = [_words(name, "Strong", 8.8) for name in ("No.", "Deviation", "X", "Y", "Z")]
    rows = [
        [_words(words, "Body", 8.8) for words in (str(number), *_lengths(spot))] for number, spot in enumerate(worst, 1)
    ]
    table = Table([head, *rows], colWidths=[width * mm for width in (16, 40, 39, 39, _WIDTH_MM - 134)])
    table.setStyle(_plain_rows())
    return table


def _lengths(spot: WorstPlace) -> list[str]:
    places = [f"{value:.2f} mm".replace("-", "−") for value in spot.position_mm]
    return [f"{signed(spot.deviation_mm, '.3f')} mm", *places]


def _plain_rows() -> list[_Rule]:
    return [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
    ]


def _picture(png: bytes, width_mm: float) -> Flowable:
    from reportlab.lib.units import mm
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Image

    wide, high = ImageReader(io.BytesIO(png)).getSize()
    return Image(io.BytesIO(png), width_mm * mm, width_mm * mm * high / wide)


def _words(text: str, font: str, size: float, colour: str = _INK, after: float = 0) -> Flowable:
    """A paragraph. Names come from people: what looks like markup in them is printed, not obeyed."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        font,
        fontName=font,
        fontSize=size,
        leading=size * 1.3,
        textColor=HexColor(colour),
        spaceAfter=after,
        splitLongWords=1,
    )
    return Paragraph(escape(text), style)
