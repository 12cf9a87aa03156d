"""The ledger of claims: ``python -m figures.claims`` holds each against what was measured."""

from dataclasses import dataclass
from pathlib import Path

from checkpoints.console import run_command, say, show_tables
from checkpoints.doors.places import DRAWN, TABLES
from checkpoints.doors.writing import write_text


@dataclass(frozen=True)
class Settings:
    """Hold each claim of arXiv 2501.02481 against the tables: estimate, interval, verdict."""

    tables: Path = TABLES
    """folder with contrasts, looks, curves, samples_peers, samples_pairs and embedding_scores"""
    output: Path = DRAWN / "claims.md"
    """file to write; replaced if it exists"""


def main(settings: Settings) -> None:
    """Write the ledger and print it."""
    from rich.table import Table

    from figures.kit.ledger import in_short, ledger
    from figures.kit.markdown import markdown

    say(f"reading tables in {settings.tables}")
    title, *both = ledger(settings.tables)
    write_text(settings.output, markdown(in_short(settings.tables), title, *both))
    heads = f"mutual distillation and PPO on {title}", "would these measures see invariance?"
    for head, rows in zip(heads, both, strict=True):
        shown = Table(*rows.columns, title=head)
        for row in rows.itertuples(index=False, name=None):
            shown.add_row(*row)
        show_tables(shown, markup=False)
    print(f"written to {settings.output}")


if __name__ == "__main__":
    run_command(main, Settings, name="python -m figures.claims")
