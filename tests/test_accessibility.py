"""Every page that people are given is without serious findings of axe-core, in light and dark."""

import json
import re
import shutil
import subprocess
import threading

import pytest

from lungseg.evaluation.comparison import compare
from lungseg.report import comparison, folds
from lungseg.scores.summary import metrics
from lungseg.viewer.scene import scene
from lungseg.viewer.server import Server
from lungseg.viewer.show import page
from tests.browser import BROWSER, SOFTWARE_GPU, opened
from tests.lungseg.conftest import ball, write, write_scan
from tests.lungseg.report import test_folds, test_training
from tests.lungseg.report.test_evaluation import CHAPTERS
from tests.toy_trials import SCORES, outcome
from tune.options.config import SearchOptions
from tune.results import page as search_page

AXE = "axe-core@4.14.1"
NPM = shutil.which("npm")
SERIOUS = {"serious", "critical"}

PROBE = """<script>{axe}</script><script>
axe.run(document, {{ resultTypes: ["violations"] }}).then((found) => {{
  document.title = JSON.stringify(found.violations.map((each) =>
    [each.impact, each.id, each.nodes.length, each.nodes[0].html.slice(0, 200)]));
}});
</script></body>"""

VIEW_PROBE = b"""
while (!document.body.dataset.shown) await new Promise((go) => setTimeout(go, 50));
const page = document.documentElement;
document.body.dataset.widerThanTheScreen = page.scrollWidth > page.clientWidth;
const found = await axe.run(document, { resultTypes: ["violations"] });
document.title = JSON.stringify(found.violations.map((each) => [each.impact, each.id]));
"""


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The text of axe-core, a tool of these tests alone, from npm."""
    if not (NPM and BROWSER):
        pytest.skip("no npm or no chromium on this machine to check pages with")
    folder = tmp_path_factory.mktemp("axe")
    command = [NPM, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", AXE]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm does not install {AXE} within 2 minutes here")
    if ended.returncode:
        pytest.skip(f"npm cannot install {AXE} here: {ended.stderr.strip()[-200:]}")
    return (folder / "node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The pages by name, each with all that it can show."""
    folder = tmp_path_factory.mktemp("pages")
    return {
        "evaluation": evaluation(),
        "comparison": comparison.render(compared(folder)),
        "search": search(folder),
        "training": test_training.page(),
        "folds": folds.render(test_folds.FOLDS, test_folds.RESULT),
    }


def evaluation():
    from lungseg.report.evaluation import render

    result = metrics([item.score for item in CHAPTERS], threshold=0.5)
    explained = {
        "scores": {"case_mean": {"model": 0.5}},
        "definitions": {"case_mean": "the mean over cases"},
        "ci95": {"case_mean": None},
        "columns": {"model": "the predictions"},
    }
    result |= {"subset": "training", "checkpoint": "best.ckpt", "explain": explained}
    return render(CHAPTERS, result, warnings=["n is small"], facts={"Environment": {"torch": "2"}})


def compared(folder):
    for name in ("a", "b"):
        cases = [
            {"case": f"c{n}", "dice": 0.05 * n, "nsd": 0.5, "truth_ml": 2.0 * n + 1}
            | {"verdict": "scored"}
            for n in range(9 if name == "b" else 10)
        ]
        (folder / name).mkdir()
        (folder / name / "metrics.json").write_text(json.dumps({"cases": cases}))
    return compare(folder / "a", folder / "b")


def search(folder):
    options = SearchOptions.of(shards="/shards", out=folder, losses=("bce", "focal"))
    trials = [outcome(folder, n, 0.9 - 0.1 * n, loss=loss) for n, loss in enumerate(options.losses)]
    trials.append(outcome(folder, 2, None, reason="the loss is nan"))
    values = trials[0].values | {"trial": 0, "best_epoch": 5, "best_config": "best.yaml"}
    return search_page.render(options, trials, SCORES | values)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["evaluation", "comparison", "search", "training", "folds"])
def test_axe_finds_nothing_serious(name, scheme, axe, pages, tmp_path):
    probed = pages[name].replace("</body>", PROBE.format(axe=axe))
    (tmp_path / "page.html").write_text(probed)
    dark = "0" if scheme == "dark" else "1"
    flags = (f"--blink-settings=preferredColorScheme={dark}", "--virtual-time-budget=20000")
    address = f"file://{tmp_path}/page.html"
    seen = opened(address, tmp_path / "b", "--disable-gpu", *flags)
    assert serious(seen.stdout) == []


def serious(document):
    """What axe-core found and left in a page's title, as far as it is serious."""
    title = re.search("<title>(.*?)</title>", document)[1]
    found = json.loads(title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return [each for each in found if each[0] in SERIOUS]


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_view_of_a_scan_on_a_phone(axe, tmp_path):
    scan = write_scan(tmp_path / "a.nii.gz", ball())
    files = page() | scene(scan, [write(tmp_path / "mask.nii.gz", ball())])
    added = b'<script src="axe.js"></script><script type="module" src="probe.js"></script></body>'
    files["index.html"] = files["index.html"].replace(b"</body>", added)
    with Server(files | {"axe.js": axe.encode(), "probe.js": VIEW_PROBE}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        flags = (*SOFTWARE_GPU, "--window-size=400,800", "--virtual-time-budget=20000")
        seen = opened(server.address, tmp_path / "b", *flags)
        server.shutdown()
    assert serious(seen.stdout) == []
    assert 'data-wider-than-the-screen="false"' in seen.stdout
