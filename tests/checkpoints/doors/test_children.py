"""Processes side by side: order, faults, Ctrl-C, and a parent that is gone."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from checkpoints.console import UserError
from checkpoints.doors.children import side_by_side
from tests.support.patience import PATIENCE, until
from tests.support.tree import ROOT

CORES = len(os.sched_getaffinity(0))
several = pytest.mark.skipif(CORES < 2, reason="one core: one process")
WAITING = """
import sys
from functools import partial
from pathlib import Path
from checkpoints.doors.children import side_by_side
from tests.checkpoints.doors.test_children import wait
if __name__ == "__main__":
    list(side_by_side(partial(wait, Path(sys.argv[1])), range(4)))
"""


def place(item: int) -> tuple[int, int]:
    return item, os.getpid()


def trouble(folder: Path, item: int) -> int:
    (folder / str(item)).touch()
    if item == 0:
        raise UserError(f"expected another item, got {item}")
    time.sleep(0.2)
    return item


def wait(folder: Path, item: int) -> None:
    (folder / f"{os.getpid()}").touch()
    time.sleep(600)


@several
def test_items_come_in_their_order_from_other_processes():
    found = list(side_by_side(place, range(5)))
    assert [item for item, _ in found] == list(range(5))
    assert os.getpid() not in {process for _, process in found}


def test_a_single_item_stays_in_this_process():
    assert list(side_by_side(place, [7])) == [(7, os.getpid())]


@several
def test_a_fault_comes_through_and_what_has_not_begun_is_left(tmp_path):
    with pytest.raises(UserError, match="expected another item, got 0"):
        list(side_by_side(partial(trouble, tmp_path), range(200)))
    assert len(list(tmp_path.iterdir())) < 200


@several
def test_processes_are_deaf_to_ctrl_c_and_end_with_their_parent(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", WAITING, str(tmp_path)], cwd=ROOT)
    until(lambda: len(list(tmp_path.iterdir())) >= 2, "two processes")
    children = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
    assert len(children) >= 2
    for child in children:
        child.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert all(child.is_running() for child in children)
    parent.kill()
    parent.wait(PATIENCE)
    assert not psutil.wait_procs(children, timeout=PATIENCE)[1]
