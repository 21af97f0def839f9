"""Augmentation is decided by the draw alone, and moves an image and its mask together."""

import numpy as np
import pytest

from lungseg.training.augment import Augmenter

CLIP = (-1000, 3071)
STRENGTHS = ("light", "full")


def disk(size=64, center=(26, 38), radius=9):
    """(1, h, w) HU and (h, w) mask of a bright disk in lung."""
    rows, columns = np.indices((size, size))
    mask = ((rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2).astype(np.uint8)
    return np.where(mask == 1, 1200, -850).astype(np.int16)[np.newaxis], mask


def draws(strength, count=60, *, seed=0, epoch=0):
    augment, (image, mask) = Augmenter(strength, clip=CLIP, seed=seed), disk()
    return [augment(image, mask, epoch=epoch, position=position) for position in range(count)]


@pytest.mark.parametrize("strength", STRENGTHS)
def test_a_draw_is_augmented_alike_whatever_came_before_it(strength):
    augment, (image, mask) = Augmenter(strength, clip=CLIP, seed=0), disk()
    for position, (expected_image, expected_mask) in reversed(list(enumerate(draws(strength)))):
        found_image, found_mask = augment(image, mask, epoch=0, position=position)
        np.testing.assert_array_equal(found_image, expected_image)
        np.testing.assert_array_equal(found_mask, expected_mask)


@pytest.mark.parametrize("strength", STRENGTHS)
@pytest.mark.parametrize("other", [{"seed": 1}, {"epoch": 1}])
def test_another_seed_or_epoch_augments_otherwise(strength, other):
    pairs = zip(draws(strength), draws(strength, **other), strict=True)
    differing = sum(not np.array_equal(one[0], another[0]) for one, another in pairs)
    assert differing > 50


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_mask_stays_on_what_it_marks(strength):
    """Bright pixels are the disk: both lie in the same place after any change."""
    for image, mask in draws(strength):
        assert set(np.unique(mask)) <= {0, 1}
        bright = image[0] > 200
        overlap = 2 * np.count_nonzero(bright & (mask == 1))
        assert overlap / (np.count_nonzero(bright) + mask.sum()) > 0.93


@pytest.mark.parametrize("strength", STRENGTHS)
def test_hu_stay_within_the_clip(strength):
    augment, (_, mask) = Augmenter(strength, clip=CLIP, seed=0), disk()
    extremes = np.where(mask == 1, CLIP[1], CLIP[0]).astype(np.int16)[np.newaxis]
    for position in range(60):
        image, _ = augment(extremes, mask, epoch=0, position=position)
        assert image.dtype == np.float32
        assert CLIP[0] - 0.01 <= image.min()
        assert image.max() <= CLIP[1] + 0.01


@pytest.mark.parametrize("strength", STRENGTHS)
def test_channels_are_moved_together(strength):
    """Three neighbors that are alike stay so, but for the noise that each has of its own."""
    augment, (image, mask) = Augmenter(strength, clip=CLIP, seed=0), disk()
    for position in range(30):
        changed, _ = augment(np.repeat(image, 3, axis=0), mask, epoch=0, position=position)
        assert changed.shape == (3, 64, 64)
        assert np.abs(changed - changed[:1]).mean() < 100


def test_light_changes_most_draws_and_none_no_draw():
    image, mask = disk()
    changed = sum(not np.array_equal(found, image) for found, _ in draws("light"))
    assert 40 < changed < 60
    for found_image, found_mask in draws("none"):
        np.testing.assert_array_equal(found_image, image)
        np.testing.assert_array_equal(found_mask, mask)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_the_slice_that_was_read_is_left_as_it_is(strength):
    augment, (image, mask) = Augmenter(strength, clip=CLIP, seed=0), disk()
    for position in range(20):
        augment(image, mask, epoch=0, position=position)
    np.testing.assert_array_equal(image, disk()[0])
    np.testing.assert_array_equal(mask, disk()[1])
