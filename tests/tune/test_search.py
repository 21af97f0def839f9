"""A search ends with what its help promises, goes on after any interruption, and says why not."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

from lungseg.options.fit import FitOptions
from lungseg.training.run import fit
from shards.console.command import parse
from tests.toy_shards import make_shards
from tests.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

ENDED = re.compile(r"trial (\d+): Dice per case .* trials, about")


@pytest.fixture(scope="module")
def finished(search, toy, tmp_path_factory):
    """A finished search, and its process."""
    command = search(
        toy, tmp_path_factory.mktemp("search") / "out", "--trials", 3, "--epochs", 2, "--json"
    )
    return command, command.run()


def test_leaves_what_it_promises(finished):
    command, done = finished
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = command.table()
    assert [row["trial"] for row in rows] == ["0", "1", "2"]
    assert {row["status"] for row in rows} == {"finished"}
    assert result["dice_case_mean"] == max(float(row["dice_case_mean"]) for row in rows)
    assert result["n"] == 1
    assert "mean over the n cases" in result["definition"]
    assert rows[0]["loss"] == "bce_dice"
    assert float(rows[0]["lr"]) == 0.001
    for line in done.stderr.splitlines():
        known = ("trial ", "Ray did not start on this machine (")  # the latter where it is busy
        assert line.startswith(known), f"a line of another kind: {line}"


def test_only_the_best_checkpoint_is_kept(finished):
    command, _ = finished
    assert [path.name for path in command.out.rglob("*.ckpt")] == ["best.ckpt"]


def test_report_is_self_contained_and_says_what_the_dice_is(finished):
    command, _ = finished
    page = (command.out / "report.html").read_text()
    assert page.count("<svg") == 5
    assert "http" not in page.replace("http-equiv", "")
    for words in ("mean over the n cases", "n = 1", "32 x 32", "Not for clinical use", "seed"):
        assert words in page


def test_fit_takes_the_best_config(finished, tmp_path):
    command, _ = finished
    best = command.out / "best.yaml"
    words = ["--config", str(best), "--out", str(tmp_path / "fit")]
    result = fit(parse(FitOptions, words, prog="", description=""))
    given = yaml.safe_load(best.read_text())
    used = yaml.safe_load((tmp_path / "fit" / "config.yaml").read_text())
    assert {name: used[name] for name in given} == given
    # the same training as the trial's: best.yaml holds everything that decides the score
    found = json.loads((command.out / "result.json").read_text())["dice_case_mean"]
    assert result["dice_case_mean"] == pytest.approx(found, abs=1e-6)


def test_a_finished_search_is_extended_and_trains_nothing_again(finished):
    """The last test of this search: it goes on with it."""
    command, _ = finished
    before = tables(command.out)
    done = command.run("--trials", 4, "--concurrent", 1)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == 4
    assert "going on with the search" in done.stderr
    assert "3 of 4 trials have ended" in done.stderr
    assert [row["trial"] for row in command.table()] == ["0", "1", "2", "3"]
    assert {number: tables(command.out)[number] for number in before} == before


def test_goes_on_after_ctrl_c_and_after_a_killed_driver(search, toy, tmp_path, held):
    """No finished trial is trained again: its table, with measured speeds, keeps every byte.

    The kill comes at any moment from the end of a trial on, be it while results are written.
    """
    delay_s = random.SystemRandom().uniform(0, 1.5)
    print(f"killed after {delay_s} s")  # noqa: T201 (shown where the test fails)
    command = search(
        *(toy, tmp_path / "out", "--trials", 3, "--epochs", 2, "--concurrent", 1),
        **held.how,
    )
    held.hold(1, epoch=1)
    code, lines = command.interrupted("(1 of 3", lambda process: process.send_signal(signal.SIGINT))
    assert code == 130
    assert any("the same command again goes on" in line for line in lines)
    assert lines[-1] == "python -m tune.search: interrupted\n"
    ended = ended_trials(lines)
    held.let_go(1)
    held.hold(2, epoch=1)

    def kill_later(process):
        time.sleep(delay_s)
        process.kill()

    code, lines = command.interrupted("(2 of 3", kill_later)
    assert code == -signal.SIGKILL
    assert any("going on with the search" in line for line in lines)
    ended |= ended_trials(lines)
    assert len(ended) == 2
    held.let_go(2)
    before = tables(command.out)
    done = command.run()
    assert done.returncode == 0, done.stderr
    after = tables(command.out)
    assert {number: after[number] for number in ended} == {n: before[n] for n in ended}
    journal = (command.out / "journal.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in journal]
    assert [event["trial"] for event in events if event["event"] == "suggested"] == [0, 1, 2]
    last = {event["trial"]: event["report"] for event in events if event["event"] == "reported"}
    rows = command.table()
    assert [(int(row["epochs"]), float(row["dice_case_mean"])) for row in rows] == [
        (last[number]["epoch"], last[number]["best_dice_case_mean"]) for number in range(3)
    ]
    assert len({row["lr"] for row in rows}) == 3


def ended_trials(lines):
    """Numbers of the trials that a search said to have ended."""
    return {f"{int(found[1]):03d}" for line in lines if (found := ENDED.match(line))}


def tables(out):
    """metrics.csv of the last attempt at each trial, by its number."""
    return {path.parents[1].name: path.read_text() for path in sorted(out.rglob("metrics.csv"))}


def test_a_killed_trial_goes_on_from_its_last_epoch(
    search, toy, tmp_path, kill_trials, trials_of, held
):
    command = search(toy, tmp_path / "out", "--trials", 1, "--epochs", 6, **held.how)
    held.hold(0, epoch=3)
    begun = []

    def kill_inside(process):
        wait_until(lambda: held.stands(0), "three epochs", during=process)
        begun.append(tables(tmp_path / "out")["000"])
        niceness = {os.getpriority(os.PRIO_PROCESS, pid) for pid in trials_of(process)}
        assert niceness == {os.getpriority(os.PRIO_PROCESS, process.pid)}  # Ray's own is 15
        kill_trials(process)
        held.let_go(0)

    code, lines = command.interrupted("trial 0 starts", kill_inside)
    assert code == 0, lines
    assert any("goes on in another process" in line for line in lines)
    (row,) = command.table()
    assert row["status"] == "finished"
    assert row["attempts"] == "2"
    assert row["epochs"] == "6"
    # the epochs before the kill were not trained again: their measured speeds are still there
    assert tables(command.out)["000"].startswith(begun[0])


def test_a_trial_that_cannot_work_ends_the_search_with_its_reason(search, tmp_path):
    shards = make_shards(tmp_path / "damaged")
    for shard in (shards / "cases").glob("*.tar"):
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 0xFF
        content[1600] ^= 0xFF
        shard.write_bytes(content)
    command = search(shards, tmp_path / "out", "--trials", 2, "--epochs", 1)
    done = command.run()
    assert done.returncode == 1
    assert "all 2 trials failed" in done.stderr.splitlines()[-1]
    assert {row["status"] for row in command.table()} == {"failed"}
    assert all(row["reason"] for row in command.table())
    assert "Traceback" not in done.stderr


def test_help_is_quick_and_tells_of_shared_storage():
    code = (
        "import sys, tune.search; from shards.console.command import parse; "
        "parse(tune.search.SearchOptions, ['--help'], prog='x', "
        "description=tune.search.DESCRIPTION)"
    )
    watched = (
        f"import atexit; atexit.register(lambda: print(sorted(__import__('sys').modules)));{code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", watched], capture_output=True, text=True, timeout=200, check=True
    )
    assert "every node" in " ".join(done.stdout.replace("│", " ").split())
    modules = done.stdout.splitlines()[-1]
    assert "'ray'" not in modules
    assert "'torch'" not in modules


def test_a_search_itself_begins_without_what_only_trials_need():
    code = "import sys, tune.driver; print(sorted(sys.modules.keys() & {'torch', 'scipy'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
