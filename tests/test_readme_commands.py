"""Every command that the README shows runs, in the order of the page, in a fresh clone."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

# What a test adds to a command so that it ends in seconds; the command itself stays as it is shown.
QUICK = {
    "lungseg.fit": "--epochs 1 --width 4 --depth 3 --batch-size 8 --num-workers 0",
    "tune.search": "--trials 2 --epochs 2 --width 4 --depth 3 --neighbors 1 --batch-size 8 "
    "--lr 0.01 --norm instance",
}


def shown_commands():
    """Every line in a ```sh block, in the order of the page, without its comment."""
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            command = line.split("#")[0].strip()
            if command:
                yield command


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A fresh clone of the project, with a data set where the README has it unpacked."""
    folder = tmp_path_factory.mktemp("readme") / "lungseg"
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True, timeout=120)
    made = ["--cases", "6", "--test-cases", "1", "--size", "64", "--slices", "40", "--seed", "4"]
    run_in(folder, ["python", "-m", "ingest", "phantom", "--out", "data/Task06_Lung", *made])
    return folder


def run_in(folder, words):
    """Run a command as the README's reader does, in the clone and with its code."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)  # the clone's code lies in the folder
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_commands_run_in_the_order_of_the_page_and_leave_a_clean_tree(clone):
    for command in shown_commands():
        if command.startswith("make "):
            continue
        words = shlex.split(command)
        assert words[:2] == ["python", "-m"], f"the README shows a command no test runs: {command}"
        done = run_in(clone, words + QUICK.get(words[2], "").split())
        assert done.stdout.strip(), f"{command} ends without a word"
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    assert run_in(clone, status).stdout == ""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_shard_opens_in_plain_webdataset_as_the_page_says(clone):
    """Runs after the commands of the page; warnings are errors."""
    snippet = re.search(r"```python\n(import webdataset.*?)```", README, re.DOTALL).group(1)
    run_in(clone, ["python", "-W", "error", "-c", snippet + "\nassert hu.shape == mask.shape"])


def test_make_commands_are_the_ones_that_run_here():
    """`make demo` runs in test_readme.py; `make test` calls this file, in CI too."""
    makefile = (ROOT / "Makefile").read_text()
    shown = {command for command in shown_commands() if command.startswith("make ")}
    assert shown == {"make demo", "make test"}
    assert "demo:\n\tscripts/demo" in makefile
    assert "test:\n\tscripts/test" in makefile
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make test")
