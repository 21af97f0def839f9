"""Who trains together: the processes that this one starts, or those that a launcher started."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment

from cluster.interface import listen_where_others_reach
from cluster.ports import free_port
from lungseg.errors import TrainingError
from lungseg.options.run import RunOptions
from shards.console.words import counted

_INTERACTIVE = ("bash", "interactive")  # one task of Slurm, with a shell in it


class OwnProcesses(LightningEnvironment):
    """Those of this machine that the training starts itself."""

    @property
    def main_port(self) -> int:
        """Where they meet: the first one chooses, and the others are told."""
        if self._main_port == -1 and "MASTER_PORT" not in os.environ:
            self._main_port = free_port()
        return super().main_port


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """The ranks of a training, as Lightning counts them.

    Attributes:
        environment: Tells each rank who it is.
        nodes: Number of nodes.
        devices: Of each node.
        here: Ranks on this machine; None: one for each of its devices.
        launched: Whether a launcher started several, and they are to watch over each other.
        asked: The signal that who runs the ranks has had; 0 for none.
    """

    environment: ClusterEnvironment
    nodes: int = 1
    devices: int | Literal["auto"] = "auto"
    here: int | None = None
    launched: bool = False
    asked: Callable[[], int] = lambda: 0

    @property
    def alone(self) -> bool:
        """Whether one process trains, as far as it is known here."""
        return self.nodes == 1 and self.devices in (1, "auto")

    @property
    def of_this_command(self) -> bool:
        """Whether no launcher or gang runs the ranks, which may begin them anew elsewhere."""
        return isinstance(self.environment, OwnProcesses)


def world_of(run: RunOptions) -> World:
    """The world that the options ask for, which one that a launcher started must equal.

    Args:
        run: `--nodes` and `--devices`.

    Raises:
        TrainingError: If a launcher started another one, or none started that of several nodes.
    """
    started = _started()
    if started is None:
        if run.nodes > 1:
            raise TrainingError(
                f"--nodes {run.nodes} needs who starts this command on each of them: torchrun, "
                "srun, or a Ray cluster by --address"
            )
        return World(environment=OwnProcesses(), devices=run.devices)
    nodes, per_node = started.nodes, started.processes / started.nodes
    if nodes != run.nodes or run.devices not in ("auto", per_node) or per_node % 1:
        raise TrainingError(
            f"{started.by} started {started.processes} of this training on "
            f"{counted(nodes, 'node')}, and a training of --nodes {run.nodes} --devices "
            f"{run.devices} has one process for each device: give --nodes and --devices as "
            f"{started.by} was told, or tell it {started.how.format(*_asked(run))}"
        )
    environment = started.environment()
    if nodes > 1:
        listen_where_others_reach(environment.main_address)
    return World(
        environment=environment,
        nodes=nodes,
        devices=int(per_node),
        launched=started.processes > 1,
    )


def check_not_launched(what: str) -> None:
    """Refuse several processes where the first one starts trainings itself.

    Args:
        what: Option that does so.

    Raises:
        TrainingError: If a launcher started several.
    """
    started = _started()
    if started is not None and started.processes > 1:
        raise TrainingError(
            f"{started.by} started {started.processes} of this command, and {what} starts its "
            "trainings itself: start it once"
        )


@dataclass(frozen=True, kw_only=True)
class _Started:
    by: str
    how: str
    nodes: int
    processes: int
    environment: Callable[[], ClusterEnvironment]


def _started() -> _Started | None:
    """What a launcher started; None where this process is the first one of its training."""
    if TorchElasticEnvironment.detect():
        processes = int(os.environ["WORLD_SIZE"])
        return _Started(
            by="torchrun",
            how="--nnodes {} --nproc-per-node {}",
            nodes=processes // int(os.environ["LOCAL_WORLD_SIZE"]),
            processes=processes,
            environment=TorchElasticEnvironment,
        )
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS") or 0)
    if not tasks or (tasks == 1 and os.environ.get("SLURM_JOB_NAME") in _INTERACTIVE):
        return None
    return _Started(
        by="srun",
        how="--nodes {} --ntasks-per-node {}",
        nodes=int(os.environ.get("SLURM_STEP_NUM_NODES") or 1),
        processes=tasks,
        environment=_of_srun,
    )


def _of_srun() -> ClusterEnvironment:
    """Lightning's, except that the training itself answers to signals."""
    return SLURMEnvironment(auto_requeue=False)


def _asked(run: RunOptions) -> tuple[int, int]:
    return run.nodes, 1 if run.devices == "auto" else run.devices
