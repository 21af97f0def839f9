"""A case's chapter counts what any predictor says on the scan's own grid, dropped slices too."""

import dataclasses

import numpy as np
import pytest

from ingest.case import BadCaseError, Case
from ingest.recipe import Recipe
from lungseg.evaluation.of_case import examine
from lungseg.evaluation.predictor import Prediction


class Shifted:
    """Predicts the truth, shifted, and without the slices that it does not read."""

    def __init__(self, *, steps=3, unread=(), views=()):
        self.reading = Recipe(size=16, drop_slices=0)
        self.views, self.steps, self.unread, self.seen = views, steps, unread, None

    def role_of(self, case):
        return "validation" if case == "ball" else "unseen"

    def predict(self, scan):
        self.seen = scan
        mask = np.roll(scan.truth, self.steps, axis=0)
        mask[:, :, list(self.unread)] = 0
        return Prediction(mask=mask, unread=self.unread, soft=(1.5, 4.0))


@pytest.fixture
def case(tmp_path, scans):
    truth = scans.ball()
    image = scans.write_scan(tmp_path / "ball.nii.gz", truth, orientation="PIR")
    label = scans.write(tmp_path / "label.nii.gz", truth, orientation="LPS")
    return Case(name="ball", image=image, label=label, patient="")


def test_counts_are_those_of_the_two_masks(case, scans):
    score = examine(case, Shifted(), num_frames=5).score
    truth = scans.ball() > 0
    found = np.roll(truth, 3, axis=0)
    assert (score.tp, score.fp, score.fn) == (
        (truth & found).sum(),
        (~truth & found).sum(),
        (truth & ~found).sum(),
    )
    assert (score.case, score.role, score.soft) == ("ball", "validation", (1.5, 4.0))
    assert score.voxel_ml == pytest.approx(1.5 * 1.5 * 3 / 1000)
    assert (score.slices, score.slices_dropped, score.fn_dropped) == (20, 0, 0)
    assert [lesion.kind for lesion in score.lesions] == ["found", "true"]
    assert 0 < score.surface.hd95_mm <= 4.5 + 1e-6  # three steps of 1.5 mm


def test_tumor_in_slices_that_were_not_read_is_missed_and_counted_apart(case, scans):
    unread = (0, 11, 12)
    chapter = examine(case, Shifted(steps=0, unread=unread), num_frames=30)
    dropped = scans.ball()[:, :, list(unread)].sum()
    assert chapter.score.fn == chapter.score.fn_dropped == dropped > 0
    assert chapter.score.slices_dropped == 3
    assert {frame.z for frame in chapter.strip.frames if frame.dropped} == {11, 12}
    assert chapter.strip.prediction_mm2[11] == 0 < chapter.strip.truth_mm2[11]


def test_a_predictor_gets_the_views_that_it_asked_for_and_people_see_all_slices(case):
    small = Recipe(size=8, drop_slices=6)
    predictor = Shifted(views=(small,))
    chapter = examine(case, predictor, num_frames=60)
    (view,) = predictor.seen.views
    assert view.images.shape == (14, 8, 8)
    assert list(view.z) == list(range(6, 20))
    assert predictor.seen.truth.shape == predictor.seen.grid.canonical().shape
    assert len(chapter.strip.truth_mm2) == 20


def test_a_problem_that_is_known_before_is_said_before_a_file_is_opened(case):
    wrong = dataclasses.replace(case, image=case.image.with_name("absent"), problem="two masks")
    with pytest.raises(BadCaseError, match=r"^two masks$"):
        examine(wrong, Shifted(), num_frames=5)
