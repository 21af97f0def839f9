"""The evaluation as one page."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from lungseg.report.evaluation import Chapter, fitted, render
from lungseg.report.filmstrip import film
from lungseg.scores.case_score import CaseScore
from lungseg.scores.lesions import Lesion
from lungseg.scores.summary import metrics
from lungseg.scores.surface import SurfaceScore
from tests.browser import BROWSER, opened


def chapter(case, tp, fp, fn, *, role="unseen", num_slices=30, num_frames=8):
    surface = SurfaceScore(nsd=0.9, hd95_mm=2.5, assd_mm=0.8) if tp + fn else None
    kinds = ["found", "true"] * bool(tp) + ["missed"] * bool(fn) + ["false"] * bool(fp)
    score = CaseScore(
        case=case,
        role=role,
        tp=tp,
        fp=fp,
        fn=fn,
        fn_dropped=0,
        voxel_ml=0.001,
        slices=num_slices,
        slices_dropped=2,
        soft=(float(tp), float(2 * tp + fp + fn)),
        surface=surface,
        lesions=tuple(Lesion(kind=kind, volume_ml=0.1, confidence=0.8) for kind in kinds),
        volume_interval_ml=(0.04, 0.12),
    )
    truth = np.zeros((40, 32, num_slices), np.uint8)
    truth[10:20, 8:20, 12:18] = 1
    image = np.random.default_rng(0).integers(-1000, 400, (num_slices, 64, 64)).astype(np.int16)
    strip = film(
        image,
        truth,
        np.roll(truth, 3, axis=0),
        spacing_mm=(1.0, 1.0, 2.0),
        dropped=(0, 1),
        num_frames=num_frames,
    )
    return Chapter(score=score, strip=strip)


CHAPTERS = [
    chapter("good", 90, 5, 5),
    chapter("missed", 0, 0, 70),
    chapter("free", 0, 0, 0),
    chapter("alarm", 0, 40, 0),
    chapter("<b>odd</b> & name", 50, 40, 30, role="training"),
]


def page(chapters=CHAPTERS):
    result = metrics([item.score for item in chapters], threshold=0.5)
    result |= {"subset": "training", "checkpoint": "best.ckpt"}
    return render(chapters, result, warnings=["n is small"], facts={"Environment": {"torch": "2"}})


class Reader(HTMLParser):
    """Collects ids, links, tags and the data of scripts."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.stack, self.data, self.inside = [], [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("href", "src") if name in values]
        self.inside = values.get("type") == "application/json"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.data.append(json.loads(data))


def test_the_page_refers_to_nothing_outside_itself():
    text = page()
    assert not re.search(r"https?:|//cdn|@import|url\(", text)
    assert all(
        link.startswith(("#case-", "data:image/webp;base64,")) for link in Reader(text).links
    )
    assert "clinical use" in text


def test_every_link_has_its_case_and_names_are_escaped():
    text = page()
    reader = Reader(text)
    targets = {link[1:] for link in reader.links if link.startswith("#")}
    assert targets == {name for name in reader.ids if name.startswith("case-")}
    assert "<b>odd" not in text


def test_the_worst_cases_come_first_and_correct_silence_last():
    order = [name[5:] for name in Reader(page()).ids if name.startswith("case-")]
    assert order == ["missed", "alarm", "<b>odd</b> & name", "good", "free"]


def test_frames_carry_outlines_and_the_key_picture_stands_once():
    for frames in Reader(page()).data:
        assert len(frames) == 8
        assert sum(not frame["image"] for frame in frames) == 1
        shown = [frame for frame in frames if 12 <= frame["z"] < 18]
        assert all(frame["truth"].startswith("M") and frame["prediction"] for frame in shown)
        assert [frame["dropped"] for frame in frames] == [frame["z"] < 2 for frame in frames]


def test_pictures_are_thinned_to_the_room_there_is():
    chapters = [chapter(f"c{n}", 9, 1, n, num_frames=10) for n in range(6)]
    for room in (100_000, 30_000, 9_000, 0):
        strips = [item.strip for item in fitted(chapters, num_bytes=room)]
        assert sum(strip.bytes for strip in strips if strip) <= room
        kept = [strip for strip in strips if strip]
        assert strips[: len(kept)] == kept
        assert all(strip.frames[strip.key_frame].truth for strip in kept)


