"""scripts/gpu ends in one clear line where it cannot run, and knows the versions of its wheels."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "gpu"


def gpu(*words):
    environment = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(
        [SCRIPT, *words], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_says_so_and_leaves_nothing():
    before = set((ROOT / "benchmarks/results").iterdir())
    code, said, complained = gpu()
    assert (code, said, complained.count("\n")) == (1, "", 1)
    assert "torch finds no CUDA device on this machine" in complained
    assert set((ROOT / "benchmarks/results").iterdir()) == before


@pytest.mark.parametrize("words", [["--parts", "all"], ["--parts"], ["--bogus"]])
def test_bad_usage_is_named_in_a_line(words):
    code, said, complained = gpu(*words)
    assert (code, said, complained.count("\n")) == (2, "", 1)
    assert words[-1] in complained


def test_every_wheel_has_its_version_in_the_constraints():
    names = re.search(r"^names=\((.*?)\)", SCRIPT.read_text(), re.DOTALL | re.MULTILINE)[1].split()
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert len(names) > 20
    assert set(names) <= pinned


STAND_IN = """#!/bin/bash
case $* in
    *pytest*) exec {python} -S -c 'import importlib.metadata as m; print(m.version("lungseg"))' ;;
    *platform*) echo "Python of a test" ;;
esac
"""


def test_a_part_finds_the_packages_of_this_project_named_as_if_installed(tmp_path):
    """Runs name the version that they come from; on a bare machine nothing is installed."""
    for name in ("scripts", "wheels", "benchmarks/results"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "scripts/gpu")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "wheels/one-1.0-py3-none-any.whl").touch()
    python = tmp_path / "python"
    python.write_text(STAND_IN.format(python=sys.executable))
    python.chmod(0o755)
    done = subprocess.run(
        [tmp_path / "scripts/gpu", "--parts", "tests"],
        env=os.environ | {"PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (result,) = (tmp_path / "benchmarks/results").iterdir()
    assert f"\n    {version('lungseg')}\n" in result.read_text()


def test_it_passes_shellcheck():
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([shellcheck, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
