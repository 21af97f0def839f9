"""What a failed attempt means for its trial, for its node and for the search."""

from collections.abc import Callable, Set

from tune.history.disk import FullDisk
from tune.history.fault import Fault
from tune.history.memory import Memory
from tune.history.nodes import Node, Nodes

_ATTEMPTS = 4


class Faults:
    """Decides by cause whether a trial is tried again, and where.

    Args:
        memory: Of the search.
        nodes: Which are set aside.
        disk: Of the search's folder.
        living: Ids of the nodes that have room for a trial; asked again and again.
    """

    def __init__(
        self, memory: Memory, nodes: Nodes, disk: FullDisk, living: Callable[[], Set[str]]
    ) -> None:
        self._memory, self._nodes, self._disk, self._living = memory, nodes, disk, living
        self._tries: dict[int, int] = {}
        self._failed_on: dict[int, set[str]] = {}

    def avoided(self, number: int) -> Set[str]:
        """Ids of the nodes on which a trial is not to run."""
        return self._nodes.aside | self._failed_on.get(number, set())

    def judge(self, number: int, fault: Fault, node: Node | None) -> None:
        """Take note of a failed attempt.

        Args:
            number: Of the trial.
            fault: Why it failed.
            node: Where; None where the attempt ended before it could say.
        """
        self._memory.fail(number, fault, again=self._again(number, fault, node))

    def _again(self, number: int, fault: Fault, node: Node | None) -> bool:
        if fault.cause == "settings":
            return False
        if fault.cause == "full disk":
            self._disk.noticed()
            return True
        if node is None or node.id not in self._living():  # the node has left, the trial is sound
            return node is not None or self._tried(number)
        self._nodes.fails(node, number, fault.reason, any_trial=fault.cause == "node")
        if fault.cause == "node":
            return True
        if fault.cause == "trial":  # it would fail there again
            self._failed_on.setdefault(number, set()).add(node.id)
            return bool(self._living() - self.avoided(number))
        return self._tried(number)

    def _tried(self, number: int) -> bool:
        self._tries[number] = self._tries.get(number, 0) + 1
        return self._tries[number] < _ATTEMPTS
