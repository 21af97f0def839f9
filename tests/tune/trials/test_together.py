"""Several ranks train a trial: each epoch is told before the next, and who is lost is named."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray

from cluster.gang import Shape
from cluster.lost_rank import LostRankError
from cluster.resources import Resources
from cluster.session import session
from lungseg.options.fit import FitOptions
from lungseg.training.run import fit
from shards.console.command import parse
from tests.toy_cluster import OPEN, toy_cluster
from tests.toy_training import Seen, slices_of_steps
from tests.tune.trials.seen_trial import HELD
from tests.waiting import gone, wait_until
from tune.history.fault import Fault
from tune.trials import together as module
from tune.trials.blame import FaultError
from tune.trials.rank import EPOCH_DONE
from tune.trials.together import Together

ROOT = Path(__file__).parents[3]
TWO = Shape(nodes=1, per_node=2, rank=Resources(cpus=1))


class FakeGang:
    """Trains as its class is told, and notes how many gangs there were and are."""

    made, open_now, log = 0, 0, ()
    obeys, lose_after, whole = True, None, True

    def __init__(self, *_, **__):
        type(self).made += 1
        type(self).open_now += 1

    def close(self):
        type(self).open_now -= 1

    def is_whole(self):
        return self.whole

    def run(self, epochs, *, hear, asked):
        for number in range(1, epochs + 1):
            if self.lose_after == number - 1:
                raise LostRankError("rank 1 on b died (x)")
            self.log.append(f"epoch {number}")
            hear(0, EPOCH_DONE)
            hear(0, "knock")
            while asked().epochs < number:
                if asked().end and self.obeys:
                    return
                time.sleep(0.001)


@pytest.fixture
def gang(monkeypatch):
    """The class of the gangs."""
    made = type("Fresh", (FakeGang,), {"log": []})
    monkeypatch.setattr(module, "Gang", made)
    monkeypatch.setattr(module.ray.util, "get_current_placement_group", lambda: None)
    return made


def test_each_epoch_is_told_before_the_next_one_and_the_ranks_stay(gang):
    ranks = Together()
    for _ in range(2):
        ranks.train(3, TWO, lambda: gang.log.append("told"))
    assert gang.log == ["epoch 1", "told", "epoch 2", "told", "epoch 3", "told"] * 2
    assert (gang.made, gang.open_now) == (1, 1)


def stop():
    raise SystemExit(0)


def test_ranks_of_a_trial_that_tune_stops_end_and_stay_for_the_next(gang):
    ranks = Together()
    with pytest.raises(SystemExit):
        ranks.train(3, TWO, stop)
    ranks.train(1, TWO, lambda: None)
    assert (gang.log, gang.made) == (["epoch 1", "epoch 1"], 1)


def test_ranks_that_do_not_end_are_ended(gang, monkeypatch):
    monkeypatch.setattr(module, "_END_S", 0.05)
    gang.obeys = False
    ranks = Together()
    with pytest.raises(SystemExit):
        ranks.train(3, TWO, stop)
    assert (gang.made, gang.open_now) == (1, 0)


def test_a_lost_rank_is_named_and_its_gang_closed(gang):
    gang.lose_after = 1
    told = []
    with pytest.raises(FaultError) as found:
        Together().train(3, TWO, lambda: told.append(1))
    assert found.value.fault == Fault(cause="process", reason="rank 1 on b died (x)")
    assert (told, gang.open_now) == ([1], 0)


def test_ranks_that_were_lost_between_two_trials_are_replaced(gang):
    ranks = Together()
    ranks.train(1, TWO, lambda: None)
    gang.whole = False
    ranks.train(1, TWO, lambda: None)
    assert (gang.made, gang.open_now) == (2, 1)


_CODE = """
import sys
import tune.driver, tune.run_trials
from tests.tune.trials import seen_trial
tune.run_trials.run_trial = seen_trial.run_trial
tune.driver.Rungs.goes_on = lambda rungs, trial, **_: trial == 0
from tune.search import SearchOptions, main
from shards.console.command import run
run(SearchOptions, main, prog="search", description="")
"""
EPOCHS = 3


class Watched:
    """A search of two trials by two ranks each, of which the second trial is ended early."""

    def __init__(self, toy, out, address):
        self.out = out
        words = ["--shards", toy, "--out", out, "--address", address, "--accelerator", "cpu"]
        words += ["--devices-per-trial", 2, "--trials", 2, "--epochs", EPOCHS, "--oversample", 8]
        words += ["--width", 4, "--depth", 3, "--neighbors", 1]
        words += ["--batch-size", 8, "--num-workers", 0, "--lr", 0.01, "--norm", "instance"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CODE, *map(str, words)],
            cwd=ROOT,
            env=os.environ | OPEN | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def events(self, kind):
        try:
            lines = (self.out / "journal.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def wait(self, condition):
        def said():
            return self.process.stdout.read() if self.process.poll() is not None else ""

        wait_until(condition, said, during=self.process)

    def pid(self, trial, who):
        return int((self.out / "trials" / trial / f"seen-{who}").read_text())

    def lose_rank(self):
        """Have rank 1 of trial 0 lost in its second epoch; what is said of it."""
        trial = self.out / "trials" / "000"
        self.wait((trial / f"at-{HELD}").exists)
        os.kill(self.pid("000", 1), signal.SIGKILL)
        (trial / f"go-{HELD}").touch()
        self.wait(lambda: self.events("faltered"))
        return self.events("faltered")[-1]["reason"]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_trial_outlives_a_lost_rank_and_leaves_nothing_behind(toy, tmp_path, monkeypatch):
    for name, value in OPEN.items():
        monkeypatch.setenv(name, value)
    with toy_cluster(2) as cluster:
        watched = Watched(toy, tmp_path / "out", cluster.address)
        try:
            reason = watched.lose_rank()
            assert reason.startswith("rank 1 on ")
            assert " died (" in reason
            output, _ = watched.process.communicate(timeout=400)
        finally:
            watched.process.kill()
        assert watched.process.returncode == 0, output
        whos = [watched.pid("001", who) for who in (0, 1, "supervisor")]
        assert whos == [watched.pid("000", who) for who in (0, 1, "supervisor")]  # they were kept
        wait_until(lambda: all(map(gone, whos)), "no rank is left")
        with session(cluster.address):
            wait_until(
                lambda: ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"],
                "all room is given back",
            )
    with (watched.out / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["attempts"], row["epochs"]) for row in rows] == [
        ("finished", "2", str(EPOCHS)),
        ("ended early", "1", "1"),
    ]
    trial = watched.out / "trials" / "000"
    words = ["--config", str(trial / "attempt-2" / "config.yaml"), "--devices", "1"]
    alone = parse(FitOptions, [*words, "--out", str(tmp_path / "alone")], prog="", description="")
    fit(alone, callbacks=[Seen(tmp_path / "seen")])
    found, expected = slices_of_steps(trial / "seen"), slices_of_steps(tmp_path / "seen")
    assert found.keys() == expected.keys()
    assert all(set(found[step]) == set(expected[step]) for step in expected)
