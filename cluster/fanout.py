"""A function on many tasks, spread over a Ray cluster: few in flight, small results, all told."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import ray

from cluster.resources import Resources, nodes, side_by_side
from cluster.session import session

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

ONE_CPU = Resources(cpus=1)

_RETRIES = 3
_IN_FLIGHT = 2  # for each that has room, so that an autoscaler sees the demand
_COUNT_AGAIN_S = 1.0  # nodes join and leave while the tasks run


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Stands for the result of a task whose workers died time after time.

    Attributes:
        reason: What Ray says of the last one.
    """

    reason: str

    def __str__(self) -> str:
        """What happened, for people."""
        return f"its worker died {_RETRIES + 1} times ({self.reason})"


def fan_out(
    function: Callable[[TaskT], ResultT],
    tasks: Sequence[TaskT],
    *,
    address: str,
    memory_bytes: int,
    each: Resources = ONE_CPU,
) -> Iterator[tuple[int, ResultT | Lost]]:
    """Yield every task's position and result, as they are done.

    A task whose worker or node dies is tried again. CPUs and GPUs are counted anew all the
    time, so that nodes which join late work too. Leaving the generator early cancels what is under
    way.

    Args:
        function: Importable on every node; an exception in it ends the run and is raised here.
        tasks: What to call it with; picklable.
        address: Of the cluster; `auto` for the one that this machine belongs to, `local` to start
            one here.
        memory_bytes: What a task may need, for Ray's planning.
        each: CPUs and GPUs of a task.

    Yields:
        (position in `tasks`, result).

    Raises:
        ConnectionError: If there is no such cluster.
    """
    with session(address):
        remote = ray.remote(
            num_cpus=each.cpus,
            num_gpus=each.gpus,
            memory=memory_bytes,
            max_retries=_RETRIES,
            retry_exceptions=False,
        )(function)
        waiting = deque(range(len(tasks)))
        flying: dict[Any, int] = {}
        try:
            while waiting or flying:
                window = _window(each)
                while waiting and len(flying) < window:
                    position = waiting.popleft()
                    flying[remote.remote(tasks[position])] = position
                done, _ = ray.wait(list(flying), num_returns=1, timeout=_COUNT_AGAIN_S)
                for reference in done:
                    yield flying.pop(reference), _result(reference)
        finally:
            for reference in flying:
                ray.cancel(reference, force=True)


def _window(each: Resources) -> int:
    """Tasks in flight on the cluster as it is now; as if it had room for one while it has none."""
    return _IN_FLIGHT * max(1, side_by_side(nodes(), each))


def _result(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        return Lost(reason=" ".join(str(error).split())[:300])
