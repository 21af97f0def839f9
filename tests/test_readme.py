"""The README is true: its commands run, its links lead somewhere, its promises hold."""

import json
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
    "tune.search": "--trials 2 --epochs 1 --width 4 --depth 3 --batch-size 8",
}


def shown_commands():
    """Every line in a ```sh block, in the order of the page, without its comment."""
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            command = line.split("#")[0].strip()
            if command:
                yield command


@pytest.fixture(scope="module")
def demo():
    """What `make demo` leaves behind, made by the command itself."""
    done = subprocess.run(
        ["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "runs" / "demo"


@pytest.mark.slow
@pytest.mark.timeout(1300)
def test_demo_scores_unseen_scans(demo):
    result = json.loads((demo / "result.json").read_text())
    assert result["dice_case_mean"] >= 0.80
    assert result["n"] >= 3
    assert result["definition"]
    assert "own grid" in result["grid"]


@pytest.mark.slow
@pytest.mark.timeout(1300)
def test_demo_leaves_what_the_readme_names(demo):
    for name in re.findall(r"`(runs/demo/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_commands_run_in_the_order_of_the_page(tmp_path):
    subprocess.run(
        shlex.split(
            f"{sys.executable} -m ingest phantom --out Task06_Lung "
            "--cases 6 --test-cases 1 --size 64 --slices 40"
        ),
        cwd=tmp_path,
        check=True,
        timeout=120,
    )
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in shown_commands():
        if command.startswith("make "):
            continue
        words = shlex.split(command)
        assert words[:2] == ["python", "-m"], f"the README shows a command no test runs: {command}"
        done = subprocess.run(
            words + QUICK.get(words[2], "").split(),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_make_commands_are_the_ones_that_run_here():
    """`make demo` runs above; `make test` is the call that runs this file, in CI too."""
    makefile = (ROOT / "Makefile").read_text()
    shown = {command for command in shown_commands() if command.startswith("make ")}
    assert shown == {"make demo", "make test"}
    assert "demo:\n\tscripts/demo" in makefile
    assert "test:\n\tscripts/test" in makefile
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make test")


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_links_lead_to_files(document):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name}: {target}"
