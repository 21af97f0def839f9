"""What a report shows of a case: the slices that tell something, and where their outlines lie."""

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lungseg.report.filmstrip import EDGE, chosen_slices, film, svg_path

SHAPE = (32, 40, 30)  # (i, j, k)


def box(i, j, k):
    mask = np.zeros(SHAPE, np.uint8)
    mask[slice(*i), slice(*j), slice(*k)] = 1
    return mask


TRUTH = box((4, 12), (10, 20), (12, 18))
FOUND = box((6, 12), (10, 20), (14, 21))


def strip(truth=TRUTH, prediction=FOUND, *, num_frames=60, spacing_mm=(2.0, 1.0, 3.0)):
    images = np.full((SHAPE[2], 64, 64), -900, np.int16)
    images[:, :, :32] = 400
    return film(
        images,
        truth,
        prediction,
        spacing_mm=spacing_mm,
        dropped=(0, 11, 12),
        num_frames=num_frames,
    )


def numbers(path):
    return np.array(re.findall(r"([\d.]+) ([\d.]+)", path), float)


def test_areas_are_those_of_all_slices_in_square_millimeters():
    made = strip()
    assert made.truth_mm2 == tuple(160.0 if 12 <= z < 18 else 0.0 for z in range(30))
    assert made.prediction_mm2 == tuple(120.0 if 14 <= z < 21 else 0.0 for z in range(30))
    assert made.dropped == (0, 11, 12)


def test_frames_are_the_slices_with_something_and_two_around():
    made = strip()
    assert [frame.z for frame in made.frames] == list(range(10, 23))
    assert [frame.z for frame in made.frames if frame.dropped] == [11, 12]
    assert [frame.z for frame in made.frames if frame.truth] == list(range(12, 18))
    assert [frame.z for frame in made.frames if frame.prediction] == list(range(14, 21))


def test_pictures_have_square_pixels_and_the_view_of_radiologists():
    made = strip()
    assert made.size == (round(EDGE * 40 / 64), EDGE)  # 40 mm high, 64 mm wide
    with Image.open(io.BytesIO(made.frames[0].image)) as image:
        assert image.size == made.size[::-1]
        gray = np.asarray(image.convert("L"))
    assert gray[:, :100].mean() < 60 < 200 < gray[:, -100:].mean()  # the left is on the right


def test_outlines_lie_where_the_mask_is_in_the_flipped_picture():
    height, width = strip().size
    path = numbers(strip().frames[3].truth)  # voxels 4 to 12 of 32, 10 to 20 of 40
    x, y = path.min(0), path.max(0)
    np.testing.assert_allclose([x[0], y[0]], [width * 20 / 32, width * 28 / 32], atol=1)
    np.testing.assert_allclose([x[1], y[1]], [height * 20 / 40, height * 30 / 40], atol=1)


def test_a_path_closes_each_border_holes_too():
    mask = np.zeros((20, 20), np.uint8)
    mask[2:18, 2:9] = 1
    mask[6:12, 4:7] = 0
    mask[5:9, 12:16] = 1
    path = svg_path(mask, size=(20, 20))
    assert path.count("M") == path.count("Z") == 3
    assert re.fullmatch(r"(M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)*Z)+", path)
    assert svg_path(np.zeros((20, 20), np.uint8), size=(20, 20)) == ""


def test_the_key_frame_is_the_fullest_and_its_picture_stands_elsewhere():
    made = strip()
    key = made.frames[made.key_frame]
    assert 14 <= key.z < 18
    data = made.as_data()
    assert [row["z"] for row in data] == [frame.z for frame in made.frames]
    assert [not row["image"] for row in data].index(True) == made.key_frame
    assert sum(not row["image"] for row in data) == 1
    other = data[0 if made.key_frame else 1]
    assert base64.b64decode(other["image"]) == made.frames[0 if made.key_frame else 1].image
    assert data[3] | {"image": ""} == {
        "z": 13,
        "image": "",
        "truth": made.frames[3].truth,
        "prediction": "",
        "dropped": False,
    }


@pytest.mark.parametrize("num_frames", [1, 2, 5, 12])
def test_thinning_keeps_the_key_frame_and_the_areas(num_frames):
    made = strip()
    thin = made.thinned(num_frames)
    assert len(thin.frames) <= num_frames
    assert set(thin.frames) <= set(made.frames)
    assert thin.frames[thin.key_frame] == made.frames[made.key_frame]
    assert thin.truth_mm2 == made.truth_mm2
    assert thin.bytes < made.bytes


def test_bytes_are_those_of_base64_and_the_paths():
    made = strip()
    text = sum(len(f.base64.rstrip("=")) + len(f.truth) + len(f.prediction) for f in made.frames)
    assert made.bytes == pytest.approx(text, abs=len(made.frames))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(1, 70))
def test_chosen_slices_ascend_lie_around_what_there_is_and_hold_the_fullest(area, most):
    area = np.array(area, float)
    chosen = chosen_slices(area, most)
    assert chosen == sorted(set(chosen))
    assert 0 <= chosen[0] <= chosen[-1] < len(area)
    assert len(chosen) <= most
    if area.any():
        shown = np.flatnonzero(area)
        assert area[chosen].max() == area.max()
        assert shown[0] - 2 <= chosen[0] <= chosen[-1] <= shown[-1] + 2


def test_slices_with_something_to_see_are_chosen():
    area = np.zeros(100)
    area[40:60] = np.r_[1:11, 10:0:-1]
    area[47] = 99
    assert chosen_slices(area, 60) == list(range(38, 62))
    assert 47 in chosen_slices(area, 5)
    assert len(chosen_slices(area, 5)) == 5
    assert chosen_slices(np.zeros(100), 4) == [0, 33, 66, 99]
