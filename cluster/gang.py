"""A function on several ranks at once, each in a process of its own: if one is lost, all end."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import ray
from ray.util.placement_group import PlacementGroup
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from cluster.lost_rank import SILENT_S, LostRankError, answer_of, said_of_loss
from cluster.rank import Place, Rank, Seat
from cluster.resources import Resources

_PREPARED_S = 300.0  # a cold start may read gigabytes of libraries from shared storage
_LOOK_S = 0.5
_GRACE_S = 3.0  # for the loss that an error in another rank may come from

Function = Callable[[Any, Rank], Any]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many ranks there are, and where.

    Attributes:
        nodes: Number of nodes, each another.
        per_node: Ranks on each of them.
        rank: What one rank takes.
    """

    nodes: int
    per_node: int
    rank: Resources

    @property
    def node(self) -> Resources:
        """What all ranks of a node take together."""
        return Resources(cpus=self.rank.cpus * self.per_node, gpus=self.rank.gpus * self.per_node)


class NoRoomError(Exception):
    """The cluster has no room for the ranks."""


class Gang:
    """Ranks that stand ready to run functions together, until the block ends.

    Nothing of them is left after it: a rank ends with its driver, and where the two cannot hear
    each other any more, by itself.

    Args:
        shape: How many ranks, and where.
        function: What they will run, importable on every node.
        wait_s: Longest wait for room.
        room: Placement group with a bundle for each node, which outlasts the ranks; else they have
            one of their own.
        imports: Names of modules that the function imports, for the ranks to have them before it
            runs: while something large is imported, a rank is silent.

    Raises:
        NoRoomError: If there is none.
        LostRankError: If a rank does not start.
    """

    def __init__(
        self,
        shape: Shape,
        function: Function,
        *,
        wait_s: float,
        room: PlacementGroup | None = None,
        imports: Sequence[str] = (),
    ) -> None:
        self._shape = shape
        self._seats: list[Any] = []
        self._owns_room = room is None
        self._group = room or _group(shape)
        try:
            if not self._group.wait(wait_s):
                raise NoRoomError(f"no room within {wait_s:.0f} s")
            self._seats = [self._seat(i // shape.per_node) for i in range(self.size)]
            preparing = [seat.prepare.remote(function, imports) for seat in self._seats]
            self._hosts = [_prepared(number, host) for number, host in enumerate(preparing)]
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Number of ranks."""
        return self._shape.nodes * self._shape.per_node

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all ranks and give their room back."""
        for seat in self._seats:
            ray.kill(seat)
        if self._owns_room:
            ray.util.remove_placement_group(self._group)

    def is_whole(self) -> bool:
        """Whether all ranks answer; asked while none of them runs anything."""
        try:
            ray.get([seat.free_port.remote() for seat in self._seats], timeout=SILENT_S)
        except ray.exceptions.RayError:
            return False
        return True

    def run(
        self,
        argument: Any,
        *,
        hear: Callable[[int, Any], None] = lambda *_: None,
        asked: Callable[[], Any] = lambda: 0,
    ) -> Any:
        """Run the function on all ranks.

        Args:
            argument: Its first argument; the second one is the rank.
            hear: Called with what a rank tells, and its number.
            asked: What the ranks are asked for, as `Rank.asked` has it.

        Returns:
            What rank 0 returned.

        Raises:
            LostRankError: If a rank died or fell silent; it names it.
            Exception: What the function raised first, on any rank.
        """
        return _Run(self._seats, self._hosts, hear, asked).result(self._places(), argument)

    def _seat(self, bundle: int) -> Any:
        where = PlacementGroupSchedulingStrategy(self._group, placement_group_bundle_index=bundle)
        rank = self._shape.rank
        seat = ray.remote(concurrency_groups={Seat.LINE: 1})(Seat)
        return seat.options(
            num_cpus=rank.cpus, num_gpus=rank.gpus, max_restarts=0, scheduling_strategy=where
        ).remote()

    def _places(self) -> list[Place]:
        port = answer_of(self._seats[0].free_port.remote(), 0, self._hosts[0])
        return [
            Place(
                number=number,
                size=self.size,
                per_node=self._shape.per_node,
                address=self._hosts[0],
                port=port,
            )
            for number in range(self.size)
        ]


class _Run:
    """One run of the function on all ranks, and the line to each of them."""

    def __init__(
        self,
        seats: list[Any],
        hosts: list[str],
        hear: Callable[[int, Any], None],
        asked: Callable[[], Any],
    ) -> None:
        self._seats, self._hosts, self._hear, self._asked = seats, hosts, hear, asked
        self._running: dict[Any, int] = {}
        self._lines: dict[Any, int] = {}
        self._heard = dict.fromkeys(range(len(seats)), time.monotonic())
        self._error: Exception | None = None
        self._result: Any = None

    def result(self, places: list[Place], argument: Any) -> Any:
        """Run it to its end."""
        for number, place in enumerate(places):
            self._running[self._seats[number].run.remote(argument, place)] = number
            self._listen(number)
        until = float("inf")
        while self._running and time.monotonic() < until:
            before = time.monotonic()
            self._look()
            self._check_silence(since=before)
            if self._error is not None:
                until = min(until, before + _GRACE_S)
        if self._error is not None:
            raise self._error
        self._hear_last_news()
        return self._result

    def _listen(self, number: int) -> None:
        self._lines[self._seats[number].listen.remote(self._asked())] = number

    def _look(self) -> None:
        done, _ = ray.wait([*self._running, *self._lines], timeout=_LOOK_S)
        for reference in done:
            if reference in self._lines:
                self._listen(self._take_news(reference))
            else:
                self._take_end(reference)

    def _take_news(self, reference: Any) -> int:
        """Hear what a rank has told; its number."""
        number = self._lines.pop(reference)
        for news in answer_of(reference, number, self._hosts[number]):
            self._hear(number, news)
        self._heard[number] = time.monotonic()
        return number

    def _take_end(self, reference: Any) -> None:
        number = self._running.pop(reference)
        try:
            result = answer_of(reference, number, self._hosts[number])
        except ray.exceptions.RayTaskError as error:
            self._error = self._error or error.cause
        else:
            self._result = result if number == 0 else self._result

    def _check_silence(self, *, since: float) -> None:
        """Who has not answered; after a pause of this process itself, all get a new chance."""
        now = time.monotonic()
        if now - since > SILENT_S / 2:
            self._heard = dict.fromkeys(self._heard, now)
        silent = [n for n, heard in self._heard.items() if now - heard > SILENT_S]
        if silent:
            who = ", ".join(f"rank {number} on {self._hosts[number]}" for number in silent)
            have = "has" if len(silent) == 1 else "have"
            raise LostRankError(f"{who} {have} been silent for {SILENT_S:.0f} s")

    def _hear_last_news(self) -> None:
        """What was told before the end; there is a result already, whoever is lost now."""
        with contextlib.suppress(LostRankError):
            self._hear_all_once_more()

    def _hear_all_once_more(self) -> None:
        for reference in list(self._lines):
            self._take_news(reference)
        for number in range(len(self._seats)):
            self._listen(number)
        for reference in list(self._lines):
            self._take_news(reference)


def _prepared(number: int, host: Any) -> str:
    """Wait until a rank has imported what it will run; its host."""
    try:
        return str(ray.get(host, timeout=_PREPARED_S))
    except (ray.exceptions.RayActorError, ray.exceptions.GetTimeoutError) as error:
        raise LostRankError(f"rank {number} did not start ({said_of_loss(error)})") from error


def _group(shape: Shape) -> PlacementGroup:
    of_node = {"CPU": shape.node.cpus, "GPU": shape.node.gpus}
    spread = "STRICT_SPREAD" if shape.nodes > 1 else "PACK"
    return ray.util.placement_group([of_node] * shape.nodes, strategy=spread)
