"""Ray Tune's questions are answered by the memory, and what happens is told to it once."""

from types import SimpleNamespace

import pytest
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from tests.toy_trials import new_memory
from tune.bridge import Ends, GoesOn, Suggestions
from tune.faults import Faults
from tune.history.disk import FullDisk
from tune.history.nodes import Nodes
from tune.stalls import Stalls

REPORT = {
    "dice_case_mean": 0.1,
    "best_dice_case_mean": 0.1,
    "best_epoch": 1,
    "missed": 0,
    "folds": 1,
    "cases": [],
    "node": "here",
}
HERE = {"node": "here", "node_id": "a"}


class World:
    """A search's parts, on nodes that a test may change."""

    def __init__(self, tmp_path):
        self.memory = new_memory(tmp_path, trials=3, epochs=2)
        self.living, self.room, self.left, self.is_up = {"a"}, 3, [], False
        self.nodes, self.disk = Nodes(chances=0), FullDisk(tmp_path)
        self.faults = Faults(self.memory, self.nodes, self.disk, lambda: self.living)
        self.stalls = Stalls("auto")
        self.suggestions = Suggestions(
            self.memory,
            faults=self.faults,
            nodes=self.nodes,
            disk=self.disk,
            room=lambda: self.room,
            living=lambda: self.living,
            time_is_up=lambda: self.is_up,
        )
        self.ends = Ends(
            self.memory,
            self.faults,
            self.stalls,
            lambda: self.left.append(self.memory.ended),
            lambda: self.is_up,
        )
        scheduler = GoesOn(self.memory, self.nodes, cpus=2, gpus=0.5, time_is_up=lambda: self.is_up)
        self.decide = scheduler.on_trial_result

    def ask(self):
        return self.suggestions.suggest("x")

    def records(self):
        return self.memory.records


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def trial(number, **last):
    return SimpleNamespace(
        config={"number": number}, last_result=last, error_file=None, trial_id=f"t{number}"
    )


def test_no_more_trials_are_handed_out_than_there_is_room_for(world):
    world.room = 1
    assert world.ask()["number"] == 0
    assert world.ask() is None
    world.room = 2  # a node has joined
    assert world.ask()["number"] == 1
    world.memory.end(0)
    assert world.ask()["number"] == 2
    assert world.ask() is None  # those that run may yet be handed out again
    world.memory.end(1)
    world.memory.end(2)
    assert world.ask() == Searcher.FINISHED


def test_a_cluster_without_room_is_shown_what_is_wanted(world):
    world.room, world.living = 0, set()
    assert world.ask()["number"] == 0


def test_values_of_a_suggestion_are_the_memorys(world):
    assert world.ask() == {"number": 0, "values": world.records()[0].values, "avoided": []}


def test_trials_go_on_as_the_memory_says_and_extra_results_are_left_out(world):
    world.ask()
    result = REPORT | {"epoch": 1, "pid": 7, "config": {}, "node_id": "a"}
    assert world.decide(None, trial(0), result) == TrialScheduler.CONTINUE
    assert world.records()[0].reports == {1: REPORT | {"epoch": 1}}
    world.records()[0].early = "behind"
    assert world.decide(None, trial(0), result) == TrialScheduler.STOP


def test_the_begin_of_an_attempt_is_no_epoch(world):
    world.ask()
    begun = REPORT | HERE | {"epoch": 0}
    assert world.decide(None, trial(0), begun) == TrialScheduler.CONTINUE
    assert world.records()[0].reports == {}
    (stint,) = world.records()[0].stints
    assert (stint.node, stint.cpus, stint.gpus) == ("here", 2, 0.5)


def test_a_failure_is_no_epoch(world):
    world.ask()
    failed = HERE | {"epoch": 0, "failed": "damaged shard", "cause": "trial"}
    assert world.decide(None, trial(0), failed) == TrialScheduler.CONTINUE
    assert world.records()[0].reports == {}


