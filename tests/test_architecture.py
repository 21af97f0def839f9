"""The arrows between the packages, and the one home of each outside library."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "shards": set(),
    "cluster": set(),
    "ingest": {"shards", "cluster"},
    "lungseg": {"shards", "ingest"},
    "tune": {"shards", "cluster", "ingest", "lungseg"},
}

ONLY_IN = {
    "nibabel": {"ingest"},
    "pydicom": {"ingest"},
    "highdicom": {"ingest"},
    "webdataset": {"shards"},
    "pyarrow": {"shards"},
    "fsspec": {"shards"},
    "tyro": {"shards"},
    "isal": {"shards", "ingest"},
    "torch": {"shards", "lungseg"},
    "pytorch_lightning": {"lungseg"},
    "torchmetrics": {"lungseg"},
    "albumentations": {"lungseg"},
    "jinja2": {"lungseg"},
    "ray": {"cluster", "tune"},
    "optuna": {"tune"},
}

FILES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def imported(path):
    """Top-level names of the modules that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def first_sentence(path):
    """First line of a file's docstring; empty where it has none."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_arrows_and_libraries_stay_at_home(path):
    room = path.relative_to(ROOT).parts[0]
    for name in set(imported(path)) - {room}:
        assert name not in MAY_IMPORT or name in MAY_IMPORT[room], f"{room} may not import {name}"
        assert room in ONLY_IN.get(name, {room}), f"{name} belongs in {ONLY_IN[name]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_starts_with_a_sentence(path):
    assert first_sentence(path).endswith((".", ":", "`.")), path


def test_no_package_is_called_utils():
    assert not [path for path in FILES if path.stem in {"utils", "helpers", "common", "misc"}]


def test_the_architecture_names_each_file_with_its_sentence():
    """On failure: copy the lines that are shown into ARCHITECTURE.md."""
    described = (ROOT / "ARCHITECTURE.md").read_text()
    lines = [
        f"- `{path.relative_to(ROOT)}` {first_sentence(path)}"
        for path in FILES
        if path.name != "__init__.py"
    ]
    assert [line for line in lines if line not in described] == []
    assert described.count("\n- `") == len(lines)
