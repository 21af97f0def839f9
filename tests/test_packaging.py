"""What people install: the wheel runs anywhere, and its dependencies are the ones tested with."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("shards", "cluster", "ingest", "lungseg", "tune")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TESTED_WITH = ("dicom", "dicom-compressed", "s3", "itk", "onnx", "view", "dev")


def pins():
    """Exact version by name, as constraints.txt has them."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    named = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in named}


def requirements():
    """Every requirement of the project and of the extras that set-up installs."""
    extras = PROJECT["optional-dependencies"]
    texts = [*PROJECT["dependencies"], *(text for name in TESTED_WITH for text in extras[name])]
    return {canonicalize_name((need := Requirement(text)).name): need for text in texts}


def test_every_requirement_is_pinned_to_a_version_that_it_allows():
    pinned = pins()
    for name, need in requirements().items():
        assert need.specifier.contains(pinned[name]), f"{need}, pinned to {pinned[name]}"


def test_set_up_installs_the_extras_that_are_tested_with():
    assert f'".[{",".join(TESTED_WITH)}]"' in (ROOT / "scripts" / "setup").read_text()


@pytest.mark.parametrize("version", ["2.6.2", "2.6.3"])
def test_versions_that_stole_credentials_are_refused(version):
    assert not requirements()["pytorch-lightning"].specifier.contains(version)


@pytest.mark.parametrize("name", ["isal", "zlib-ng", "tyro"])
def test_what_is_used_beyond_its_promises_keeps_its_major_version(name):
    bound = requirements()[name].specifier
    major = int(pins()[name].split(".")[0])
    assert not bound.contains(f"{major + 1}.0")


def run(*words, **how):
    done = subprocess.run(
        list(map(str, words)), capture_output=True, text=True, timeout=200, check=False, **how
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Of a copy of the sources: building leaves its traces beside them."""
    source = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    words = ("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    run(sys.executable, "-m", "pip", *words, "--wheel-dir", source / "made", source)
    (made,) = (source / "made").glob("*.whl")
    return made


@pytest.mark.slow
def test_wheel_has_every_module_template_and_page_and_nothing_else(wheel):
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for pattern in ("*.py", "*.j2", "page/*")
        for path in (ROOT / package).rglob(pattern)
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert found == wanted


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """Python of an environment that has the wheel, and our dependencies but not our sources."""
    home = tmp_path_factory.mktemp("bare")
    run(sys.executable, "-m", "venv", "--without-pip", home)
    python = home / "bin" / "python"
    words = ("install", "--no-deps", "--no-index", "--quiet", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *words)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["ingest", "shards", "lungseg.fit", "lungseg.evaluate", "tune.search"]
)
def test_installed_commands_start_in_an_empty_folder(bare, command, tmp_path):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    said = run(bare, "-m", command, "--help", cwd=tmp_path, env=clean)
    assert re.search(r"usage: .*python -m " + command, said)
    where = run(bare, "-c", f"import {command} as m; print(m.__file__)", cwd=tmp_path, env=clean)
    assert Path(where.strip()).is_relative_to(bare.parents[1])
    assert list(tmp_path.iterdir()) == []