def test_ends_are_told_with_their_reason_and_results_left_after(world):
    for _ in range(3):
        world.ask()
    world.ends.on_step_end(0, [])
    world.memory.report(0, REPORT | {"epoch": 1})  # a training may end by its --patience
    world.ends.on_trial_complete(0, [], trial(0, epoch=1))
    poor = HERE | {"failed": "the loss is nan", "cause": "settings"}
    world.ends.on_trial_complete(0, [], trial(1, **poor))
    assert world.left == []
    world.ends.on_step_end(0, [])
    world.ends.on_step_end(0, [])
    assert world.left == [2]
    known = HERE | {"failed": "lung_001.tar is damaged", "cause": "trial"}
    world.ends.on_trial_complete(0, [], trial(2, **known))
    records = world.records().values()
    assert [record.status for record in records] == ["ended early", "failed", "failed"]
    assert [record.reason for record in records] == [
        "",
        "the loss is nan",
        "lung_001.tar is damaged",
    ]
    assert [record.poor for record in records] == [False, True, False]


def test_a_process_that_ended_is_followed_by_others_and_its_last_line_is_the_reason(
    world, tmp_path
):
    file = tmp_path / "error.txt"
    file.write_text("Failure # 1\nTraceback\n  x\n\x1b[31mActorDied: \x1b[0mexit code 9\n\n")
    gone = trial(0, **HERE)
    gone.error_file = str(file)
    for _ in range(4):
        assert world.records().get(0, SimpleNamespace(status=None)).status is None
        assert world.ask()["number"] == 0
        world.ends.on_trial_error(0, [], gone)
    assert world.records()[0].status == "failed"
    assert world.records()[0].reason == "ActorDied: exit code 9"


def test_memory_is_named_where_ray_ended_a_trial_for_want_of_it(world, tmp_path):
    file = tmp_path / "error.txt"
    file.write_text("ray.exceptions.OutOfMemoryError: Task was killed\nRefer to the documentation")
    gone = trial(0, **HERE)
    gone.error_file = str(file)
    world.ask()
    world.decide(None, trial(0), REPORT | HERE | {"epoch": 0})
    world.ends.on_trial_error(0, [], gone)
    assert "memory of its node did not suffice" in world.records()[0].stints[0].fault


def test_a_trial_that_was_given_up_without_a_word_has_a_reason(world):
    for _ in range(4):
        world.ask()
        world.ends.on_trial_error(0, [], trial(0))
    assert world.records()[0].reason == "its process ended"


def test_a_search_whose_only_node_is_set_aside_gives_up_and_loses_nothing(world):
    world.ask()
    world.ends.on_trial_error(0, [], trial(0, **HERE, failed="no shards there", cause="node"))
    assert world.ask() == Searcher.FINISHED
    assert world.suggestions.gave_up
    assert world.nodes.story == "node here: no shards there"
    assert world.records()[0].status is None
    assert world.memory.left == 3


def test_a_full_disk_pauses_the_search(world, monkeypatch):
    full = [True]
    monkeypatch.setattr("tune.history.disk.has_room", lambda _: not full[0])
    monkeypatch.setattr("tune.history.disk._EVERY_S", 0.0)
    world.ask()
    world.ends.on_trial_error(0, [], trial(0, **HERE, failed="full", cause="full disk"))
    assert world.ask() is None
    full[0] = False
    assert world.ask()["number"] == 0
    assert not world.nodes.aside


def test_when_the_time_is_up_trials_are_cut_off_and_none_has_ended(world):
    for _ in range(2):
        world.ask()
    world.is_up = True
    result = REPORT | HERE | {"epoch": 1}
    assert world.decide(None, trial(0), result) == TrialScheduler.STOP
    world.ends.on_trial_complete(0, [], trial(0, **result))
    assert world.decide(None, trial(1), result | {"epoch": 2}) == TrialScheduler.STOP
    world.ends.on_trial_complete(0, [], trial(1, **result))
    assert [record.status for record in world.records().values()] == [None, "finished"]
    assert world.ask() == Searcher.FINISHED
