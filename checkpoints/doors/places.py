"""Where what is shipped lies: in a clone, or where the packages are installed."""

import contextlib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _near(path: Path) -> Path:
    """As it is called from the folder that the command is started in."""
    with contextlib.suppress(ValueError, OSError):
        return path.relative_to(Path.cwd())
    return path


def _declared(name: str) -> Path:
    """A study that is shipped, such as ``study.yaml``: beside the packages, or among them."""
    own = ROOT / name
    return _near(own if own.exists() else ROOT / "checkpoints" / "runs" / name)


TABLES = _near(ROOT / "analysis" / "tables")
STUDY, SECOND = map(_declared, ("study.yaml", "study-second.yaml"))
POLICIES = _near(ROOT / "checkpoints" / "zoo")
DRAWN = Path("results/figures" if TABLES.is_absolute() else "figures/out")
"""Where figures of the shipped tables go: beside them in a clone."""
