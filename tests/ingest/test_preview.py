"""The contact sheet: which slices are on it, and that what is drawn is where it should be."""

import shutil

import cv2
import nibabel as nib
import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.job.build import build_shards
from ingest.options import BuildShards, Preview
from ingest.preview import CAPTION, COLUMNS, TILE, draw_tile, extreme_tumors, preview
from shards.errors import ShardError
from shards.record import Slice
from shards.storage.store import open_shards


def record(case="lung_001", z=7, *, mask=None, spacing_mm=(2.0, 2.0, 3.0)):
    image = np.random.default_rng(z).integers(-1000, 400, (32, 32), dtype=np.int16)
    mask = np.zeros((32, 32), np.uint8) if mask is None else mask
    return Slice(case=case, z=z, image=image, mask=mask, spacing_mm=spacing_mm)


def square(side, corner=(4, 6)):
    mask = np.zeros((32, 32), np.uint8)
    mask[corner[0] : corner[0] + side, corner[1] : corner[1] + side] = 1
    return mask


SIDES = (3, 9, 0, 6, 2, 8, 4, 0)
"""Of the square tumor on the second slice of each case, in pixels."""


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "compressed"])
def shards(request, tmp_path_factory):
    """A shard set with two slices a case."""
    folder = tmp_path_factory.mktemp("preview")
    for number, side in enumerate(SIDES):
        hu = np.stack([record(z=z).image.T for z in (0, number)], axis=2)
        mask = np.stack([square(0), square(side)], axis=2)
        for kind, array in (("imagesTr", hu), ("labelsTr", mask)):
            (folder / "scans" / kind).mkdir(parents=True, exist_ok=True)
            image = nib.Nifti1Image(array, np.diag([2.0, 2.0, 3.0, 1.0]))
            nib.save(image, folder / "scans" / kind / f"lung_{number:03d}.nii")
    out = str(folder / "shards")
    options = {"size": 32, "drop_slices": 0, "compress": request.param, "workers": 1}
    build_shards(BuildShards(source=folder / "scans", out=out, **options))
    return out


def test_the_sheet_shows_largest_smallest_and_random_slices(shards, tmp_path):
    out = tmp_path / "new" / "sheet.png"
    result = preview(Preview(shards=shards, out=out, random=3))
    cases = [key.removesuffix("-0001") for key in result["slices"][:6]]
    assert cases[:4] == ["lung_001", "lung_005", "lung_003", "lung_006"]
    assert cases[4:] == ["lung_004", "lung_000"]
    assert len(set(result["slices"][6:])) == 3
    assert cv2.imread(str(out)).shape == (3 * (TILE + CAPTION), COLUMNS * TILE, 3)


@pytest.mark.parametrize(("group", "sign"), [("largest", -1), ("smallest", 1)])
def test_tiles_come_in_the_order_of_the_areas_in_their_captions(
    shards, tmp_path, monkeypatch, group, sign
):
    shown = []

    def noting(record, kind):
        shown.append((kind, record.tumor_pixels))
        return draw_tile(record, kind)

    monkeypatch.setattr("ingest.preview.draw_tile", noting)
    volumes = iter([1.0, 4.0, 0.0, 7.0, 2.0, 5.0, 3.0, 0.0])
    monkeypatch.setattr("ingest.preview._kept_volume_ml", lambda entry: next(volumes))
    preview(Preview(shards=shards, out=tmp_path / "sheet.png"))
    areas = [area for kind, area in shown if kind == group]
    assert len(areas) > 1
    assert areas == sorted(areas, key=lambda area: sign * area)


def test_equal_seeds_draw_equal_sheets(shards, tmp_path):
    first, again, other = (
        preview(Preview(shards=shards, out=tmp_path / "a.png", random=3, seed=seed))["slices"]
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_no_case_is_both_large_and_small():
    case = np.repeat(np.arange(5, dtype=np.int32), 2)
    pixels = np.array([0, 5, 9, 1, 0, 0, 2, 3, 8, 0], np.int32)
    largest, smallest = extreme_tumors([5.0, 90.0, 0.0, 1.0, 30.0], case, pixels, 2)
    assert largest == [2, 8]
    assert smallest == [7, 1]


def test_a_case_whose_tumor_no_slice_shows_is_neither_large_nor_small():
    case = np.repeat(np.arange(3, dtype=np.int32), 2)
    pixels = np.array([0, 4, 0, 0, 2, 0], np.int32)
    assert extreme_tumors([1.0, 9.0, 3.0], case, pixels, 4) == ([4, 1], [])


def test_a_tile_shows_the_patient_from_the_feet_with_the_front_up():
    bright = record(mask=square(6, corner=(2, 3)))
    bright.image[:] = -1000
    bright.image[2:8, 3:9] = 400  # behind, on the patient's left
    tile = draw_tile(bright, "largest")
    assert tile.shape == (TILE + CAPTION, TILE, 3)
    rows, columns = np.nonzero(tile[:TILE, :, 0] > 250)
    assert rows.mean() / TILE == pytest.approx(1 - 5 / 32, abs=0.01)
    assert columns.mean() / TILE == pytest.approx(1 - 6 / 32, abs=0.01)
    blue = (tile[:TILE] == (86, 180, 233)).all(axis=2)
    assert blue.sum() == pytest.approx(4 * 60, abs=8)


def test_a_tile_keeps_the_patients_proportions():
    wide = record(spacing_mm=(2.0, 1.0, 3.0))
    wide.image[:] = 400
    rows, columns = np.nonzero(draw_tile(wide, "random")[:TILE, :, 0] == 255)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (TILE // 2, TILE)


def test_a_folder_without_shards_is_refused(tmp_path):
    with pytest.raises(ShardError, match="build-shards"):
        preview(Preview(shards=str(tmp_path), out=tmp_path / "a.png"))


def test_a_place_that_takes_no_picture_is_one_line(shards, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadCaseError, match=r"--out .* cannot be written .*: choose another"):
        preview(Preview(shards=shards, out=tmp_path / "file" / "a.png"))


def test_a_picture_must_be_png(tmp_path):
    with pytest.raises(ValueError, match=r"--out must be a \.png file"):
        Preview(shards=str(tmp_path), out=tmp_path / "a.jpg")


@pytest.fixture
def damageable(shards, tmp_path):
    """A copy of the set that may be damaged, with its index."""
    copy = shutil.copytree(shards, tmp_path / "copy")
    return copy, open_shards(copy).index


@pytest.mark.parametrize("member", ["image", "mask", "tags"])
def test_a_damaged_slice_is_refused_by_name_and_nothing_is_drawn(damageable, tmp_path, member):
    folder, index = damageable
    row = index.case.tolist().index(1) + 1  # the largest tumor
    start, size = (int(getattr(index, f"{member}_{what}")[row]) for what in ("offset", "size"))
    path = folder / "cases/lung_001.tar"
    data = bytearray(path.read_bytes())
    data[start + size // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ShardError, match=r"the bytes of lung_001-0001 differ from the index's cr"):
        preview(Preview(shards=str(folder), out=tmp_path / "a.png"))
    assert not (tmp_path / "a.png").exists()


def test_a_truncated_shard_is_refused(damageable, tmp_path):
    folder, _ = damageable
    path = folder / "cases/lung_001.tar"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ShardError, match=r"lung_001\.tar"):
        preview(Preview(shards=str(folder), out=tmp_path / "a.png"))
