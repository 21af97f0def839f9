"""What is the node's fault is not the trial's: nothing is lost to a broken node."""

import itertools

import pytest

from tests.toy_trials import new_memory
from tune.faults import Faults
from tune.history.disk import FullDisk
from tune.history.fault import Fault
from tune.history.nodes import Node, Nodes

A, B, C = (Node(id=name, name=f"host-{name}") for name in "abc")


class World:
    def __init__(self, tmp_path, trials):
        self.memory = new_memory(tmp_path, trials=trials, epochs=1)
        self.nodes = Nodes(clock=lambda: 0.0)
        self.living = {"a", "b", "c"}
        self.faults = Faults(self.memory, self.nodes, FullDisk(tmp_path), lambda: self.living)

    def finish(self, number, node):
        self.nodes.works(node)
        self.memory.report(number, {"epoch": 1, "best_dice_case_mean": 0.5})
        self.memory.end(number)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, trials=8)


def test_of_three_hosts_one_without_shards_and_one_that_raises_no_trial_is_lost(world):
    """Trials are placed in turn on every node that they do not avoid."""
    turns = itertools.cycle([A, B, C])
    placed = {"a": 0, "b": 0, "c": 0}
    while (record := world.memory.next()) is not None:
        avoided = world.faults.avoided(record.number)
        node = next(node for node in turns if node.id not in avoided)
        placed[node.id] += 1
        if node == A:
            world.faults.judge(record.number, Fault(cause="node", reason="no shards"), node)
        elif node == B:
            world.faults.judge(record.number, Fault(cause="process", reason="CUDA error"), node)
        else:
            world.finish(record.number, node)
    assert {record.status for record in world.memory.records.values()} == {"finished"}
    assert len(world.memory.records) == 8
    assert placed == {"a": 1, "b": 3, "c": 8}
    assert world.nodes.story == "node host-a: no shards; node host-b: CUDA error"


def test_settings_are_to_blame_at_once_and_no_node_is(world):
    world.memory.next()
    world.faults.judge(0, Fault(cause="settings", reason="the loss is nan"), A)
    assert (world.memory.records[0].status, world.memory.records[0].poor) == ("failed", True)
    for number in (1, 2, 3):
        world.memory.next()
        world.faults.judge(number, Fault(cause="settings", reason="the loss is nan"), A)
    assert not world.nodes.aside


def test_a_known_failure_is_tried_once_on_every_node(world):
    world.memory.next()
    for node, avoided in ((A, {"a"}), (B, {"a", "b"})):
        world.faults.judge(0, Fault(cause="trial", reason="damaged"), node)
        assert world.memory.records[0].status is None
        assert world.faults.avoided(0) == avoided
        assert world.memory.next().number == 0
    world.faults.judge(0, Fault(cause="trial", reason="damaged"), C)
    assert world.memory.records[0].status == "failed"
    assert not world.nodes.aside


def test_a_node_that_left_is_no_fault_of_the_trial(world):
    world.living = {"b"}
    for _ in range(10):
        world.memory.next()
        world.faults.judge(0, Fault(cause="process", reason="node died"), A)
    assert world.memory.records[0].status is None
    assert not world.nodes.aside


def test_a_failed_trial_teaches_the_searcher_nothing(world):
    for _ in range(4):
        world.memory.next()
        world.faults.judge(0, Fault(cause="memory", reason="no memory"), A)
    assert world.memory.records[0].reason == "no memory"
    assert world.memory._study._study.trials[0].state.name == "FAIL"
