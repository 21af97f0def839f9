"""Wherever cases are built, each has one outcome, and one that hangs is given up in time."""

import dataclasses
import threading
from types import SimpleNamespace

import pytest

import cluster.fanout
from ingest.job import engines
from ingest.job.engines import built, within
from ingest.job.one_case import Outcome
from ingest.job.processes import Died, Overdue
from ingest.options import BuildShards


@dataclasses.dataclass(frozen=True)
class Task:
    name: str

    def __str__(self):
        return self.name


@pytest.fixture
def build(tmp_path):
    return BuildShards(source=tmp_path, out="o", address="auto", case_minutes=0.001)


def test_a_result_that_is_no_outcome_is_the_reason(tmp_path, monkeypatch):
    results = [(1, Died(exit_code=3)), (0, Outcome(reason="bad", lasting=True))]
    asked = {}

    def run(_function, tasks, **options):
        asked.update(options, tasks=tasks)
        return iter(results)

    monkeypatch.setattr(engines.processes, "run", run)
    build = BuildShards(source=tmp_path, out="o", workers=3, case_minutes=7)
    assert list(built(build, ["a", "b"])) == [
        (1, Outcome(reason="its worker left with exit code 3, twice")),
        (0, Outcome(reason="bad", lasting=True)),
    ]
    assert asked == {"workers": 3, "minutes": 7, "tasks": ["a", "b"]}


def test_on_a_cluster_what_hangs_is_tried_once_more_after_all_others(build, monkeypatch, caplog):
    tried = []

    def fan_out(function, tasks, **_options):
        for position, task in enumerate(tasks):
            tried.append(task.name)
            yield position, function(task)

    def hang_or_build(_minutes, task):
        is_hanging = task.name == "ever" or (task.name == "once" and tried.count("once") == 1)
        return Overdue(minutes=0.001) if is_hanging else Outcome(reason=task.name)

    monkeypatch.setattr(cluster.fanout, "fan_out", fan_out)
    monkeypatch.setattr(engines, "within", hang_or_build)
    outcomes = dict(built(build, [Task("ever"), Task("fine"), Task("once")]))
    assert outcomes.keys() == {0, 1, 2}
    assert outcomes[0].reason.startswith("it took over 0.001 minutes, twice: look whether")
    assert (outcomes[1].reason, outcomes[2].reason) == ("fine", "once")
    assert tried == ["ever", "fine", "once", "ever", "once"]
    assert len(caplog.messages) == 2


def test_a_worker_of_a_case_that_hangs_answers_and_is_then_ended(monkeypatch):
    ever, ended = threading.Event(), threading.Event()
    monkeypatch.setattr(engines, "build_case", lambda _task: ever.wait(20))
    monkeypatch.setattr(engines, "_LAST_WORDS_S", 0.01)
    monkeypatch.setattr(engines, "os", SimpleNamespace(kill=lambda *_: ended.set(), getpid=int))
    assert within(0.0005, Task("a")) == Overdue(minutes=0.0005)
    assert ended.wait(20)
    ever.set()


def test_what_is_built_in_time_is_its_outcome(monkeypatch):
    monkeypatch.setattr(engines, "build_case", lambda task: Outcome(reason=task.name))
    assert within(1, Task("a")) == Outcome(reason="a")
