"""Counts of a scan give the Dice that masks would give."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from lungseg.calibration.tally import Tallying
from lungseg.postprocessing.rules import Rules


def made(seed):
    """Probabilities, hull and truth (z, y, x)."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(8, 20, 20)), 1.2)
    probability = ((field - field.min()) / np.ptp(field)).astype(np.float32)
    hull = np.zeros(field.shape, np.uint8)
    hull[:, :, :9] = 1
    truth = (field + 0.3 * gaussian_filter(rng.normal(size=field.shape), 1.2) > 0.3).astype(
        np.uint8
    )
    return probability, hull, truth


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rules", [{}, {"smallest_mm3": 30.0}, {"lung_hull": True}])
def test_any_threshold_and_rules_give_the_dice_of_their_mask(seed, rules):
    probability, hull, truth = made(seed)
    counting = Tallying([0.5, 0.7])
    for z in range(8):
        counting.see(z, probability[z], hull[z], truth[z])
    tally = counting.tally("a", tumor=int(truth.sum()), voxel_mm3=2.0)
    for threshold in (0.5, 0.7):
        labels, n = label(probability >= threshold, np.ones((3, 3, 3)))
        kept = [k for k in range(1, n + 1) if holds(labels == k, hull, **rules)]
        mask = np.isin(labels, kept)
        expected = 2 * (mask & (truth == 1)).sum() / (mask.sum() + truth.sum())
        assert tally.score(threshold, Rules(**rules)) == pytest.approx(expected, abs=1e-12)
        assert tally.found(threshold, Rules(**rules))[0] == mask.sum()


def holds(lesion, hull, *, smallest_mm3=0.0, lung_hull=False):
    return 2.0 * lesion.sum() >= smallest_mm3 and (not lung_hull or (lesion & (hull == 1)).any())


def test_a_scan_in_which_nothing_is_found_has_no_lesions():
    counting = Tallying([0.5])
    counting.see(0, np.zeros((4, 4), np.float32), *np.zeros((2, 4, 4), np.uint8))
    tally = counting.tally("a", tumor=5, voxel_mm3=1.0)
    assert tally.lesions[0.5].shape == (0, 3)
    assert tally.score(0.5, Rules(keep_largest=1)) == 0


def test_a_scan_without_tumor_scores_by_what_is_falsely_called_so():
    counting = Tallying([0.5])
    counting.see(0, np.ones((4, 5), np.float32), *np.zeros((2, 4, 5), np.uint8))
    tally = counting.tally("a", tumor=0, voxel_mm3=25.0)  # 20 voxels are half a mL
    assert tally.score(0.5, Rules()) == pytest.approx(1 / 1.5)
    assert tally.score(0.5, Rules(smallest_mm3=501)) == 1
