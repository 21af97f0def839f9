"""Distances of surfaces: closed forms, symmetries, and MONAI as an oracle."""

import numpy as np
import pytest

from lungseg.scores.surface import SurfaceScore, cropped, surface_score

PITCH = (0.7, 0.9, 2.3)


def box(start, stop, shape=(24, 20, 16)):
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(*pair) for pair in zip(start, stop, strict=True))] = 1
    return mask


def blobs(seed):
    """Two masks that are partly alike, and a pitch."""
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(seed)
    shape = rng.integers(6, 20, 3)
    one, other = (ndimage.gaussian_filter(rng.normal(size=shape), 1.5) for _ in range(2))
    other = one + rng.uniform(0, 1.5) * other
    pair = [np.asarray(field > np.quantile(field, 0.85), np.uint8) for field in (one, other)]
    return *pair, tuple(rng.uniform(0.5, 3, 3).tolist())


@pytest.mark.filterwarnings("ignore")
def test_scores_are_those_of_monai_on_200_random_pairs():
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    for seed in range(200):
        truth, found, pitch = blobs(seed)
        ours = surface_score(truth, found, axes_mm=np.diag(pitch))
        pair = [torch.tensor(mask)[None, None] for mask in (found, truth)]
        fixed = {"include_background": True, "spacing": pitch}
        hd95 = metrics.compute_hausdorff_distance(*pair, percentile=95, **fixed)
        assd = metrics.compute_average_surface_distance(*pair, symmetric=True, **fixed)
        nsd = metrics.compute_surface_dice(*pair, [2.0], use_subvoxels=True, **fixed)
        theirs = nsd.item(), hd95.item(), assd.item()
        assert (ours.nsd, ours.hd95_mm, ours.assd_mm) == pytest.approx(theirs, abs=1e-4)


def test_equal_masks_touch_everywhere():
    mask = box((3, 4, 5), (9, 9, 9))
    assert surface_score(mask, mask, axes_mm=np.diag(PITCH)) == SurfaceScore(
        nsd=1.0, hd95_mm=0.0, assd_mm=0.0
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_truth_may_be_the_prediction(axis):
    one, other = box((3, 4, 5), (9, 9, 9)), box((3, 4, 5), (12, 10, 11))
    assert surface_score(one, other, axes_mm=np.diag(PITCH)) == surface_score(
        other, one, axes_mm=np.diag(PITCH)
    )
    turned = tuple(np.roll(PITCH, axis).tolist())
    moved = [
        np.moveaxis(mask, range(3), [(n + axis) % 3 for n in range(3)]) for mask in (one, other)
    ]
    same = surface_score(*moved, axes_mm=np.diag(turned))
    assert same.assd_mm == pytest.approx(surface_score(one, other, axes_mm=np.diag(PITCH)).assd_mm)
    assert same.nsd == pytest.approx(surface_score(one, other, axes_mm=np.diag(PITCH)).nsd)


@pytest.mark.parametrize(("shift", "nsd"), [(1, 1.0), (2, 1.0), (3, 0.5), (4, 0.0)])
def test_plates_that_lie_apart_have_their_distance(shift, nsd):
    one, other = box((0, 0, 5), (24, 20, 6)), box((0, 0, 5 + shift), (24, 20, 6 + shift))
    score = surface_score(one, other, axes_mm=np.diag((1.0, 1.0, 1.0)))
    assert score.hd95_mm == score.assd_mm == shift
    assert score.nsd == pytest.approx(nsd, abs=0.02)


def test_a_missed_tumor_is_as_far_away_as_the_scan_is_wide():
    mask, nothing = box((3, 4, 5), (9, 9, 9)), box((0, 0, 0), (0, 0, 0))
    diagonal = float(np.linalg.norm((24 * 0.7, 20 * 0.9, 16 * 2.3)))
    missed = surface_score(mask, nothing, axes_mm=np.diag(PITCH))
    assert missed == SurfaceScore(nsd=0.0, hd95_mm=diagonal, assd_mm=diagonal)
    elsewhere = surface_score(mask, box((20, 16, 14), (24, 20, 16)), axes_mm=np.diag(PITCH))
    assert 0 < elsewhere.hd95_mm < missed.hd95_mm


def test_without_tumor_there_is_nothing_to_compare():
    nothing, mask = box((0, 0, 0), (0, 0, 0)), box((3, 4, 5), (9, 9, 9))
    assert surface_score(nothing, nothing, axes_mm=np.diag(PITCH)) is None
    assert surface_score(nothing, mask, axes_mm=np.diag(PITCH)) is None


def test_a_mask_up_to_the_scans_end_has_a_border_there():
    whole = np.ones((5, 5, 5), np.uint8)
    inner = box((1, 1, 1), (4, 4, 4), shape=(5, 5, 5))
    assert surface_score(whole, inner, axes_mm=np.diag((1.0, 1.0, 1.0))).assd_mm > 0


def test_a_mask_is_cut_to_its_box():
    start, cut = cropped(2 * box((3, 4, 5), (9, 9, 7)))
    assert start.tolist() == [3, 4, 5]
    assert cut.shape == (6, 5, 2)
    assert cut.all()


def test_two_mm_stay_two_mm_on_an_oblique_grid_in_32_bits():
    one, other = box((5, 5, 5), (10, 10, 10)), box((5, 5, 7), (10, 10, 12))
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    for axes_mm in (np.eye(3), turn, turn.astype(np.float32).astype(float), np.eye(3) * (1 + 1e-7)):
        score = surface_score(one, other, axes_mm=axes_mm)
        assert score.nsd == 1
        assert (score.hd95_mm, score.assd_mm) == pytest.approx((2, 38 / 49), abs=1e-5)


def test_a_plate_on_a_grid_askew_is_as_far_away_as_its_plane():
    askew = np.array([[1.0, 0, 0], [0, 1.0, 1.5], [0, 0, 3.0]])  # each slice 1.5 mm to the front
    one, other = box((0, 0, 5), (24, 20, 6)), box((0, 0, 6), (24, 20, 7))
    nearest = np.hypot(0.5, 3)  # a voxel of the next slice, by a step back or ahead
    score = surface_score(one, other, axes_mm=askew)
    found = score.hd95_mm, score.assd_mm
    assert found == pytest.approx((nearest, nearest), rel=0.01)  # it is farther at the rims
    assert surface_score(one, one, axes_mm=askew).nsd == 1
