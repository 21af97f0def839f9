"""A training over two nodes outlives a lost rank, and each step has its slices."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.lost_rank import LostRankError
from cluster.resources import Resources
from lungseg.errors import TrainingError
from lungseg.training.nodes import supervise
from lungseg.training.nodes.rank import KEPT, STEPPED
from lungseg.training.run import fit, validate
from shards.console.out import url_of
from tests.toy_cluster import OPEN, toy_cluster
from tests.toy_training import Losses, Seen, flags, losses_of_steps, options, slices_of_steps, table
from tests.waiting import wait_until

ROOT = Path(__file__).parents[4]
SEEN = "tests.lungseg.training.nodes.seen_ranks"
EPOCHS = 4
NOTICED_S = 90  # 15 where nothing else runs
LOSSES = {9: (signal.SIGKILL, "died"), 16: (signal.SIGSTOP, "silent for 10 s")}
FLOAT32 = 1e-5  # ranks add up in another order
TRAINING = {"epochs": EPOCHS, "seed": 3, "norm": "instance"}  # with batch, rounding grows


def shape_of(monkeypatch, cluster, **given):
    monkeypatch.setattr(supervise, "nodes", lambda: cluster)
    return supervise._shape(options("x", Path("x"), address="auto", **given))


def test_each_rank_has_its_share_of_a_node(monkeypatch):
    cluster = [Resources(cpus=8, gpus=4.0), Resources(cpus=8, gpus=4.0)]
    shape = shape_of(monkeypatch, cluster, nodes=2, devices="auto", accelerator="auto")
    assert (shape.nodes, shape.per_node) == (2, 4)
    assert shape.rank == Resources(cpus=2, gpus=1.0)
    shape = shape_of(monkeypatch, cluster, nodes=2, devices=2, accelerator="cpu")
    assert (shape.per_node, shape.rank.gpus) == (2, 0)
    shape = shape_of(monkeypatch, [Resources(cpus=3)], nodes=1, devices="auto", accelerator="auto")
    assert (shape.per_node, shape.rank) == (1, Resources(cpus=3))
    uneven = [Resources(cpus=4), Resources(cpus=1), Resources(cpus=16)]
    shape = shape_of(monkeypatch, uneven, nodes=2, devices=2, accelerator="auto")
    assert shape.rank == Resources(cpus=2)


class FakeGang:
    """Does what its class is told, one gang after the other."""

    size = 1
    TURNS = []  # noqa: RUF012
    SHAPES = []  # noqa: RUF012

    def __init__(self, shape, function, *, wait_s):
        self.SHAPES.append(shape)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, options, *, hear, asked):
        return self.TURNS.pop(0)(options, hear, asked)


@pytest.fixture
def turns(monkeypatch):
    """What the gangs shall do; the supervisor's one shape is of two nodes."""
    monkeypatch.setattr(supervise, "Gang", FakeGang)
    monkeypatch.setattr(supervise, "nodes", lambda: [Resources(cpus=2)] * 2)
    monkeypatch.setattr(supervise, "nodes_with_room", lambda _: {"the one that is left"})
    monkeypatch.setattr(FakeGang, "TURNS", [])
    monkeypatch.setattr(FakeGang, "SHAPES", [])
    return FakeGang.TURNS


def lose(options, hear, asked):
    raise LostRankError("rank 1 on b died (x)")


def keep_and_lose(options, hear, asked):
    hear(0, KEPT)
    lose(options, hear, asked)


def supervised(out):
    return supervise._Supervisor(options("x", out, address="auto", nodes=2)).result()


def test_after_a_loss_it_goes_on_with_the_nodes_that_are_left_and_says_what_it_cost(
    turns, tmp_path, caplog
):
    caplog.set_level("INFO")

    def go_on(given, hear, asked):
        assert given.run.resume == "auto"
        hear(0, STEPPED)
        return {"epoch": 1}

    turns[:] = [keep_and_lose, go_on]
    assert supervised(tmp_path) == {"epoch": 1}
    assert [shape.nodes for shape in FakeGang.SHAPES] == [2, 1]
    assert caplog.messages == [
        "waiting: 2 nodes with 2 CPUs and 0 GPUs free are needed, 1 of that size are there",
        "rank 1 on b died (x): the training goes on from its last checkpoint",
        "the training goes on with 1 rank",
        "training again: 0 s since the checkpoint are lost",
    ]


