import numpy as np
import pytest

from ingest.phantom import organs
from ingest.phantom.canvas import Frame
from ingest.phantom.scanner import HIGHEST_HU, KERNELS, LOWEST_HU, Chest, Scan, scan_chest
from ingest.phantom.tree import Pieces
from ingest.phantom.tumor import AROUND, POLAR, Tumor

NO_TUBES = Pieces(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))


def ball(radius_mm, center, **changes):
    radii = np.full((len(POLAR), len(AROUND)), float(radius_mm))
    made = {"kind": "solid", "hu": 40.0, "core": 1.0, "haze_hu": -400.0} | changes
    return Tumor(center=np.array(center, float), radii=radii, **made)


@pytest.fixture
def scanned(standard_patient):
    """Function: what differs from a plain scan of the standard chest -> HU (x, y, z)."""

    def scan(*, tumors=(), vessels=NO_TUBES, airways=NO_TUBES, seed=0, patient=None, **changes):
        grid = {
            "frame": Frame(128, 3.4), "first_z": -30.0, "thickness": 2.0, "num_slices": 1,
            "kernel": "soft", "padding_hu": None,
        }  # fmt: skip
        chest = Chest(patient or standard_patient(), vessels, airways, list(tumors))
        return scan_chest(chest, Scan(**(grid | changes)), np.random.default_rng(seed))

    return scan


def near(image, x, y, z=0, pixels=2):
    """Mean HU of some pixels around a place in mm."""
    i, j = np.rint(Frame(128, 3.4).to_pixels(np.array([x, y]))).astype(int)
    return float(image[i - pixels : i + pixels + 1, j - pixels : j + pixels + 1, z].mean())


def test_slices_follow_each_other_by_their_thickness():
    scan = Scan(Frame(8, 1.0), -20.0, 2.5, 4, "soft", None)
    assert scan.z_mm().tolist() == [-20, -17.5, -15, -12.5]


def test_a_scan_is_a_volume_of_hu_in_the_order_x_y_z(scanned):
    image = scanned(frame=Frame(64, 6.8), num_slices=3)
    assert (image.shape, image.dtype) == ((64, 64, 3), np.int16)
    assert LOWEST_HU <= image.min() < -900 < 200 < image.max() <= HIGHEST_HU


def test_the_seed_decides_the_noise_and_nothing_else(scanned):
    one, same, other = (scanned(seed=seed).astype(int) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert abs(one - other).mean() < 60


def test_padding_is_all_that_lies_outside_the_round_field(scanned):
    plain, padded = scanned(), scanned(padding_hu=-2048)
    axis = Frame(128, 3.4).axis_mm()
    outside = np.hypot(axis[:, None], axis[None, :]) > 64 * 3.4
    assert (padded[outside] == -2048).all()
    assert np.array_equal(padded[~outside], plain[~outside])


def test_organs_keep_their_hu(scanned):
    image = scanned()
    assert near(image, 80, 10) == pytest.approx(-860, abs=40)
    assert near(image, -18, 38, pixels=1) == pytest.approx(40, abs=25)  # the heart's outflow
    assert near(image, 0, 200) == pytest.approx(-1000, abs=15)


def test_lung_is_as_dense_as_the_patients_and_denser_behind(scanned, standard_patient):
    denser = scanned(patient=standard_patient(lung_hu=-830.0)).astype(int) - scanned()
    assert near(denser, 95, -10, pixels=1) == pytest.approx(30, abs=1)
    assert near(denser, 0, 200) == 0
    image = scanned()
    behind, front = near(image, 70, -40), near(image, 70, 40)
    assert behind - front == pytest.approx(80 * 34 / 75, abs=25)


@pytest.mark.parametrize("core", [1.0, 0.5])
def test_a_tumor_is_painted_with_its_core_and_its_haze(scanned, core):
    tumor = ball(18.0, (75, 5, -30), core=core)
    image = scanned(tumors=[tumor], kernel="standard")
    assert near(image, 75, 5, pixels=1) == pytest.approx(40, abs=25)
    edge = near(image, 75 + 13.6, 5, pixels=0)
    assert edge == pytest.approx(40 if core == 1 else -400, abs=140)
    assert near(image, 75 + 30, 5) < -750


def test_a_small_tumor_fades_on_a_thick_slice(scanned):
    thin, thick = (
        near(scanned(tumors=[ball(5.0, (75, 5, -30))], thickness=mm), 75, 5, pixels=0)
        for mm in (2.0, 20.0)
    )
    assert thin > thick + 250
    assert thick > -800


def test_vessels_are_blood_and_airways_air(scanned):
    start, end = np.array([(70.0, 5, -60)]), np.array([(70.0, 5, 0)])
    tube = Pieces(start, end, np.array([7.0]))
    assert near(scanned(vessels=tube), 70, 5, pixels=0) == pytest.approx(40, abs=60)
    assert near(scanned(airways=tube), 70, 5, pixels=0) == pytest.approx(organs.AIRWAY, abs=60)


def noise_hu(scanned, **changes):
    """Standard deviation of what two scans differ by, in soft tissue of the belly."""
    one, other = (
        scanned(first_z=-150.0, seed=seed, **changes)[..., 0].astype(float) for seed in (1, 2)
    )
    axis = Frame(128, 3.4).axis_mm()
    liver = np.ix_((axis > 30) & (axis < 100), (axis > -20) & (axis < 30))
    return (one - other)[liver].std() / 2**0.5


def test_sharp_kernels_and_thin_slices_have_more_noise(scanned):
    soft, standard, sharp = (noise_hu(scanned, kernel=kernel) for kernel in KERNELS)
    assert soft < standard < sharp
    assert noise_hu(scanned, kernel="sharp", thickness=8.0) < 0.7 * sharp


def test_soft_kernels_blur_edges(scanned, standard_patient):
    steepest = [
        np.abs(np.diff(scanned(frame=Frame(320, 1.36), kernel=kernel)[:, 160, 0].astype(int))).max()
        for kernel in KERNELS
    ]
    assert steepest == sorted(steepest)


def test_streaks_lie_between_the_shoulders_alone(scanned):
    def along_rows(z):
        one, other = (scanned(first_z=z, seed=seed)[..., 0].astype(float) for seed in (1, 2))
        difference = (one - other)[50:78, 50:78]
        return difference.mean(0).std() / difference.std()  # streaks run along x

    assert along_rows(90.0) > 1.5 * along_rows(-60.0)
