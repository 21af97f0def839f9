"""`lungseg COMMAND` reaches every command, also from a folder with modules of the same names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lungseg.__main__ import COMMANDS

ROOT = Path(__file__).parents[2]


def lungseg(*words, cwd):
    """As it is where the package is installed: found by `PYTHONPATH`, which comes after `cwd`."""
    return subprocess.run(
        [sys.executable, "-m", "lungseg", *map(str, words)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def project(tmp_path):
    """A folder whose own modules have the names of ours, and fail where they are imported."""
    for name in ("ingest", "shards", "tune", "cluster"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a module of the project')\n")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_reached_where_its_name_is_taken(command, project):
    done = lungseg(command, "--help", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: python -m {COMMANDS[command][0]} " in done.stdout


def test_child_processes_find_ours_too(project):
    few = ["--cases", "1", "--test-cases", "1", "--size", "32", "--slices", "16", "--workers", "2"]
    done = lungseg("ingest", "phantom", "--out", "scans", *few, cwd=project)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert len(list((project / "scans").glob("images*/*.nii.gz"))) == 2


def test_exit_codes_are_those_of_the_command(project):
    assert lungseg("fit", "--epochs", 0, cwd=project).returncode == 2
    assert lungseg("shards", "info", "--shards", "absent", cwd=project).returncode == 1


def test_without_a_command_all_are_named_and_a_wrong_one_gets_a_hint(project):
    named = lungseg("--help", cwd=project)
    assert named.returncode == 0
    assert all(f"  {name} " in named.stdout for name in COMMANDS)
    assert lungseg(cwd=project).returncode == 2
    assert lungseg("--version", cwd=project).stdout.startswith("lungseg ")
    wrong = lungseg("evalute", cwd=project)
    assert wrong.returncode == 2
    assert "no command is called evalute, perhaps you meant evaluate" in wrong.stderr
