"""A real Slurm of several hosts on one machine: munged, slurmctld and a slurmd on each host."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.hosts import Hosts
from tests.hosts import missing as missing_hosts
from tests.waiting import wait_until

_DAEMONS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")

_CONFIG = """
ClusterName=lab
SlurmctldHost=h1
AuthType=auth/munge
AuthInfo=socket=/run/munge.socket
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir=/run/spool
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0
MpiDefault=none
ReturnToService=2
KillWait=10
MinJobAge=3600
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no such Slurm here; empty where there can."""
    absent = [name for name in _DAEMONS if shutil.which(name) is None]
    if absent:
        return (
            f"a real Slurm needs {', '.join(absent)} (Debian: slurmctld slurmd slurm-client munge)"
        )
    return missing_hosts()


class Slurm:
    """A Slurm that runs.

    Args:
        hosts: Its hosts; jobs are submitted on the first.
        folder: For what commands say.
    """

    def __init__(self, hosts: Hosts, folder: Path):
        self.hosts = hosts
        self._folder = folder
        self._environment = {"SLURM_CONF": str(folder / "slurm.conf")}

    def run(self, *words: object, timeout: float = 200) -> str:
        """Run a command of Slurm on the first host; what it said."""
        log = self._folder / "said.log"
        done = self.hosts.start("h1", words, log=log, environment=self._environment)
        code = done.wait(timeout=timeout)
        assert code == 0, f"{words}: {log.read_text()}"
        return log.read_text().strip()

    def submit(self, *words: object) -> str:
        """Submit a batch script; the job's number."""
        return self.run("sbatch", "--parsable", *words)

    def state(self, job: str) -> dict[str, str]:
        """What `scontrol show job` says, by name."""
        said = self.run("scontrol", "--oneliner", "show", "job", job)
        return dict(word.split("=", 1) for word in said.split() if "=" in word)

    def ended(self, job: str, *, timeout: float) -> dict[str, str]:
        """Wait for a job's end; its state."""
        going = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")
        wait_until(
            lambda: self.state(job)["JobState"] not in going,
            lambda: f"the job's end, {self.state(job)}",
            seconds=timeout,
            every_s=1,
        )
        return self.state(job)


@contextlib.contextmanager
def slurm_hosts(folder: Path, count: int, *, cpus: int) -> Iterator[Slurm]:
    """Hosts with a Slurm of their own.

    Args:
        folder: For its files and what it says, the same for all hosts.
        count: Hosts; the first is the controller too.
        cpus: Processors that each host says it has.
    """
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(bytes(range(64)))
    key.chmod(0o400)
    with Hosts(folder, count) as hosts:
        nodes = [
            f"NodeName={name} NodeAddr={address} CPUs={cpus} Boards=1 SocketsPerBoard=1 "
            f"CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory=4000"
            for name, address in hosts.addresses.items()
        ]
        config = folder / "slurm.conf"
        config.write_text(_CONFIG.format(folder=folder, nodes="\n".join(nodes)))
        for name in hosts.names:
            munged = f"munged --foreground --force --key-file={key} --socket=/run/munge.socket"
            for kind in ("pid", "seed", "log"):
                munged += f" --{kind}-file=/run/munged.{kind}"
            boot = [f"{munged} &", "sleep 0.5"]
            if name == "h1":
                boot.append("slurmctld -D &")
            boot += [f"mkdir -p /run/spool; slurmd -D -N {name}"]
            hosts.start(
                name,
                ["bash", "-c", "\n".join(boot)],
                log=folder / f"{name}-slurm.log",
                environment={"SLURM_CONF": str(config)},
            )
        slurm = Slurm(hosts, folder)
        _await_idle(slurm, count)
        yield slurm


def _await_idle(slurm: Slurm, count: int) -> None:
    def idle() -> bool:
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            states = slurm.run("sinfo", "--noheader", "--Node", "--format=%t").split()
            return states == ["idle"] * count
        return False

    wait_until(idle, lambda: f"all nodes idle: {slurm.run('sinfo')}", every_s=0.5)
