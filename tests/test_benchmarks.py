"""Benchmarks run as files of a folder that comes first in the search for modules."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_no_benchmark_hides_a_package_that_others_import():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages.isdisjoint(path.stem for path in (ROOT / "benchmarks").glob("*.py"))
    assert len(packages) == 5