def test_a_hundred_cases_fit_in_six_megabytes():
    one = chapter("case", 9, 1, 5, num_slices=300, num_frames=60)
    chapters = [
        replace(one, score=replace(one.score, case=f"case_{number:03}")) for number in range(100)
    ]
    assert sum(item.strip.bytes for item in chapters) > 6_000_000
    assert len(page(chapters).encode()) < 6_000_000


def test_what_stands_in_for_the_distance_of_a_missed_case_is_called_so():
    text, without = page(), page([CHAPTERS[0], CHAPTERS[2]])
    assert text.count('<td data-value="2.5">2.5 *</td>') == 1
    assert "mean distance: none, the scan's diagonal stands in</dt><dd>2.5 mm</dd>" in text
    assert "the scan's diagonal stands in for 1 missed case" in text
    assert "2.5 *" not in without
    assert without.count("stands in") == without.count("stands in for both distances") == 1


def test_how_sure_the_model_is_is_drawn_where_it_is_known():
    text = page()
    assert text.count('<svg class="plot"') == 5
    for words in ("FROC score", "ECE 0.", "mean risk 0.", "0.04 to 0.12 mL", "in 3 of 5 scans"):
        assert words in text
    unsure = [replace(item, score=bare(item.score)) for item in CHAPTERS]
    assert page(unsure).count('<svg class="plot"') == 2
    assert "How sure it is" not in page(unsure)


def bare(score):
    lesions = tuple(replace(lesion, confidence=None) for lesion in score.lesions)
    return replace(score, lesions=lesions, volume_interval_ml=None)


def test_other_definitions_stand_in_a_table_with_their_meaning():
    result = metrics([item.score for item in CHAPTERS], threshold=0.5)
    explained = {
        "scores": {"case_mean": {"model": 0.5, "shuffled": None}},
        "definitions": {"case_mean": "the mean of <cases>"},
        "ci95": {"case_mean": [0.4, 0.61]},
        "columns": {"model": "the predictions", "shuffled": "others"},
    }
    result |= {"subset": "training", "checkpoint": "best.ckpt", "explain": explained}
    text = render(CHAPTERS, result, warnings=[], facts={})
    assert '<th scope="row">case_mean</th><td>0.400 to 0.610</td><td>0.500</td><td>–</td>' in text
    assert "the mean of &lt;cases&gt;." in text
    assert "by other definitions" not in page()


def test_one_case_without_tumor_is_a_page():
    text = page([chapter("free", 0, 0, 0)])
    shown = re.sub(r"<script.*?</script>|src=\S+", "", text, flags=re.DOTALL)
    assert not re.search(r"\bnan\b", shown, re.IGNORECASE)


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no chromium on this machine to open the report with")
@pytest.mark.parametrize("width", [500, 1280])  # chromium has no window below 500
def test_a_browser_opens_it_and_its_scripts_run(tmp_path, width):
    probe = """<script>
      const cards = document.querySelectorAll(".case"), card = cards[0];
      const slider = card.querySelector("input");
      slider.value = 0; slider.dispatchEvent(new Event("input"));
      document.querySelectorAll("#cases button")[2].click();
      const rows = [...document.querySelectorAll("#cases tbody tr")];
      const volumes = rows.map(row => row.cells[2].textContent);
      const wide = document.documentElement.scrollWidth > innerWidth;
      const spans = [...card.querySelectorAll(".axis span")].map(s => s.getBoundingClientRect());
      const apart = spans.every((s, n) => n === 0 || s.left >= spans[n - 1].right);
      const where = card.querySelector(".where").textContent;
      document.title = JSON.stringify([where, volumes, wide, apart]);
    </script></body>"""
    (tmp_path / "report.html").write_text(page().replace("</body>", probe))
    flags = ("--disable-gpu", "--disable-background-networking", f"--window-size={width},900")
    seen = opened(f"file://{tmp_path}/report.html", tmp_path / "b", *flags)
    where, volumes, wide, apart = json.loads(re.search("<title>(.*)</title>", seen.stdout)[1])
    assert where == "slice 10"
    assert [float(volume) for volume in volumes] == sorted(float(volume) for volume in volumes)
    assert not wide
    assert apart
