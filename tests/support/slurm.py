"""A Slurm of one node, started by hand in a folder: ``python -m tests.support.slurm FOLDER``.

Nothing outside the folder is touched, not even ``/etc/slurm``: Snakemake's plugin takes ``SLURM_*``
out of the environment, so commands of these names that say where the configuration lies stand
first on the ``PATH``.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo", "sacct", "sacctmgr")
# Time limits are exact, and what is told to stop has some seconds to save.
CONF = """
ClusterName=toy
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,defer_batch
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MinJobAge=300
KillWait=5
InactiveLimit=0
SlurmctldTimeout=60
SlurmdTimeout=60
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 State=UNKNOWN Gres=gpu:1
PartitionName=toy Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


class NoSlurm(Exception):
    """Slurm cannot be started here; the message says why."""


@dataclass(frozen=True)
class Slurm:
    """One that runs."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """For processes that are to find it."""
        return os.environ | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def ask(self, *command: str) -> str:
        """What a command such as ``squeue`` prints."""
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=30
        ).stdout


def _free_ports(count: int) -> list[int]:
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [holder.getsockname()[1] for holder in holders]
    for holder in holders:
        holder.close()
    return ports


def _write(folder: Path, cpus: int) -> None:
    for name in ("bin", "state", "spool"):
        (folder / name).mkdir(parents=True, mode=0o755)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o400)
    host = socket.gethostname().split(".")[0]
    (folder / "slurm.conf").write_text(
        CONF.format(folder=folder, host=host, ports=_free_ports(2), cpus=cpus)
    )
    (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
    for name in CLIENTS:
        path = shutil.which(name)
        if path is not None:
            command = folder / "bin" / name
            command.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {path} "$@"\n')
            command.chmod(0o755)


def _daemons(folder: Path) -> Iterator[list[str]]:
    yield [
        *("munged", "--force", "--foreground", f"--key-file={folder}/munge.key"),
        *(f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid"),
        *(f"--seed-file={folder}/munge.seed", f"--log-file={folder}/munged.log"),
    ]
    yield ["slurmctld", "-D", "-f", f"{folder}/slurm.conf"]
    yield ["slurmd", "-D", "-f", f"{folder}/slurm.conf"]


@contextmanager
def running(folder: Path, cpus: int = 2) -> Iterator[Slurm]:
    """Slurm in ``folder``, which is made, with one node of ``cpus`` cores; gone afterwards.

    Raises:
        NoSlurm: a program is missing, this is not root, or the node does not come up.
    """
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    missing = [name for name in (*DAEMONS, "sbatch", "squeue") if not shutil.which(name, path=path)]
    if missing:
        raise NoSlurm(f"{', '.join(missing)} not installed (Debian: slurm-wlm munge)")
    if os.getuid():
        raise NoSlurm("slurmd needs root to start jobs")
    _write(folder, cpus)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in _daemons(folder):
            out = (folder / f"{command[0]}.out").open("wb")
            with out:
                started.append(
                    subprocess.Popen(
                        command, stdout=out, stderr=out, env=os.environ | {"PATH": path}
                    )
                )
            time.sleep(0.3)
        slurm = Slurm(folder)
        _await_node(slurm, started)
        yield slurm
    finally:
        _clear(Slurm(folder))
        for daemon in reversed(started):
            daemon.send_signal(signal.SIGTERM)
        for daemon in started:
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _await_node(slurm: Slurm, started: list[subprocess.Popen[bytes]]) -> None:
    state = ""
    for _ in range(240):
        with suppress(subprocess.SubprocessError):
            state = slurm.ask("sinfo", "--noheader", "--format=%T").strip()
        if state == "idle":
            return
        ended = [one.args[0] for one in started if one.poll() is not None]  # type: ignore[index]
        if ended:
            said = (slurm.folder / f"{ended[0]}.out").read_text(errors="replace").strip()
            raise NoSlurm(f"{ended[0]} ended: {said[-300:]}")
        time.sleep(0.25)
    raise NoSlurm(f"its node did not come up in a minute: {state or 'no answer'}")


def _clear(slurm: Slurm) -> None:
    """Kill whatever jobs are left, which would outlive the daemons."""
    with suppress(subprocess.SubprocessError, FileNotFoundError):
        slurm.ask("scancel", "--signal=KILL", "--full", "--user", "root")
        slurm.ask("scancel", "--user", "root")
        for _ in range(40):
            if not slurm.ask("squeue", "--noheader").strip():
                break
            time.sleep(0.25)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with running(Path(sys.argv[1]).resolve()) as slurm:
        print(f"PATH={slurm.folder}/bin:$PATH", flush=True)
        signal.pause()
