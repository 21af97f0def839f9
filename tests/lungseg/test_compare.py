"""The command `python -m lungseg.compare`."""

import json
import subprocess
import sys

import pytest

from lungseg.compare import CompareOptions, main, show
from lungseg.evaluation.comparison import compare


def folder(path, scores):
    cases = [
        {"case": f"c{n}", "dice": dice, "nsd": dice, "truth_ml": 9.0, "verdict": "scored"}
        for n, dice in enumerate(scores)
    ]
    path.mkdir()
    (path / "metrics.json").write_text(json.dumps({"cases": cases}))
    return path


@pytest.fixture
def pair(tmp_path):
    first = [0.01 * n for n in range(20)]
    return folder(tmp_path / "a", first), folder(tmp_path / "b", [0.1 + 1.01 * d for d in first])


def test_a_line_per_score_says_what_may_be_said(pair):
    text = show(compare(*pair))
    assert "Dice (n = 20): 0.095 and 0.196, difference +0.101, 95 % interval +0.10" in text
    assert text.count("the second is better") == 3
    assert "missed altogether: first 0, second 0" in text


def test_a_case_that_only_one_has_is_named(tmp_path):
    one, other = folder(tmp_path / "a", [0.5, 0.5]), folder(tmp_path / "b", [0.5])
    assert "only in the first, left out: c1" in show(compare(one, other))


def test_a_page_is_written_where_asked_for(pair, tmp_path):
    first, second = pair
    result = main(CompareOptions(first=first, second=second, out=tmp_path / "page.html"))
    assert f"page: {tmp_path}/page.html" in show(result)
    assert "the second is better" in (tmp_path / "page.html").read_text()
    assert "page" not in main(CompareOptions(first=first, second=second))
    with pytest.raises(ValueError, match=r"--out must be a file that ends in \.html"):
        CompareOptions(first=first, second=second, out=tmp_path / "page")


def test_the_dice_of_each_case_stands_in_the_result(pair):
    cases = compare(*pair)["cases"]
    assert [case["case"] for case in cases] == [f"c{n}" for n in range(20)]
    assert cases[0]["difference"] == cases[0]["second"] - cases[0]["first"] == 0.1


@pytest.mark.slow
def test_the_command_takes_two_folders(pair):
    command = [sys.executable, "-m", "lungseg.compare", *map(str, pair)]
    ended = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["dice"]["verdict"] == "the second is better"
    ended = subprocess.run(command[:-1], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
