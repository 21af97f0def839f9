"""The laws of a contour mask: its volume is that of the polygons, and a difference is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.dicom.masks.contours import CONTOUR_VOLUME, ContourMask
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.options import BuildShards, Check
from ingest.scans.volume import whole
from shards.manifest import Manifest
from tests.toy_contours import GRID, PATH, SQUARE, contour, structure

VOXEL_ML = 2 * 2 * 3 / 1000
HALF = SQUARE - 0.5  # its edges run between the pixel centers


def read(*contours):
    """A mask that was read through, and its voxels (i, j, k)."""
    mask = ContourMask(PATH, structure(("GTV", list(contours))), on=GRID, roi=())
    return mask, whole(mask, np.uint8)


def star(x, y, radii):
    turn = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    return np.stack([x + radii * np.cos(turn), y + radii * np.sin(turn)], axis=1)


def turns(polygon, x, y):
    """How often the outline turns around a point, by the angles under which its edges are seen."""
    angles = np.arctan2(polygon[:, 1, None, None] - y, polygon[:, 0, None, None] - x)
    steps = np.roll(angles, -1, axis=0) - angles
    return np.abs(np.angle(np.exp(1j * steps)).sum(axis=0)) / (2 * np.pi)


def far_from(polygon, x, y):
    """Whether a point lies off every edge: where it lies on one, any answer will do."""
    start, end = polygon[:, :, None, None], np.roll(polygon, -1, axis=0)[:, :, None, None]
    along, to = end - start, np.stack([x, y]) - start
    part = np.clip((along * to).sum(axis=1) / (along**2).sum(axis=1), 0, 1)[:, None]
    return np.linalg.norm(to - part * along, axis=1).min(axis=0) > 1e-3


RADII = st.lists(st.floats(1, 9), min_size=3, max_size=12).map(np.array)


@given(st.floats(10, 20), st.floats(10, 13), RADII, st.integers(0, 7))
def test_a_voxel_is_tumor_if_its_center_is_seen_from_within(x, y, radii, k):
    outline = star(x, y, radii)
    _, voxels = read(contour(outline, k))
    i, j = np.mgrid[:32, :24].astype(float)
    clear = far_from(outline, i, j)
    assert np.array_equal(voxels[:, :, k][clear], turns(outline, i, j)[clear] > 0.5)
    assert not np.delete(voxels, k, axis=2).any()


@given(st.floats(10, 20), st.floats(10, 13), RADII)
def test_the_volume_of_a_plain_outline_is_measured_and_needs_no_remark(x, y, radii):
    outline = star(x, y, radii)
    mask, _ = read(*(contour(outline, k) for k in range(2, 6)))
    area = 0.5 * abs(np.linalg.det(np.stack([outline, np.roll(outline, -1, axis=0)], 1)).sum())
    assert mask.measures[CONTOUR_VOLUME] == pytest.approx(4 * area * VOXEL_ML, abs=1e-4)
    assert [remark for remark in mask.remarks if "mL" in remark] == []


def test_an_outline_that_runs_around_twice_is_said_with_both_volumes():
    mask, voxels = read(*(contour(np.tile(HALF, (2, 1)), k) for k in (2, 3)))
    assert voxels.sum() == 0
    (remark,) = [remark for remark in mask.remarks if "mL" in remark]
    assert "enclose 4.8 mL, the voxels within them hold 0 mL" in remark


def test_what_reaches_beyond_the_scan_is_said():
    mask, voxels = read(*(contour(HALF + np.array([22, 0]), k) for k in (2, 3)))
    assert voxels.sum() == 2 * 50
    assert "enclose 2.4 mL, the voxels within them hold 1.2 mL" in mask.remarks[-1]


def test_rings_twins_and_overlaps_are_counted_by_slice_and_agree_with_the_polygons():
    ring = [contour(HALF, 2), contour(HALF * 0.5 + 4.25, 2)]
    twins = [contour(HALF, 3), contour(HALF, 3)]
    cross = [contour(HALF, 4), contour(HALF + 3, 4)]
    mask, voxels = read(*ring, *twins, *cross)
    assert voxels.sum(axis=(0, 1)).tolist() == [0, 0, 100 - 25, 100, 200 - 49, 0, 0, 0]
    assert mask.measures[CONTOUR_VOLUME] == pytest.approx(voxels.sum() * VOXEL_ML, rel=0.02)
    assert mask.remarks == [
        "outlines that are there twice, counted once: 1 (slices 3)",
        "outlines that cross others of their region, counted as a union: 2 (slices 4)",
    ]


def test_reading_twice_says_everything_once():
    mask, first = read(contour(HALF, 3), contour(HALF, 3), contour(SQUARE * 0.01 + 0.3, 5))
    said = list(mask.remarks)
    assert np.array_equal(whole(mask, np.uint8), first)
    assert mask.remarks == said
    assert "enclose no pixel center, lost: 1 (slices 5)" in " ".join(said)


@pytest.fixture
def source(tmp_path, write_series, write_rtstruct):
    """Folder with a series and contours on every second slice, one of them stored twice."""
    affine = np.array([[-0.7, 0, 0, 20], [0, -0.7, 0, 5], [0, 0, 2.5, -100], [0, 0, 0, 1.0]])
    hu = np.random.default_rng(0).integers(-1000, 500, (24, 24, 8), dtype=np.int16)
    datasets = write_series(tmp_path / "in", hu, affine)
    drawn = [(0, k, HALF) for k in (2, 4, 4)]
    write_rtstruct(tmp_path / "in" / "rt.dcm", datasets, drawn, affine=affine)
    return tmp_path / "in"


def test_remarks_reach_the_manifest_and_check_alike(source, tmp_path):
    options = {"source": source, "drop_slices": 0, "size": 24, "workers": 1}
    build_shards(BuildShards(out=str(tmp_path / "out"), **options))
    text = (tmp_path / "out" / "manifest.json").read_bytes()
    (entry,) = Manifest.from_json(text, where="out").cases.values()
    assert entry.tumor_voxels == 200
    assert len(entry.warnings) == 2
    assert "no contour on 1 of the slices between its first and last (3)" in entry.warnings[0]
    assert "there twice, counted once: 1 (slices 4)" in entry.warnings[1]
    assert entry.measures[CONTOUR_VOLUME] == pytest.approx(200 * 0.7 * 0.7 * 2.5 / 1000, rel=1e-3)
    found = check(Check(**options))["findings"]
    assert tuple(finding["message"] for finding in found) == entry.warnings
