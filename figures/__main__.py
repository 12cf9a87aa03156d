"""Redraw figures from tables: ``python -m figures [NAME…]``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from checkpoints.console import UserError, one_of, run_command, say
from checkpoints.doors.shipped import DRAWN, TABLES
from checkpoints.doors.writing import check_folder
from figures.kit.printing import Print, Style, formats_of

if TYPE_CHECKING:
    from figures.kit.style import Draw

NAMES = (
    *("curves", "cka_map", "cka_contrast", "invariance", "invariance_steps", "robustness"),
    *("emergence", "onsets", "contrasts", "samples", "peers", "looks", "backgrounds"),
    *("strengths", "erasure", "probes", "variation", "saliency", "saliency_sheet", "embedding"),
    *("similarity", "similarity_pairs", "similarity_nulls", "similarity_outliers", "returns"),
    "twins_panel",
)
"""In the order in which they are drawn."""


@dataclass(frozen=True)
class Settings:
    """Draw figures from tables, each as PDF, PNG (200 dpi) and CSV of the rows it shows.

    NAME is one of: curves, cka_map, cka_contrast, invariance, invariance_steps, robustness,
    emergence, onsets, contrasts, samples, peers, looks, backgrounds, strengths, erasure,
    probes, variation, saliency, saliency_sheet, embedding, similarity, similarity_pairs,
    similarity_nulls, similarity_outliers, returns, twins_panel. No name draws all whose tables
    are there. Type is embedded in PDF and drawn as shapes in SVG.
    """

    names: Positional[Annotated[tuple[str, ...], arg(metavar="[NAME ...]")]] = ()
    """figures to draw"""
    tables: Path = TABLES
    """folder of tables, such as results"""
    output: Path | None = None
    """folder to write into; of the shipped tables figures/out in a clone, else results/figures;
    of others TABLES/figures"""
    width: float | None = None
    """inches, exactly, such as 3.25 or 6.75; what has no room there is left out and named"""
    style: Style = "paper"
    """talk: half as large again; own: your matplotlibrc laid over paper's settings"""
    format: str = "pdf,png"
    """of pdf, png and svg, between commas"""
    overwrite: bool = False
    """replace files that exist"""

    @property
    def folder(self) -> Path:
        """Where figures are written to."""
        return self.output or (DRAWN if self.tables == TABLES else self.tables / "figures")


def drawers() -> dict[str, "Draw"]:
    """Figure -> what draws it; loads them all, which takes a second."""
    from figures import (
        backgrounds,
        cka_contrast,
        cka_map,
        contrasts,
        curves,
        embedding,
        emergence,
        erasure,
        invariance,
        invariance_steps,
        looks,
        onsets,
        peers,
        probes,
        returns,
        robustness,
        saliency,
        saliency_sheet,
        samples,
        similarity,
        similarity_nulls,
        similarity_outliers,
        similarity_pairs,
        strengths,
        twins_panel,
        variation,
    )

    modules = (
        *(curves, cka_map, cka_contrast, invariance, invariance_steps, robustness, emergence),
        *(onsets, contrasts, samples, peers, looks, backgrounds, strengths, erasure, probes),
        *(variation, saliency, saliency_sheet, embedding, similarity, similarity_pairs),
        *(similarity_nulls, similarity_outliers, returns, twins_panel),
    )
    return {module.NAME: module.draw for module in modules}


def main(settings: Settings) -> None:
    """Draw, save, and say what was drawn from how many rows, and what was not."""
    for name in settings.names:
        one_of("figure", name, NAMES)
    printed = Print(settings.width, settings.style, formats_of(settings.format))
    check_folder(settings.folder)
    from figures.kit.report import Report
    from figures.kit.rows import MissingTable
    from figures.kit.saving import fit, save

    draw = drawers()
    report, left = Report(), list[str]()
    for name in settings.names or NAMES:
        try:
            with printed.settings():
                drawings = list(draw[name](settings.tables))
        except MissingTable as error:
            if settings.names:
                raise
            left.append(f"{name}: {error}")
            continue
        for drawing in drawings:
            tight = fit(drawing.figure, printed)
            if tight:
                left.append(f"{drawing.name}: no room at {settings.width:g} in: {tight[0]}")
                continue
            save(drawing, settings.folder, printed, overwrite=settings.overwrite)
            report.add(drawing, printed)
    report.show()
    for line in left:
        say(f"left out: {line}")
    if not report.lines:
        raise UserError(f"expected a figure to draw, got none; {left[-1]}")
    print(f"written to {settings.folder}")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures")
