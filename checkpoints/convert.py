"""Policies trained elsewhere, as Twinscope policies: ``python -m checkpoints.convert FILE ID``."""

from checkpoints.console import run_command
from checkpoints.runs.converting import Settings, main

if __name__ == "__main__":
    run_command(main, Settings, name="python -m checkpoints.convert")
