"""Train a study: ``python -m checkpoints.queue study.yaml``."""

import os
import sys

from checkpoints.console import run_command
from checkpoints.runs.queue import Settings
from checkpoints.runs.queue import main as work


def main(settings: Settings) -> None:
    """Work, and end with 75 where something is left: an engine then calls again."""
    if work(settings):
        sys.exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints.queue")
