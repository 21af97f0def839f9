"""The command `python -m lungseg.fit`."""

import re

import pytest

from lungseg.fit import DESCRIPTION, show
from lungseg.options.fit import FitOptions
from shards.console.groups import flat_values


def test_the_help_begins_with_15_common_options_that_there_are():
    lines = re.findall(r"^  (--[\w-]+) [A-Za-z]", DESCRIPTION, re.MULTILINE)
    known = {
        "--" + name.replace("_", "-") for name in flat_values(FitOptions.of(shards="", out=""))
    }
    assert len(lines) == len(set(lines)) == 15
    assert set(re.findall(r"--[a-z][\w-]+", DESCRIPTION)) - {"--config"} <= known


def test_scores_say_of_which_epoch_they_are():
    result = {"dice_case_mean": 0.5, "epoch": 3, "checkpoint": "best.ckpt"}
    assert show(result).splitlines() == [
        "scores of the best epoch, 3:",
        "dice_case_mean: 0.5",
        "epoch: 3",
        "checkpoint: best.ckpt",
    ]


def test_a_result_without_epoch_has_no_such_line():
    assert show({"checkpoint": "last.ckpt", "epochs": 2}) == "checkpoint: last.ckpt\nepochs: 2"


@pytest.mark.parametrize("run", ["runs/first", "s3://bucket/run"])
def test_a_training_that_has_ended_says_what_comes_next(run):
    said = show({"epoch": 1, "epochs": 2, "checkpoint": f"{run}/best.ckpt"}).splitlines()[-1]
    assert said.startswith(f"next: open {run}/report.html, ")
    assert f"lungseg.evaluate --checkpoint {run}/best.ckpt --source" in said
