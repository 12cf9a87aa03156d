"""Running the page's own code without a browser."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.patience import PATIENCE
from tests.support.tree import ROOT

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is missing: apt-get install nodejs")


def ask(script: Path, request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Hand a request to a script and read its answer."""
    file = folder / "request.json"
    file.write_text(json.dumps(request))
    done = subprocess.run(
        [str(NODE), script, file], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
