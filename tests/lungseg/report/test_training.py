"""The page of a training holds its curves, its cases by epoch and its pictures."""

import html
import json
import re

import numpy as np
import pytest

from lungseg.report.pictures import webp_bytes
from lungseg.report.training import Course, Example, render
from lungseg.scores.case_counts import CaseCounts
from tests.browser import BROWSER, opened


def case(name, tp, fp, fn):
    return CaseCounts(case=name, tp=tp, fp=fp, fn=fn, false_volume_ml=0.5 * fp)


def row(epoch, **values):
    """A row of metrics.csv; epochs without validation have empty cells."""
    always = {"train/loss": 1 / epoch, "lr": 1e-3, "train/slices_per_s": 40.0}
    always |= {"train/data_wait": 0.01, "val/time_share": 0.2, "train/epoch_seconds": 3.0}
    return {"epoch": str(epoch)} | {name: str(value) for name, value in (always | values).items()}


EPOCHS = [
    row(1, **{"val/loss": "", "val/dice_case_mean": ""}),
    row(2, **{"val/loss": 0.5, "val/dice_case_mean": 0.45, "val/dice_missed": 1}),
    row(3, **{"val/loss": "", "val/dice_case_mean": ""}),
    row(4, **{"val/loss": 0.3, "val/dice_case_mean": 0.7, "val/dice_missed": 0}),
]
CASES = {
    2: [case("good", 9, 1, 1), case("<worse>", 0, 0, 5), case("free", 0, 0, 0)],
    4: [case("good", 9, 1, 1), case("<worse>", 1, 1, 1), case("free", 0, 0, 0)],
}
BEST = {
    "epoch": 4, "dice_case_mean": 0.7, "n": 2, "missed": 0, "tumor_free": 1,
    "false_volume_ml": 0.33, "definition": "Dice is so and so", "grid": "the grid",
    "threshold": 0.5,
}  # fmt: skip


def shade(value):
    return webp_bytes(np.full((16, 16), value, np.uint8), quality=75)


EXAMPLES = [
    Example(
        title=title,
        pictures={epoch: shade(60 * epoch) for epoch in (2, 4)},
        where={2: "a, slice 1", 4: "b, slice 2"},
    )
    for title in ("Large tumor", "Worst false positive of the epoch")
]


def page(best=BEST, cases=CASES, examples=EXAMPLES, epochs=EPOCHS):
    course = Course(epochs=epochs, num_epochs=9, cases=cases, best=best)
    return render(course, name="runs/<a>", examples=examples, facts={"Options": {"lr": 0.25}})


def test_a_curve_has_the_epochs_that_were_validated():
    course = Course(epochs=EPOCHS, num_epochs=9, cases=CASES, best=BEST)
    assert course.curve("val/loss") == [(2, 0.5), (4, 0.3)]
    assert course.of_case("<worse>") == [(2, 0.0), (4, 0.5)]
    assert course.of_case("free") == []


def test_cases_stand_worst_first_with_their_dice_by_epoch():
    names = re.findall(r'<th scope="row">([^<]+)</th>\s*<td data-value', page())
    assert names == ["&lt;worse&gt;", "good", "free"]
    assert 'aria-label="Dice of &lt;worse&gt; by epoch: 0.00, 0.50"' in page()


@pytest.mark.parametrize(
    "said",
    ["epoch 4 of 9", "runs/&lt;a&gt;", "0.700", "Dice is so and so", "the grid", "0.25", "n = 2"],
)
def test_scores_and_options_stand_in_the_page(said):
    assert said in page()


def test_the_page_needs_nothing_from_outside():
    assert not re.search(r'(src|href)="(https?:)?//|@import|url\(', page())


def test_a_training_without_validation_has_a_page_without_scores():
    text = page(best=None, cases={}, examples=[])
    assert "No case validates" in text
    assert "Mean Dice per case" not in text
    assert "<figcaption>Loss</figcaption>" in text


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine to open the report with")
def test_a_browser_goes_through_the_epochs_on_a_telephone(tmp_path):
    probe = """<script>
      document.body.style.width = "400px";
      const where = () => document.querySelector(".examples p").textContent;
      const seen = [where(), document.querySelector(".examples img").src];
      slider.value = 0; slider.dispatchEvent(new Event("input"));
      seen.push(where(), document.querySelector(".examples img").src);
      document.querySelectorAll("th button")[0].click();
      const names = [...document.querySelectorAll(".cases tbody th")].map(th => th.textContent);
      const wide = document.body.scrollWidth > 400;
      document.title = JSON.stringify([seen[0], seen[2], seen[1] !== seen[3], names, wide]);
    </script></body>"""
    (tmp_path / "report.html").write_text(page().replace("</body>", probe))
    seen = opened(f"file://{tmp_path}/report.html", tmp_path / "b", "--disable-gpu")
    title = re.search("<title>(.*)</title>", seen.stdout)[1].replace("&lt;", "<")
    assert json.loads(title.replace("&gt;", ">")) == [
        *("b, slice 2", "a, slice 1", True, ["<worse>", "free", "good"], False)
    ]


def test_the_peak_of_the_gpus_memory_stands_there_where_there_is_one():
    peak = "at most 11.3 GB of the GPU's memory"
    assert peak in html.unescape(page(epochs=[*EPOCHS, row(5, **{"train/gpu_gb": 11.27})]))
    for epochs in (EPOCHS, [row(1, **{"train/gpu_gb": ""})]):
        assert "memory" not in page(epochs=epochs)
