"""The README is true: `make demo` keeps its promises and the links lead somewhere."""

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


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
def test_demo_finds_a_nodule_of_12_mm(demo):
    with (demo / "evaluation" / "lesions.csv").open(newline="") as file:
        labeled = [row for row in csv.DictReader(file) if row["of"] == "label"]
    small = [row["kind"] for row in labeled if 11 <= float(row["diameter_mm"]) <= 13]
    assert "found" in small
    assert sum(row["kind"] == "found" for row in labeled) >= 0.8 * len(labeled)


@pytest.mark.slow
@pytest.mark.timeout(1300)
def test_demo_leaves_what_the_readme_names(demo):
    for name in re.findall(r"`(runs/demo/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_links_lead_to_files(document):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name}: {target}"
