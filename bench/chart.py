"""A picture of rows: for each a bar of ours and one of the other's, scaled to the longer."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

from bench.report import number
from bench.rows import Row

WIDTH, BAR, GAP, LEFT, LONGEST = 860, 14, 14, 400, 330
OURS, THEIRS = "#2f6f4f", "#b8b8b8"


def write(file: Path, rows: Sequence[Row]) -> None:
    """Writes the rows that have a goal and were measured as an SVG picture."""
    shown = [row for row in rows if row.goal is not None and row.ratio is not None]
    step = 2 * BAR + GAP
    size = {"width": str(WIDTH), "height": str(step * len(shown) + GAP)}
    style = {"font-family": "sans-serif", "font-size": "12"}
    picture = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, **style})
    ElementTree.SubElement(picture, "rect", {**size, "fill": "white"})
    for index, row in enumerate(shown):
        top = GAP + index * step
        _text(picture, LEFT - 10, top + BAR - 2, row.what, end=True)
        _text(picture, LEFT - 10, top + 2 * BAR - 2, row.against, end=True)
        longest = max(median(row.ours), median(row.theirs))
        for offset, samples, color in ((0, row.ours, OURS), (BAR, row.theirs, THEIRS)):
            length = LONGEST * median(samples) / longest
            place = {"x": str(LEFT), "y": str(top + offset), "width": f"{length:.1f}"}
            bar = {**place, "height": str(BAR - 2), "fill": color}
            ElementTree.SubElement(picture, "rect", bar)
            label = f"{number(median(samples))} {row.unit}"
            _text(picture, LEFT + length + 6, top + offset + BAR - 3, label)
    ElementTree.indent(picture)
    file.write_text(ElementTree.tostring(picture, encoding="unicode") + "\n")


def _text(
    picture: ElementTree.Element, x: float, y: float, text: str, *, end: bool = False
) -> None:
    anchor = "end" if end else "start"
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    ElementTree.SubElement(picture, "text", place).text = text