def test_a_training_that_gets_nowhere_between_its_losses_is_given_up(turns, tmp_path):
    turns[:] = [lose, lose, keep_and_lose, lose, lose]
    with pytest.raises(
        TrainingError, match=r"3 times in a row .* --resume auto goes on from s3://b"
    ):
        supervised(Path("s3://b/run"))
    assert not turns


def test_ranks_are_told_the_url_of_a_run_and_absolute_paths(turns, tmp_path, monkeypatch):
    monkeypatch.setattr(supervise, "session", lambda _: contextlib.nullcontext())
    monkeypatch.chdir(tmp_path)
    told = []
    turns[:] = [lambda given, hear, asked: told.append(given)] * 2
    for out in ("s3://bucket/run", "run"):
        supervise.fit_over_nodes(options("x", out, address="auto", folds_file="f.csv"))
    assert [url_of(given.run.out) for given in told] == ["s3://bucket/run", None]
    assert (told[1].run.out, told[1].validation.folds_file) == (
        tmp_path / "run",
        tmp_path / "f.csv",
    )


def test_the_ranks_are_asked_to_end_at_a_signal(turns, tmp_path):
    before = signal.getsignal(signal.SIGTERM)

    def ends(given, hear, asked):
        signal.raise_signal(signal.SIGTERM)
        return {"signal": asked()}

    turns[:] = [ends]
    with pytest.raises(SystemExit) as left:
        supervised(tmp_path)
    assert left.value.code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture(scope="module")
def cluster():
    """Two nodes, as far as Ray can tell, with a processor each."""
    with toy_cluster(1, 1) as running:
        yield running


@pytest.fixture(scope="module")
def unbroken(shards, tmp_path_factory):
    """Folder of a training on one node, and the slices and losses of its steps."""
    out = tmp_path_factory.mktemp("unbroken")
    noting = [Seen(out / "seen"), Losses(out / "losses")]
    fit(options(shards, out / "run", **TRAINING), callbacks=noting)
    return out


def start(cluster, shards, folder, **further):
    """The command, over two nodes; what it says goes to a file."""
    words = flags(shards, folder / "run", address=cluster.address, nodes=2, devices=1, **further)
    environment = os.environ | OPEN | {"PYTHONPATH": str(ROOT)}
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", SEEN, *map(str, words)],
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=said,
        )


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_nodes_learn_what_one_learns_whoever_is_lost(cluster, shards, unbroken, tmp_path):
    """Each step has the slices and the loss of one node, the score is its score to the last bit."""
    (tmp_path / "held").write_text(" ".join(map(str, LOSSES)))
    running = start(cluster, shards, tmp_path, checkpoint_minutes=1e-6, **TRAINING)
    try:
        for step, (signum, said) in LOSSES.items():
            assert lose_second(running, tmp_path, step, signum, said) < NOTICED_S
        code = running.wait(timeout=400)
    finally:
        running.kill()
    said = (tmp_path / "said").read_text()
    assert code == 0, said
    again = re.findall(r"^training again: \d+ s since the checkpoint are lost$", said, re.MULTILINE)
    assert len(again) == len(LOSSES)
    assert "scores of the best epoch" in said
    found, expected = (slices_of_steps(path / "seen") for path in (tmp_path, unbroken))
    assert found.keys() == expected.keys()
    assert all(set(found[step]) == set(expected[step]) for step in expected)
    one, two = (losses_of_steps(path / "losses") for path in (unbroken, tmp_path))
    assert two == pytest.approx(one, rel=FLOAT32)
    assert len(table(tmp_path / "run")) == EPOCHS

    best = tmp_path / "run" / "best.ckpt"
    running = start(cluster, shards, tmp_path, validate=best, norm="instance")
    assert running.wait(timeout=400) == 0, (tmp_path / "said").read_text()
    here = validate(options(shards, tmp_path / "here", norm="instance"), best)
    there = (tmp_path / "run" / "validation.json").read_text()
    assert f'"dice_case_mean": {here["dice_case_mean"]!r}' in there


def lose_second(running, folder, step, signum, said):
    """Do something to the second rank inside a step; after how many seconds it is noticed."""

    def noticed():
        lines = (folder / "said").read_text().splitlines()
        return [line for line in lines if said in line and "goes on from its last check" in line]

    wait_until((folder / f"at-{step}").exists, (folder / "said").read_text, during=running)
    os.kill(int((folder / "rank-1").read_text().split()[0]), signum)
    struck = time.monotonic()
    (folder / f"go-{step}").touch()
    wait_until(noticed, (folder / "said").read_text, during=running)
    return time.monotonic() - struck
