import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.phantom.tumor import AROUND, KINDS, POLAR, Tumor, place_tumor

CENTER = (3.0, -2.0, 5.0)
BOX = np.array([(-60.0, -60, -60), (60, 60, 60)])
HILA = np.array([(40.0, 5, 30), (-20, 5, 30)])


def ball(radius_mm, center=CENTER):
    radii = np.full((len(POLAR), len(AROUND)), float(radius_mm))
    return Tumor("solid", np.array(center), radii, 40.0, 1.0, -400.0)


def everywhere(points):
    return np.ones(len(points), bool)


def placed(kind, diameter_mm, *, inside=everywhere, box=BOX, seed=5):
    rng = np.random.default_rng(seed)
    return place_tumor(kind, diameter_mm, inside=inside, box=box, hila=HILA, rng=rng)


def surface(tumor):
    """Points (n, 3) on the surface."""
    toward = np.random.default_rng(0).normal(size=(2000, 3))
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    return tumor.center + toward / tumor.depth(tumor.center + toward)[:, None]


def test_volume_of_a_ball_is_the_formula():
    assert ball(12.0).volume_ml == pytest.approx(4 / 3 * np.pi * 12**3 / 1000, rel=1e-4)
    assert ball(12.0).diameter_mm == pytest.approx(24.0, rel=1e-4)
    assert ball(12.0).reach == 12.0


@given(st.tuples(*[st.floats(-30, 30)] * 3))
def test_depth_in_a_ball_is_the_distance_from_its_center(point):
    point = np.array(point)
    distance = np.linalg.norm(point - CENTER)
    assert ball(8.0).depth(point) == pytest.approx(distance / 8, abs=1e-6)


def test_depth_tells_the_directions_of_an_uneven_tumor_apart():
    tumor = ball(10.0, center=(0, 0, 0))
    tumor.radii[:] = 10 + 2 * np.cos(POLAR)[:, None] + 3 * np.sin(POLAR)[:, None] * np.cos(AROUND)
    there = np.array([(0, 0, 12), (0, 0, -8), (13, 0, 0), (-7, 0, 0), (0, 10, 0), (0, -5, 0)])
    np.testing.assert_allclose(tumor.depth(there), [1, 1, 1, 1, 1, 0.5], rtol=1e-4)


def test_between_the_directions_of_its_table_a_radius_is_bilinear_in_both_angles():
    rng = np.random.default_rng(1)
    tumor = ball(10.0, center=(0, 0, 0))
    tumor.radii[:, :-1] = rng.uniform(5, 15, (len(POLAR), len(AROUND) - 1))
    tumor.radii[:, -1] = tumor.radii[:, 0]
    polar, around = rng.uniform(0, np.pi, 300), rng.uniform(0, 2 * np.pi, 300)
    flat = np.stack([np.cos(around), np.sin(around)]) * np.sin(polar)
    depth = tumor.depth(np.stack([*flat, np.cos(polar)], -1))
    for theta, phi, found in zip(polar, around, depth, strict=True):
        along = [np.interp(phi, AROUND, row) for row in tumor.radii]
        assert 1 / found == pytest.approx(np.interp(theta, POLAR, along), rel=1e-5)


@pytest.mark.parametrize("z_mm", [5.0, 11.0, -4.9])
def test_depth_on_a_slice_is_the_depth_of_its_points_and_all_of_the_tumor(z_mm):
    tumor, axis = ball(10.0), np.arange(-40.0, 40, 0.7)
    rows, columns, depth = tumor.depth_on(axis, z_mm)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    whole = tumor.depth(np.stack([x, y, np.full_like(x, z_mm)], -1))
    np.testing.assert_array_equal(depth, whole[rows, columns])
    assert (depth < 1).sum() == (whole < 1).sum() > 0
    assert depth.size < whole.size / 8


@pytest.mark.parametrize("z_mm", [15.1, -5.1])
def test_a_slice_off_the_tumor_has_nothing_of_it(z_mm):
    rows, columns, depth = ball(10.0).depth_on(np.arange(-40.0, 40), z_mm)
    assert np.zeros((80, 80))[rows, columns].size == depth.size == 0


@pytest.mark.parametrize(("kind", "diameter_mm"), [("solid", 20), ("part-solid", 45)])
def test_label_volume_converges_to_the_true_volume(kind, diameter_mm):
    tumor = placed(
        kind,
        diameter_mm,
        inside=lambda points: np.abs(points).max(axis=1) < 0.7 * diameter_mm,
        box=np.array([(-3.0, -3, -30), (3, 3, 30)]),
    )
    for pitch, tolerance in ((2.0, 0.05), (0.8, 0.005)):
        axis = np.arange(-40, 40, pitch)
        voxels = sum(int((tumor.depth_on(axis, z)[2] < 1).sum()) for z in axis)
        assert voxels * pitch**3 / 1000 == pytest.approx(tumor.volume_ml, rel=tolerance)


def test_the_record_says_where_in_the_world_the_tumor_is():
    affine = np.array([(0.0, -1, 0, 100), (1, 0, 0, 200), (0, 0, 2, 300), (0, 0, 0, 1)])
    record = ball(10.0).record(affine)
    assert record["center_mm"] == [102.0, 203.0, 310.0]
    assert record["kind"] == "solid"
    uneven = ball(10.00002, center=(0.12345, 0.00004, 7)).record(np.eye(4))
    assert uneven["center_mm"] == [0.123, 0.0, 7.0]  # micrometers
    assert (uneven["diameter_mm"], round(uneven["volume_ml"], 6)) == (20.0, uneven["volume_ml"])
    assert record["volume_ml"] == pytest.approx(
        np.pi / 6 * record["diameter_mm"] ** 3 / 1000, rel=1e-3
    )


