"""A cable is pulled and put back, a host dies: a search loses no trial."""

import csv
import json
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.hosts import OPEN, missing, ray_hosts

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(missing()), reason=missing() or "hosts can be made"),
]

ROOT = Path(__file__).parents[2]
HEAD = (ROOT / "cluster" / "head.json").read_text()
TINY = (
    "--width 4 --depth 3 --batch-size 8 --num-workers 0 --augment none --lr 0.01 "
    "--cpus-per-trial 1 --concurrent 2 --trials 3 --epochs 40"
)
AGAIN_S = 150  # training again; 30 s where nothing else runs on this machine


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


def awaited(find, driver, seconds):
    """What `find` finds, once it finds something."""
    begin = time.monotonic()
    while (found := find()) is None:
        assert driver.poll() is None, "the search ended"
        assert time.monotonic() - begin < seconds
        time.sleep(0.1)
    return found


def test_no_trial_is_lost_with_a_cable_nor_with_a_host(toy, tmp_path):
    out = tmp_path / "out"
    with ray_hosts(tmp_path, 4, HEAD) as (hosts, address):
        names = {place: name for name, place in hosts.addresses.items()}
        words = ["-m", "tune.search", "--shards", toy, "--out", out, "--address", address]
        words += TINY.split()
        driver = hosts.start(
            "h1", [sys.executable, *words], log=tmp_path / "search.log", environment=OPEN
        )

        def lose(how):
            """Take the host of a trial that trains, and wait until that trial trains elsewhere."""
            known = len(reports(out))
            trial, _, place = awaited(lambda: next(iter(reports(out)[known:]), None), driver, 200)
            how(names[place])

            def elsewhere():
                new = reports(out)[known:]
                return next((one for one in new if one[0] == trial and one[2] != place), None)

            awaited(elsewhere, driver, AGAIN_S)
            return names[place]

        cut = lose(lambda name: hosts.cable(name, "down"))
        hosts.cable(cut, "up")
        lose(hosts.kill)
        assert driver.wait(timeout=200) == 0, (tmp_path / "search.log").read_text()
    assert "raylet" not in (tmp_path / "search.log").read_text().lower()
    with (out / "trials.csv").open(newline="") as file:
        assert {row["status"] for row in csv.DictReader(file)} <= {"finished", "ended early"}
    epochs = Counter((trial, epoch) for trial, epoch, _ in reports(out))
    again = Counter(trial for (trial, _), times in epochs.items() for _ in range(times - 1))
    assert max(again.values(), default=0) <= 1, "a lost host cost more than one epoch"
