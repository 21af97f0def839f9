"""Where the lungs reach: on made bodies, on phantoms and on the real scans."""

import nibabel as nib
import numpy as np
import pytest

from ingest.phantom.case import make_phantom
from ingest.readers import open_image
from ingest.scans.geometry import Grid, as_affine, to_canonical
from ingest.scans.planes import axial_planes
from ingest.slices.lung import LungExtent, longest_stretch, lung_area_mm2


def body(lungs_mm=60.0, *, mattress=False, gas=False):
    """A 256 x 256 mm plane with 2 mm pixels: air, an oval body, two round lungs."""
    y, x = np.mgrid[-128:128:2, -128:128:2]
    plane = np.full(x.shape, -1000, np.int16)
    if mattress:
        plane[y > 60] = -930
    plane[(x / 110) ** 2 + (y / 80) ** 2 < 1] = 40
    for side in (-50, 50):
        plane[np.hypot(x - side, y) < lungs_mm / 2] = -850
    if gas:
        plane[np.hypot(x, y + 40) < 15] = -990
    return plane + np.random.default_rng(0).integers(-20, 20, x.shape, dtype=np.int16)


@pytest.mark.parametrize("around", [{}, {"mattress": True}, {"gas": True}])
def test_the_area_is_that_of_the_lungs_alone(around):
    area = lung_area_mm2(body(**around), (2.0, 2.0))
    assert area == pytest.approx(2 * np.pi * 30**2, rel=0.05)


def test_no_lung_is_no_area():
    assert lung_area_mm2(body(0, mattress=True, gas=True), (2.0, 2.0)) == 0
    assert lung_area_mm2(np.full((64, 64), 40, np.int16), (2.0, 2.0)) == 0


def test_a_crop_within_the_body_counts_lung_at_its_border():
    crop = np.ascontiguousarray(body()[50:80, 70:100])
    assert lung_area_mm2(crop, (2.0, 2.0)) == pytest.approx(4 * np.count_nonzero(crop < -400))


def test_a_large_plane_gives_the_area_of_a_small_one():
    large = np.kron(body(), np.ones((4, 4), np.int16))
    assert lung_area_mm2(large, (0.5, 0.5)) == pytest.approx(
        lung_area_mm2(body(), (2, 2)), rel=0.02
    )


@pytest.mark.parametrize(
    ("areas", "expected"),
    [([0, 0, 900, 9000, 800, 0], (2, 4)), ([600, 0, 0, 0, 900, 9000, 800], (4, 6)),
     ([0, 600, 0, 900, 9000, 0], (1, 4)), ([0, 100, 0], None), ([], None)],
)  # fmt: skip
def test_the_longest_stretch_with_lung_may_bridge_a_hole(areas, expected):
    assert longest_stretch(areas, bridged=1) == expected


@pytest.mark.parametrize("case", [1, 2])
def test_a_phantoms_lungs_are_found(case):
    phantom = make_phantom(seed=5, case=case, size=64, slices=32)
    grid = Grid(shape=phantom.image.shape, affine=as_affine(phantom.affine))
    volume = to_canonical(phantom.image, grid)
    extent = LungExtent(grid.canonical().spacing_mm)
    for z in range(volume.shape[2]):
        extent.see(z, np.ascontiguousarray(volume[:, :, z].T))
    lowest, highest = extent.extent()
    marked = to_canonical(phantom.label, grid).any(axis=(0, 1)).nonzero()[0]
    assert highest - lowest > 0.5 * volume.shape[2]
    assert all(lowest <= z <= highest for z in marked)


# By eye, on coronal pictures: lowest and highest slice with lung, from the feet
SEEN = {"Tr/lung_902": (0, 47), "Tr/lung_903": (0, 47), "Tr/lung_905": (0, 40),
        "Tr/lung_906": (7, 56), "Tr/lung_907": (0, 47), "Ts/lung_937": (99, 111)}  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize("name", SEEN)
def test_the_lungs_of_real_scans_are_found(real_data, name):
    volume = open_image(real_data / "lung" / f"images{name}.nii.gz")
    extent = LungExtent(volume.grid.canonical().spacing_mm)
    for z, plane in enumerate(axial_planes(volume, downwards=False)):
        extent.see(z, plane)
    lowest, highest = extent.extent()
    assert (lowest, highest) == pytest.approx(SEEN[name], abs=1)
    label = real_data / "lung" / f"labels{name}.nii.gz"
    if label.exists():
        marked = np.asarray(nib.load(label).dataobj).any(axis=(0, 1)).nonzero()[0]
        assert lowest <= marked.min()
        assert marked.max() <= highest
