"""CPUs and GPUs of one job, and how many such jobs run side by side on a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ray

_MOST_CPUS = 9  # a training and eight processes that read for it


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a node has, or a job takes.

    Attributes:
        cpus: Processors.
        gpus: GPUs; a job may take a fraction of one.
    """

    cpus: int
    gpus: float = 0.0


def nodes() -> list[Resources]:
    """What each living node of the joined cluster has."""
    return [_has(node) for node in ray.nodes() if node["Alive"]]


def nodes_with_room(job: Resources) -> set[str]:
    """Ray's ids of the living nodes of the joined cluster on which a job fits."""
    return {
        node["NodeID"] for node in ray.nodes() if node["Alive"] and _fitting(_has(node), job) > 0
    }


def await_room(job: Resources, *, wait_s: float) -> bool:
    """Wait until a job fits on a node of the joined cluster, which hears of it and may grow.

    Args:
        job: The job.
        wait_s: Longest wait in seconds.

    Returns:
        Whether there is room.
    """
    wanted = ray.util.placement_group([{"CPU": job.cpus, "GPU": job.gpus}])
    try:
        return bool(wanted.wait(wait_s))
    finally:
        ray.util.remove_placement_group(wanted)


def side_by_side(cluster: Sequence[Resources], job: Resources) -> int:
    """How many such jobs fit at a time; a job is never split between nodes."""
    return sum(_fitting(node, job) for node in cluster)


def job_resources(
    cluster: Sequence[Resources],
    *,
    jobs: int,
    cpus: int | Literal["auto"] = "auto",
    gpus: float | Literal["auto"] = "auto",
    parts: int = 1,
) -> Resources:
    """Decide what one of several equal jobs takes.

    Args:
        cluster: What each node has.
        jobs: How many jobs there are to run at a time, at most.
        cpus: Of one job; `auto`: the processors of a node, shared by the jobs that it can run.
        gpus: Of one job; `auto`: one for each part where the cluster has any.
        parts: Equal parts of one job, all on one node.

    Returns:
        CPUs and GPUs of one job, at least one CPU for each part, and equally many.
    """
    if gpus == "auto":
        gpus = float(parts * any(node.gpus >= 1 for node in cluster))
    hosts = [node for node in cluster if node.gpus >= gpus]
    each = _even_share(hosts, jobs, parts, gpus) if cpus == "auto" else max(1, cpus // parts)
    return Resources(cpus=each * parts, gpus=gpus)


def _even_share(hosts: Sequence[Resources], jobs: int, parts: int, gpus: float) -> int:
    """The largest number of CPUs per part with which as many jobs run at a time as with one."""
    with_one = min(jobs, side_by_side(hosts, Resources(cpus=parts, gpus=gpus)))
    for cpus in range(_MOST_CPUS, 1, -1):
        if min(jobs, side_by_side(hosts, Resources(cpus=cpus * parts, gpus=gpus))) == with_one > 0:
            return cpus
    return 1


def _fitting(node: Resources, job: Resources) -> int:
    by_cpu = node.cpus // job.cpus
    return min(by_cpu, int(node.gpus / job.gpus + 1e-9)) if job.gpus else by_cpu


def _has(node: dict[str, Any]) -> Resources:
    had = node["Resources"]
    return Resources(cpus=int(had.get("CPU", 0)), gpus=had.get("GPU", 0.0))