@pytest.mark.parametrize("kind", ["solid", "part-solid"])
@pytest.mark.parametrize("diameter_mm", [5.0, 12.0, 40.0])
def test_with_room_around_it_a_tumor_has_the_volume_asked_for(kind, diameter_mm):
    tumor = placed(kind, diameter_mm)
    assert tumor.diameter_mm == pytest.approx(diameter_mm, rel=0.03)
    assert tumor.kind == kind
    assert 0.5 * diameter_mm < tumor.reach < 1.2 * diameter_mm
    assert tumor.radii.min() < 0.95 * tumor.radii.max()  # no mere ball


@pytest.mark.parametrize(
    ("smooth", "rough"), [(("part-solid", 20), ("solid", 20)), (("solid", 8.5), ("solid", 9.5))]
)
def test_part_solid_and_tiny_tumors_are_smoother(smooth, rough):
    def roughness(kind, diameter_mm, seed):
        radii = placed(kind, diameter_mm, seed=seed).radii / diameter_mm
        return np.abs(np.diff(radii[6:-6], 2, axis=1)).mean()

    for seed in range(3):
        assert roughness(*smooth, seed) < 0.9 * roughness(*rough, seed)


def test_tumors_are_longer_one_way_than_another():
    for seed in range(3):
        points = surface(placed("solid", 20.0, seed=seed))
        axes = np.sqrt(np.linalg.eigvalsh(np.cov(points.T)))
        assert 1.05 < axes[-1] / axes[0] < 1.8


def test_the_table_of_radii_is_closed_and_has_single_poles():
    radii = placed("solid", 30.0).radii
    np.testing.assert_array_equal(radii[:, 0], radii[:, -1])
    np.testing.assert_allclose(radii[[0, -1]], radii[[0, -1], :1].repeat(len(AROUND), 1))


@pytest.mark.parametrize("kind", KINDS)
def test_no_tumor_leaves_the_lung(kind):
    def half(points):
        return points[:, 0] > -10

    for seed in range(3):
        tumor = placed(kind, 24.0, inside=half, seed=seed)
        assert half(tumor.center[None]).all()
        assert surface(tumor)[:, 0].min() > -10.8  # directions lie five degrees apart


def test_at_the_pleura_a_tumor_is_cut_and_elsewhere_it_is_whole():
    def half(points):
        return points[:, 0] > -10

    whole = np.pi / 6 * 24**3 / 1000
    kept = [
        placed("juxta-pleural", 24.0, inside=half, seed=seed).volume_ml / whole for seed in range(6)
    ]
    assert 0.58 < min(kept) < 0.85 < max(kept) < 0.94
    for seed in range(4):
        assert placed("solid", 24.0, inside=half, seed=seed).volume_ml / whole > 0.88
    assert placed("juxta-pleural", 24.0) is None  # there is no pleura everywhere


def test_in_the_narrow_lung_at_the_hilum_more_of_a_tumor_may_be_cut():
    def narrow(points):
        return np.abs(points[:, 0] - 40) < 9

    whole = np.pi / 6 * 20**3 / 1000
    kept = [placed("hilar", 20.0, inside=narrow, seed=s).volume_ml / whole for s in range(4)]
    assert 0.68 < min(kept) < 0.9
    assert [placed("solid", 20.0, inside=narrow, seed=s) for s in range(4)] == [None] * 4


def test_tumors_of_the_hilum_are_near_it():
    for seed in range(4):
        center = placed("hilar", 20.0, seed=seed).center
        assert np.linalg.norm(center - HILA, axis=1).min() < 18 + 0.6 * 20


def test_only_part_solid_tumors_have_a_haze_around_a_core():
    cores = {kind: placed(kind, 20.0).core for kind in ("solid", "part-solid", "hilar")}
    assert cores["solid"] == cores["hilar"] == 1
    assert 0.45 <= cores["part-solid"] <= 0.65
    tumors = [placed("part-solid", 20.0, seed=seed) for seed in range(9)]
    assert all(18 <= tumor.hu <= 55 and -520 <= tumor.haze_hu <= -330 for tumor in tumors)


def test_a_tumor_keeps_to_its_slices():
    low = np.array([(-60.0, -60, -16), (60, 60, 16)])
    for seed in range(4):
        assert abs(placed("solid", 20.0, box=low, seed=seed).center[2]) < 16 - 0.525 * 20 + 1e-9


def test_where_there_is_no_room_there_is_no_tumor():
    assert placed("solid", 20.0, inside=lambda points: np.zeros(len(points), bool)) is None
    assert placed("solid", 20.0, box=BOX * (1, 1, 0.17)) is None  # 20.4 mm high, 21 are needed
    assert placed("solid", 20.0, box=BOX * (1, 1, 0.18)) is not None


def test_the_seed_decides_the_tumor():
    one, same, other = (placed("solid", 20.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.radii, same.radii)
    assert not np.array_equal(one.radii, other.radii)
