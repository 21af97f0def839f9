"""A cable is pulled and put back, a host dies: no trial is lost, nor more than an epoch."""

import contextlib
import csv
import json
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

from lungseg.training.run import fit
from tests.hosts import OPEN, missing, ray_hosts
from tests.toy_shards import make_shards
from tests.toy_training import Seen, flags, options, slices_of_steps
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(bool(missing()), reason=missing() or "hosts can be made"),
]

ROOT = Path(__file__).parents[1]
WHERE = {"PYTHONPATH": str(ROOT), **OPEN}
HEAD = (ROOT / "cluster" / "head.json").read_text()
EPOCHS = 24  # enough that a trial in its first half has not ended when its host is lost
TINY = (
    "--width 4 --depth 3 --neighbors 1 --batch-size 8 --num-workers 0 --augment none --lr 0.01 "
    "--norm instance --transplant 0 "
    f"--cpus-per-trial 1 --concurrent 2 --trials 3 --epochs {EPOCHS}"
)
AGAIN_S = 300  # training again; 30 s where nothing else runs on this machine
NONE_ENDS_EARLY = """
import tune.driver
from tune.search import SearchOptions, main
from shards.console.command import run
tune.driver.Rungs.goes_on = lambda *_, **__: True
run(SearchOptions, main, prog="search", description="")
"""
SEEN = "tests.lungseg.training.nodes.seen_ranks"


def reports(out):
    """What the trials have reported so far, in order: (trial, epoch, address of the host)."""
    journal = out / "journal.jsonl"
    lines = journal.read_text().splitlines() if journal.exists() else []
    events = [json.loads(line) for line in lines]
    return [
        (event["trial"], event["report"]["epoch"], event["report"]["node"].partition("/")[0])
        for event in events
        if event["event"] == "reported"
    ]


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Folder of a shard set of five tiny cases."""
    return make_shards(tmp_path_factory.mktemp("toy") / "shards")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Hosts that are one cluster, and its address; a test leaves two with processors or more."""
    with ray_hosts(tmp_path_factory.mktemp("hosts"), 4, HEAD) as running:
        yield running


@contextlib.contextmanager
def unplugged(hosts):
    """Function that pulls the cable of a host, which is put back in the end."""
    pulled = []

    def pull(name):
        hosts.cable(name, "down")
        pulled.append(name)

    try:
        yield pull
    finally:
        for name in pulled:
            hosts.cable(name, "up")


def test_no_trial_is_lost_with_a_cable_nor_with_a_host(lab, toy, tmp_path):
    hosts, address = lab
    out, said = tmp_path / "out", tmp_path / "search.log"
    names = {place: name for name, place in hosts.addresses.items()}
    words = ["-c", NONE_ENDS_EARLY, "--shards", toy, "--out", out, "--address", address]
    words += TINY.split()
    driver = hosts.start("h1", [sys.executable, *words], log=said, environment=WHERE)

    def lose(how):
        """Take the host of a trial that trains, and wait until that trial trains elsewhere."""
        known = len(reports(out))

        def early():
            new = reports(out)[known:]
            return next((one for one in new if one[1] < EPOCHS // 2), None)

        trial, _, place = wait_until(early, "a report", during=driver, seconds=AGAIN_S)
        how(names[place])

        def elsewhere():
            new = reports(out)[known:]
            return next((one for one in new if one[0] == trial and one[2] != place), None)

        wait_until(elsewhere, "the trial elsewhere", during=driver, seconds=AGAIN_S)
        return trial

    with unplugged(hosts) as unplug:
        lost = Counter([lose(unplug)])
    lost[lose(hosts.kill)] += 1
    assert driver.wait(timeout=500) == 0, said.read_text()
    assert "raylet" not in said.read_text().lower()
    with (out / "trials.csv").open(newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} <= {"finished", "ended early"}
    epochs = Counter((trial, epoch) for trial, epoch, _ in reports(out))
    again = Counter(trial for (trial, _), times in epochs.items() for _ in range(times - 1))
    assert again <= lost, "a lost host cost more than one epoch"


def test_a_training_over_nodes_repeats_an_epoch_at_most(lab, toy, tmp_path):
    """The host of the rank that writes the checkpoints is lost, each time in an epoch's third step.

    Who was cut off steps no more: its steps would be in the list a second time.
    """
    hosts, address = lab
    run, said, losses = tmp_path / "run", tmp_path / "fit.log", tmp_path / "losses"
    given = {"epochs": 5, "seed": 3}
    fit(options(toy, tmp_path / "unbroken", **given), callbacks=[Seen(tmp_path / "expected")])
    (tmp_path / "held").write_text("14 26")
    words = flags(toy, run, address=address, nodes=2, devices=1, **given)
    command = [sys.executable, "-m", SEEN, *words]
    driver = hosts.start("h1", command, log=said, environment=WHERE)

    def lose(step, how):
        """Take the writer's host once its checkpoint lies there; wait for steps elsewhere."""
        reached = (tmp_path / f"at-{step}").exists
        wait_until(reached, "the step", during=driver, seconds=AGAIN_S)
        wait_until(lambda: last_step(run) == step - 2, "its checkpoint", during=driver)
        lost, known = host_of_writer(tmp_path), losses.read_text()
        how(lost)
        (tmp_path / f"go-{step}").touch()
        wait_until(lambda: losses.read_text() != known, "steps", during=driver, seconds=AGAIN_S)
        assert host_of_writer(tmp_path) != lost

    with unplugged(hosts) as unplug:
        lose(14, unplug)
    lose(26, hosts.kill)
    assert driver.wait(timeout=500) == 0, said.read_text()
    steps = [int(line.split()[0]) for line in losses.read_text().splitlines()]
    assert steps == [*range(1, 15), *range(13, 27), *range(25, 31)]
    assert last_step(run) == 30
    found, expected = (slices_of_steps(tmp_path / name) for name in ("seen", "expected"))
    assert {step: sorted(set(lines)) for step, lines in found.items()} == {
        step: sorted(set(lines)) for step, lines in expected.items()
    }


def last_step(run):
    return torch.load(run / "last.ckpt", weights_only=True)["global_step"]


def host_of_writer(folder):
    return (folder / "rank-0").read_text().split()[1]
