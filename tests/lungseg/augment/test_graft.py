"""A tumor goes into lung, whole, and leaves everything else as it was."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungseg.augment.graft import MARGIN, Turn, cut_out, lung_of, paste

AS_IT_IS = Turn(zoom=1.0, quarters=0, mirror=False)
TURNS = st.builds(Turn, zoom=st.floats(0.6, 1.2), quarters=st.integers(0, 3), mirror=st.booleans())
PLACES = st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=8)
ROWS, COLUMNS = np.indices((80, 96))


def oval(row, column, high, wide):
    return ((ROWS - row) / high) ** 2 + ((COLUMNS - column) / wide) ** 2 <= 1


LUNGS = oval(40, 28, 24, 13) | oval(40, 68, 24, 13)
GAS = oval(72, 48, 4, 10)


def chest(channels=3, *, seed=0):
    """(channels, 80, 96) HU: air, a body, two lungs with a vessel each, and gas; and no tumor."""
    noise = np.random.default_rng(seed).normal(0, 20, (channels, 80, 96))
    plane = np.where(oval(42, 48, 38, 46), 40, -1000)
    plane[LUNGS] = -850
    plane[oval(40, 24, 1.5, 1.5) | oval(40, 70, 1.5, 1.5)] = 30
    plane[GAS] = -1000
    return (plane + noise).astype(np.int16), np.zeros((80, 96), np.uint8)


def with_tumor(row=30, column=28, radius=5):
    image, mask = chest(seed=1)
    mask[oval(row, column, radius, radius + 1)] = 1
    image[:, mask == 1] += 870
    return image, mask


def test_lung_is_air_within_the_body_with_its_vessels_but_no_gas():
    lung = lung_of(chest()[0][1])
    assert (lung == LUNGS).mean() > 0.99
    assert lung[40, 24] == lung[40, 70] == 1
    assert not lung[GAS].any()
    assert not lung_of(np.full((80, 96), -850, np.int16)).any()


def test_a_tumor_arrives_as_it_was():
    donor = with_tumor()
    graft = cut_out(*donor, AS_IT_IS)
    image, mask = chest()
    assert paste(image, mask, graft, np.linspace(0, 0.99, 40))
    arrived, left = image[:, mask == 1], donor[0][:, donor[1] == 1]
    np.testing.assert_array_equal(arrived, left)


@given(TURNS, PLACES)
def test_only_lung_changes_and_a_margin(turn, places):
    """The margin is of the same pixels in all channels, and the mask lies within it."""
    graft = cut_out(*with_tumor(), turn)
    image, mask = chest()
    before = image.copy()
    pasted = paste(image, mask, graft, places)
    changed = (image != before).any(axis=0)
    assert pasted == bool(mask.any()) == bool(changed.any())
    assert not (mask > lung_of(before[1])).any()
    assert mask.sum() in (0, graft.mask.sum())
    if pasted:
        near = [np.abs(axis - axis[mask == 1].mean()) for axis in (ROWS, COLUMNS)]
        reach = [size / 2 + 1 for size in graft.mask.shape]
        assert not changed[(near[0] > reach[0]) | (near[1] > reach[1])].any()
        away = np.argwhere(changed)[:, None] - np.argwhere(mask)
        assert np.abs(away).max(axis=2).min(axis=1).max() <= MARGIN


@given(PLACES)
def test_no_tumor_comes_to_lie_on_another(places):
    image, mask = with_tumor(40, 68, 8)
    before = image.copy(), mask.copy()
    paste(image, mask, cut_out(*with_tumor(), AS_IT_IS), places)
    np.testing.assert_array_equal(image[:, before[1] == 1], before[0][:, before[1] == 1])
    assert (mask >= before[1]).all()


@pytest.mark.parametrize("radius", [16, 30])
def test_a_tumor_that_fits_nowhere_stays_out(radius):
    image, mask = chest()
    before = image.copy()
    assert not paste(image, mask, cut_out(*with_tumor(radius=radius), AS_IT_IS), [0.1, 0.5])
    np.testing.assert_array_equal(image, before)
    assert not mask.any()


def test_a_slice_without_lung_is_left_alone():
    image, mask = np.full((1, 80, 96), 40, np.int16), np.zeros((80, 96), np.uint8)
    assert not paste(image, mask, cut_out(*with_tumor(), AS_IT_IS), [0.5])
    assert (image == 40).all()


def test_a_wall_that_the_tumor_leans_on_stays_behind():
    """Bone beside a tumor of 20 HU would be 700 HU in its margin."""
    image, mask = with_tumor()
    image[:, :, 35:] = 700
    graft = cut_out(image, mask, AS_IT_IS)
    assert graft.hu[:, (graft.weight > 0) & (graft.mask == 0)].max() < 100


@given(st.integers(0, 3), st.booleans())
def test_turns_move_pixels_and_make_none(quarters, mirror):
    turned, plain = (
        cut_out(*with_tumor(), Turn(zoom=1.0, quarters=q, mirror=m))
        for q, m in ((quarters, mirror), (0, False))
    )
    back = turned.hu[:, :, ::-1] if mirror else turned.hu
    np.testing.assert_allclose(np.rot90(back, -quarters, (1, 2)), plain.hu, atol=1e-3)


@pytest.mark.parametrize("zoom", [0.6, 0.8, 1.2])
def test_zoom_is_of_the_diameter(zoom):
    size = cut_out(*with_tumor(radius=8), Turn(zoom=zoom, quarters=0, mirror=False)).mask.sum()
    assert size == pytest.approx(zoom**2 * with_tumor(radius=8)[1].sum(), rel=0.1)
