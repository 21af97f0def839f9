"""Squares are drawn fairly, by seed, epoch and position, and lie within their slices."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lungseg.augment.crop import CropDraw, Crops
from lungseg.augment.draw import draw_slice
from lungseg.augment.strength import STRENGTHS
from lungseg.augment.transplant import Donors
from shards.order.sampler import BatchRequest
from shards.reading.buffers import Buffers

SHAPE = (40, 56)
AIR = np.full(SHAPE, -1000, np.int16)


def crops(size=16, on_tumor=0.5, seed=0):
    return Crops(size=size, on_tumor=on_tumor, seed=seed)


def draws(count, **given):
    return [crops(**given).draw(0, position) for position in range(count)]


def box(rows, columns):
    mask = np.zeros(SHAPE, np.uint8)
    mask[rows, columns] = 1
    return mask


def middle(window):
    return tuple(part.start + 8 for part in window)


def request(count, epoch=0):
    rows = np.arange(count)
    return BatchRequest(rows=rows, epoch=epoch, samples_consumed=count, positions=rows)


def test_the_share_is_centered_on_tumor_and_each_of_its_pixels_as_often():
    tumor = box(slice(12, 15), slice(20, 24))
    made = draws(6000, on_tumor=0.4)
    found = [middle(crops().window(AIR, tumor, draw)) for draw in made if draw.on_tumor]
    assert len(found) / 6000 == pytest.approx(0.4, abs=0.02)
    pixels = {(row, column) for row in range(12, 15) for column in range(20, 24)}
    assert Counter(found) == pytest.approx(dict.fromkeys(pixels, len(found) / 12), rel=0.25)


def test_a_share_of_0_is_never_on_tumor_and_one_of_1_always():
    assert not any(draw.on_tumor for draw in draws(200, on_tumor=0.0))
    assert all(draw.on_tumor for draw in draws(200, on_tumor=1.0))


def test_the_others_lie_all_over_the_body_and_nowhere_else():
    body = np.where(box(slice(10, 25), slice(12, 42)), np.int16(40), AIR)
    nothing = np.zeros(SHAPE, np.uint8)
    rows, columns = zip(
        *(middle(crops().window(body, nothing, d)) for d in draws(3000)), strict=True
    )
    assert set(rows) == set(range(10, 25))
    assert set(columns) == set(range(12, 42))
    assert np.mean(rows) == pytest.approx(17, abs=0.5)


def test_where_nothing_is_body_they_lie_anywhere():
    found = [crops().window(AIR, np.zeros(SHAPE, np.uint8), draw) for draw in draws(2000)]
    for edge, parts in zip(SHAPE, zip(*found, strict=True), strict=True):
        assert {part.start for part in parts} == set(range(edge - 15))


@given(
    st.integers(1, 40),
    st.booleans(),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 39),
    st.integers(0, 55),
)
def test_a_square_lies_in_its_slice_and_shows_the_pixel_it_was_drawn_for(
    size, on_tumor, down, across, row, column
):
    draw = CropDraw(on_tumor=on_tumor, down=down, across=across)
    window = crops(size).window(AIR, box(row, column), draw)
    for part, edge in zip(window, SHAPE, strict=True):
        assert 0 <= part.start < part.stop <= edge
        assert part.stop - part.start == size
    if on_tumor:
        assert window[0].start <= row < window[0].stop
        assert window[1].start <= column < window[1].stop


def test_mask_and_all_channels_are_cut_in_one_place():
    draw = np.random.default_rng(0)
    plane = draw.integers(-1000, 3000, (5, 1, *SHAPE), np.int16)
    images = torch.from_numpy(np.concatenate([plane, plane + 7], axis=1))
    masks = torch.from_numpy((plane > 2900).astype(np.uint8))
    cut, cut_masks = crops().cut(images, masks, request(5), buffers=Buffers())
    assert cut.shape == (5, 2, 16, 16)
    assert (cut.dtype, cut_masks.dtype) == (torch.int16, torch.uint8)
    assert torch.equal(cut[:, 1], cut[:, 0] + 7)
    assert torch.equal(cut_masks[:, 0], (cut[:, 0] > 2900).byte())
    for b in range(5):
        window = crops().window(images[b, 1].numpy(), masks[b, 0].numpy(), crops().draw(0, b))
        assert torch.equal(cut[b], images[b][:, window[0], window[1]])


def test_the_body_is_looked_for_in_the_slice_itself_not_in_its_neighbors():
    body = np.where(box(slice(20, 22), slice(30, 32)), np.int16(40), AIR)
    images = torch.from_numpy(np.stack([np.full_like(AIR, 40), body, np.full_like(AIR, 40)]))[None]
    cut, _ = crops().cut(images, torch.zeros(1, 1, *SHAPE).byte(), request(1), buffers=Buffers())
    assert int((cut[0, 1] == 40).sum()) == 4


def test_a_square_as_large_as_the_slice_is_all_of_it():
    image = torch.arange(64, dtype=torch.int16).reshape(1, 1, 8, 8)
    mask = (image % 5 == 0).byte()
    cut, cut_mask = crops(8).cut(image, mask, request(1), buffers=Buffers())
    assert torch.equal(cut, image)
    assert torch.equal(cut_mask, mask)


def test_seed_epoch_and_position_decide_together():
    where = [(0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 0, 2)]
    made = [crops(seed=seed).draw(epoch, position) for seed, epoch, position in where]
    assert len({draw.down for draw in made}) == len(where)
    assert made[0] == crops().draw(0, 1)


def test_chance_that_crops_is_not_that_of_the_other_changes():
    """Or the squares on tumor would be those that are mirrored, or that get another tumor."""
    donors = Donors(share=0.5, seed=0, rows=(np.arange(3),))
    on_tumor = [draw.on_tumor for draw in draws(2000)]
    where = [{"seed": 0, "epoch": 0, "position": position} for position in range(2000)]
    mirrored = [draw_slice(STRENGTHS["full"], shape=(8, 8), **each).mirror for each in where]
    got = [donors.draw(0, position) is not None for position in range(2000)]
    assert abs(np.corrcoef(on_tumor, mirrored)[0, 1]) < 0.06
    assert abs(np.corrcoef(on_tumor, got)[0, 1]) < 0.06
