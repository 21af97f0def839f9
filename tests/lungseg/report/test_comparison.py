"""The page of a comparison says what the comparison does, and refers to nothing outside."""

import json
import re

import pytest

from lungseg.evaluation.comparison import compare
from lungseg.report.comparison import PageError, refuse_to_replace, render, write_page


@pytest.fixture
def comparison(tmp_path):
    """Of 20 cases, a name among them that is HTML, and one that only the first has."""
    for name, gain in (("a", 0.0), ("b", 0.1)):
        cases = [
            {"case": f"<i>{n}", "dice": 0.03 * n + gain, "nsd": 0.5, "truth_ml": 0.4 * n + 0.1}
            for n in range(20 if name == "b" else 21)
        ]
        (tmp_path / name).mkdir()
        text = json.dumps({"cases": [case | {"verdict": "scored"} for case in cases]})
        (tmp_path / name / "metrics.json").write_text(text)
    return compare(tmp_path / "a", tmp_path / "b")


def test_the_page_says_the_verdict_and_each_case(comparison):
    text = render(comparison)
    assert comparison["dice"]["verdict"] in text
    assert "+0.100" in text
    assert len(re.findall('<th scope="row">&lt;i&gt;', text)) == 20
    assert "<i>" not in text
    assert "Only in the first, left out: &lt;i&gt;20." in text
    assert not re.search(r"https?:|//cdn|@import|url\(", text)


def test_no_evidence_is_said_so(tmp_path, comparison):
    text = render(comparison)
    assert "no evidence of a difference" in text  # of the surfaces, which are equal


def test_a_page_is_replaced_only_where_told_so(tmp_path, comparison):
    out = tmp_path / "new" / "page.html"
    refuse_to_replace(out, overwrite=False)
    write_page(comparison, out)
    assert out.read_text() == render(comparison)
    with pytest.raises(PageError, match="would be replaced"):
        refuse_to_replace(out, overwrite=False)
    refuse_to_replace(out, overwrite=True)
    with pytest.raises(PageError, match="is a folder"):
        refuse_to_replace(tmp_path, overwrite=True)
    with pytest.raises(PageError, match="cannot be written"):
        write_page(comparison, out / "page.html")
