"""The arrows between packages and between their rooms, and the one home of each outside library."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PACKAGES = {
    "shards": set(),
    "cluster": set(),
    "ingest": {"shards", "cluster"},
    "lungseg": {"shards", "cluster", "ingest"},
    "tune": {"shards", "cluster", "ingest", "lungseg"},
}

# Within a package, from the ground up: a room imports only from the rooms before it.
FLOORS = {
    "shards": ["console", "storage", "reading", "order"],
    "ingest": [
        "names",
        "case",
        "scans",
        "dicom",
        "readers",
        "recipe",
        "slices",
        "findings",
        "options",
        "job",
    ],
    "lungseg": [
        "options",
        "models",
        "losses",
        "augment",
        "scores",
        "report",
        "postprocessing",
        "explanation",
        "inference",
        "portable",
        "viewer",
        "training",
        "crossval",
        "evaluation",
        "calibration",
    ],
    "tune": ["options", "history", "trials", "results"],
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
    "onnx": {"lungseg"},
    "onnxruntime": {"lungseg"},
    "albumentations": {"lungseg"},
    "jinja2": {"lungseg"},
    "scipy": {"lungseg"},
    "ray": {"cluster", "tune"},
    "optuna": {"tune"},
    "mlflow": {"lungseg"},
}

MOST_FILES = 14  # in one folder: with more it is two rooms

_GROUPS = (
    "augmentation",
    "crop",
    "data",
    "draw",
    "loss",
    "machine",
    "net",
    "run",
    "step",
    "validation",
)
_ERRORS = (
    "shards.errors",
    "lungseg.errors",
    "lungseg.inference.errors",
    "lungseg.portable.errors",
    "lungseg.viewer.errors",
    "tune.options.errors",
)

# Modules that are tested together: declarations, which one law holds for all of a kind.
TESTED_ELSEWHERE = {
    **{f"lungseg.options.{name}": "tests/lungseg/options/test_groups.py" for name in _GROUPS},
    **dict.fromkeys(_ERRORS, "tests/test_errors.py"),
    "tune.history.fault": "tests/tune/test_faults.py",
    "lungseg.viewer.options": "tests/lungseg/test_view.py",
    "lungseg.portable.options": "tests/lungseg/test_export.py",
    "lungseg.evaluation.predictor": "tests/lungseg/evaluation/test_by_model.py",
}

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imported(path):
    """Full names that a file imports, wherever in the file: of modules, and of what is in them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def as_module(name):
    """The module of ours that an imported name is or lies in; None for others."""
    while name and name not in FILES:
        name = name.rpartition(".")[0]
    return name or None


IMPORTS = {
    module: {as_module(name) for name in imported(path)} - {None, module}
    for module, path in FILES.items()
}


def room(module):
    """The inner room of a module; a file in a package's own folder is a room by itself."""
    return ".".join(module.split(".")[:2])


def first_sentence(path):
    """First line of a file's docstring; empty where it has none."""
    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


@pytest.mark.parametrize("module", FILES)
def test_imports_follow_the_arrows_and_libraries_stay_at_home(module):
    package = module.split(".")[0]
    for name in {name.split(".")[0] for name in imported(FILES[module])} - {package}:
        assert name not in PACKAGES or name in PACKAGES[package], f"{package} may not use {name}"
        assert package in ONLY_IN.get(name, {package}), f"{name} belongs in {ONLY_IN[name]}"


def test_no_import_goes_in_a_circle_be_it_inside_a_function():
    TopologicalSorter(IMPORTS).prepare()  # raises CycleError, which names the circle


def test_no_two_rooms_import_each_other_nor_in_a_longer_circle():
    between = {}
    for module, others in IMPORTS.items():
        between.setdefault(room(module), set()).update({room(other) for other in others})
    TopologicalSorter({here: there - {here} for here, there in between.items()}).prepare()


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_import_from_the_floors_below_them(package):
    floors = [f"{package}.{name}" for name in FLOORS[package]]
    for module in FILES:
        if room(module) in floors:
            above = set(floors[floors.index(room(module)) + 1 :])
            assert not above & {room(other) for other in IMPORTS[module]}, module


def test_no_folder_holds_more_files_than_a_reader_can():
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in FILES.values())
    assert {folder: n for folder, n in counts.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize("module", FILES)
def test_each_file_starts_with_a_sentence(module):
    assert first_sentence(FILES[module]).endswith((".", ":", "`.")), module


def test_no_module_is_called_utils():
    assert not {"utils", "helpers", "common", "misc"} & {name.split(".")[-1] for name in FILES}


def test_the_architecture_has_a_line_for_each_room():
    described = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in FILES.values()}
    assert [name for name in sorted(rooms) if f"| `{name}/` |" not in described] == []
    assert len(described.splitlines()) <= 120  # two screens


def test_each_module_has_a_test_of_its_name():
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    own = {
        module: "/".join(["tests", *module.split(".")[:-1], f"test_{module.split('.')[-1]}.py"])
        for module in FILES
        if not module.endswith(("__init__", "__main__"))
    }
    untested = [m for m, test in own.items() if test not in tests and m not in TESTED_ELSEWHERE]
    assert untested == [], "write a test of that name that states what the module promises"
    assert set(TESTED_ELSEWHERE.values()) <= tests
    assert [m for m in TESTED_ELSEWHERE if m not in own or own[m] in tests] == []
