"""The page of a search can be read on a telephone."""

import re

import pytest

from lungseg.options.loss import LOSSES
from tests.browser import BROWSER, opened
from tests.toy_trials import SCORES, outcome
from tune.options.config import SearchOptions
from tune.results.page import render

# The lines that each cell with a loss takes, as the page's title, at a width of 400 pixels.
LINES = """
<style>body { width: 400px }</style>
<script>
const lines = cell => { const all = document.createRange(); all.selectNodeContents(cell);
  return all.getClientRects().length };
document.title = [...document.querySelectorAll(".ranking td:nth-child(5)")].map(lines).join();
</script>
"""


@pytest.fixture
def page(tmp_path):
    """Of a search over all losses, one trial of which failed."""
    options = SearchOptions.of(shards="/shards", out=tmp_path, losses=LOSSES)
    trials = [outcome(tmp_path, n, 0.9 - 0.1 * n, loss=loss) for n, loss in enumerate(LOSSES)]
    trials.append(outcome(tmp_path, len(LOSSES), None, reason="the loss is nan " * 20))
    values = trials[0].values | {"trial": 0, "best_epoch": 5, "best_config": "best.yaml"}
    return render(options, trials, SCORES | values)


def test_every_loss_has_its_color_in_light_and_dark(page):
    for number in range(len(LOSSES)):
        assert len(re.findall(rf"--loss-{number}: #\w{{6}};", page)) == 2
        assert f'<i class="key loss-{number}"></i>{LOSSES[number]}' in page


def test_one_of_a_kind_is_said_in_the_singular(tmp_path):
    options = SearchOptions.of(shards="/shards", out=tmp_path, epochs=1)
    trial = outcome(tmp_path, 0, 0.5)
    values = trial.values | {"trial": 0, "best_epoch": 1, "best_config": "best.yaml"}
    text = render(options, [trial], SCORES | values | {"n": 1})
    for words in ("n = 1 validation case, which is few", "A search over 1 training<", "1 epoch "):
        assert words in text


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine to open the report with")
def test_no_loss_is_broken_into_pieces_at_400_pixels(page, tmp_path):
    (tmp_path / "page.html").write_text(page.replace("</body>", LINES + "</body>"))
    seen = opened(f"file://{tmp_path}/page.html", tmp_path / "b", "--disable-gpu")
    assert re.search("<title>(.*)</title>", seen.stdout)[1] == ",".join("1" * (len(LOSSES) + 1))
