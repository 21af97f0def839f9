"""Slices as pictures for people."""

import numpy as np
from PIL import Image

from lungseg.report.pictures import (
    PREDICTION_COLOR,
    TRUTH_COLOR,
    caption,
    contours,
    gray_picture,
    outline_picture,
    picture_size,
    png_bytes,
    webp_bytes,
    write_gif,
)


def square(top, left, side, shape=(40, 50)):
    mask = np.zeros(shape, np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def painted(picture, color):
    return (picture == color).all(axis=2)


AIR = np.full((40, 50), -1000, np.int16)


def test_the_patients_back_left_corner_is_at_the_lower_right():
    image = AIR.copy()
    image[0, 0] = 400  # posterior, left
    assert gray_picture(image)[-1, -1] == 255
    assert gray_picture(image)[0, 0] == 0


def test_outlines_are_the_border_of_each_mask_in_its_color():
    picture = outline_picture(AIR, square(2, 3, 5), square(20, 30, 4))
    assert painted(picture, TRUTH_COLOR).sum() == 16
    assert painted(picture, PREDICTION_COLOR).sum() == 12
    assert painted(picture, TRUTH_COLOR)[40 - 1 - 2, 50 - 1 - 3]


def test_outlines_that_coincide_show_both_colors():
    picture = outline_picture(AIR, square(2, 3, 20), square(2, 3, 20))
    both = painted(picture, TRUTH_COLOR).sum(), painted(picture, PREDICTION_COLOR).sum()
    assert sum(both) == 76
    assert min(both) > 20


def test_a_mask_up_to_the_edge_keeps_its_outline():
    picture = outline_picture(AIR, np.ones_like(AIR, np.uint8), None)
    assert painted(picture, TRUTH_COLOR).sum() == 2 * (40 + 50) - 4


def test_no_mask_leaves_a_gray_picture():
    picture = outline_picture(AIR, None, None, size=(80, 100))
    assert picture.shape == (80, 100, 3)
    assert not picture.any()


def test_a_single_voxel_survives_a_smaller_picture():
    picture = outline_picture(AIR, square(11, 13, 1), None, size=(10, 13))
    assert painted(picture, TRUTH_COLOR).any()


def test_a_mask_on_another_grid_covers_the_same_field_of_view():
    coarse = square(1, 1, 2, shape=(4, 5))
    picture = outline_picture(AIR, coarse, square(10, 10, 20))
    assert painted(picture, TRUTH_COLOR).any()
    assert painted(picture, PREDICTION_COLOR).any()
    assert (painted(picture, TRUTH_COLOR) | painted(picture, PREDICTION_COLOR)).sum() == 76


def test_contours_lie_on_the_outline_of_the_picture():
    mask = square(5, 6, 8)
    mask[8:10, 9:11] = 0
    polygons = contours(mask, size=(80, 100))
    assert len(polygons) == 2
    picture = outline_picture(AIR, mask, None, size=(80, 100))
    outer = max(polygons, key=lambda polygon: np.ptp(polygon[:, 0]))
    assert painted(picture, TRUTH_COLOR)[outer[:, 1], outer[:, 0]].all()


def test_picture_size_keeps_the_proportions_of_the_body():
    assert picture_size((300.0, 400.0), edge=320) == (240, 320)
    assert picture_size((1.0, 9999.0), edge=320) == (1, 320)


def test_an_animation_has_a_frame_per_slice_and_keeps_both_colors(tmp_path):
    pictures = [
        caption(outline_picture(AIR, square(5, 6, 9), square(12, 9, 9)), str(z)) for z in range(12)
    ]
    assert write_gif(iter(pictures), tmp_path / "a.gif") == 12
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 12
        animation.seek(7)
        frame = np.asarray(animation.convert("RGB"))
    for color in (TRUTH_COLOR, PREDICTION_COLOR):
        assert (painted(frame, color) == painted(pictures[7], color)).all()
    assert np.abs(frame.astype(int) - pictures[7]).max() <= 3


def test_encoded_pictures_decode_to_themselves(tmp_path):
    picture = outline_picture(AIR, square(5, 6, 8), None)
    (tmp_path / "a.png").write_bytes(png_bytes(picture))
    (tmp_path / "a.webp").write_bytes(webp_bytes(picture[..., 0], quality=90))
    with Image.open(tmp_path / "a.png") as png, Image.open(tmp_path / "a.webp") as webp:
        assert (np.asarray(png) == picture).all()
        assert webp.size == (50, 40)
