"""A node on which trial after trial fails is set aside; one that works is not."""

import pytest

from tune.history.nodes import Node, Nodes

NODE = Node(id="a", name="host-a")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def fail(nodes, trial, *, any_trial=False, node=NODE):
    nodes.fails(node, trial, f"reason {trial}", any_trial=any_trial)


def test_three_different_trials_in_a_row_set_a_node_aside():
    nodes = Nodes()
    for trial in (0, 0, 0, 1):
        fail(nodes, trial)
    assert not nodes.aside
    fail(nodes, 2)
    assert nodes.aside == {"a"}
    assert nodes.story == "node host-a: reason 2"


def test_an_epoch_between_clears_a_node():
    nodes = Nodes()
    fail(nodes, 0)
    fail(nodes, 1)
    nodes.works(NODE)
    fail(nodes, 2)
    fail(nodes, 3)
    assert not nodes.aside


def test_a_node_that_can_run_no_trial_is_set_aside_at_once_and_named(caplog):
    nodes = Nodes()
    fail(nodes, 0, any_trial=True)
    assert nodes.aside == {"a"}
    assert caplog.messages == ["node host-a is set aside: reason 0"]


def test_there_is_a_node_to_try_while_one_is_not_set_aside():
    nodes = Nodes(chances=0)
    fail(nodes, 0, any_trial=True)
    assert nodes.outlook({"a", "b"}) == "free"
    assert nodes.outlook({"a"}) == "none"
    assert nodes.outlook(set()) == "free"


@pytest.mark.parametrize("chances", [1, 2])
def test_all_nodes_are_tried_again_after_a_rest_so_often(chances):
    clock = Clock()
    nodes = Nodes(chances=chances, clock=clock)
    for _ in range(chances):
        fail(nodes, 0, any_trial=True)
        assert nodes.outlook({"a"}) == "wait"
        clock.now += 61
        assert nodes.outlook({"a"}) == "free"
        assert not nodes.aside
    fail(nodes, 0, any_trial=True)
    assert nodes.outlook({"a"}) == "none"
    nodes.works(NODE)
    fail(nodes, 0, any_trial=True)
    assert nodes.outlook({"a"}) == "wait"
