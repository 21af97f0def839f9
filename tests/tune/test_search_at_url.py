"""A store that speaks S3 is all that the processes of a search need to share."""

import csv
import json
import os
import signal

import pytest

from lungseg.inference.model_file import load_model
from shards.storage.remote import Remote

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_killed_search_goes_on_from_its_url_alone(search, toy, serve_s3, tmp_path, held):
    shards = serve_s3(toy)
    place = shards.replace("/set", "/searches/one")

    def command(machine):
        folder = tmp_path / machine
        folder.mkdir()
        words = ("--trials", 3, "--epochs", 2, "--concurrent", 1, "--cache", folder, "--json")
        module, environment = held.how["module"], held.how["environment"]
        environment = environment | {"TMPDIR": str(folder)}
        return search(shards, place, *words, module=module, environment=environment)

    held.hold(1, epoch=1)
    _, lines = command("one").interrupted(
        "trial 1 starts", lambda process: os.kill(process.pid, signal.SIGKILL)
    )
    assert any("trial 0: Dice per case" in line for line in lines)
    held.let_go(1)
    done = command("two").run()
    assert done.returncode == 0, done.stderr
    assert "trial 0 starts" not in done.stderr
    assert f"going on with the search in {place}: 1 of 3 trials have ended" in done.stderr

    result = json.loads(done.stdout)
    assert result["checkpoint"] == f"{place}/best.ckpt"
    remote = Remote(url=place)
    names = set(remote.sizes())
    assert {"trials.csv", "best.yaml", "report.html", "result.json", "journal.jsonl"} <= names
    assert [name for name in names if name.endswith(".ckpt")] == ["best.ckpt"]
    assert "out" not in load_model(result["checkpoint"]).options
    remote.download("trials.csv", tmp_path / "trials.csv", sha256=None)
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["trial"], row["status"]) for row in rows] == [
        (str(n), "finished") for n in range(3)
    ]
    assert float(result["dice_case_mean"]) == max(float(row["dice_case_mean"]) for row in rows)
