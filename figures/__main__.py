"""Redraw figures from tables: ``python -m figures [NAME…]``."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from checkpoints.console import one_of, run_command
from checkpoints.doors.writing import check_folder
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
from figures.kit.style import Draw, save

FIGURES: dict[str, Draw] = {
    module.NAME: module.draw
    for module in (
        *(curves, cka_map, cka_contrast, invariance, invariance_steps, robustness, emergence),
        *(onsets, contrasts, samples, looks, backgrounds, strengths, erasure, probes),
        *(variation, saliency, saliency_sheet, embedding, similarity, similarity_pairs),
        *(similarity_nulls, similarity_outliers, returns),
        twins_panel,
    )
}


@dataclass(frozen=True)
class Settings:
    """Draw figures from tables, each as PDF, PNG (200 dpi) and CSV of the rows it shows.

    NAME is one of: curves, cka_map, cka_contrast, invariance, invariance_steps, robustness,
    emergence, onsets, contrasts, samples, looks, backgrounds, strengths, erasure, probes,
    variation, saliency, saliency_sheet, embedding, similarity, similarity_pairs,
    similarity_nulls, similarity_outliers, returns, twins_panel. No name draws all.
    """

    names: Positional[tuple[str, ...]] = ()
    """figures to draw"""
    tables: Path = Path("analysis/tables")
    """folder of tables"""
    output: Path = Path("figures/out")
    """folder to write into"""
    overwrite: bool = False
    """replace files that exist"""


def main(settings: Settings) -> None:
    """Draw, save, and say what was drawn from how many rows."""
    for name in settings.names:
        one_of("figure", name, FIGURES)
    check_folder(settings.output)
    from rich.console import Console
    from rich.table import Table

    report = Table("figure", "rows", "size (mm)", "files")
    for name in settings.names or FIGURES:
        for drawing in FIGURES[name](settings.tables):
            save(drawing, settings.output, overwrite=settings.overwrite)
            width, height = (f"{25.4 * side:.0f}" for side in drawing.figure.get_size_inches())
            files = f"{drawing.name}.{{pdf,png,csv}}"
            report.add_row(drawing.name, f"{len(drawing.rows):,}", f"{width} x {height}", files)
    Console().print(report)
    print(f"written to {settings.output}")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures")
