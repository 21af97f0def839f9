"""Augmentation is decided by the draw alone, and moves an image and its mask together."""

import numpy as np
import pytest

from lungseg.augment.on_processor import Augmenter

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


def changed(only, name, image, mask, make_draws):
    draws = make_draws(only(name), 12, shape=mask.shape)
    augment = Augmenter("full", clip=CLIP, seed=0)
    return [(draw, *augment.change(image, mask, draw)) for draw in draws]


def test_a_mirrored_slice_is_itself_the_other_way_round(only, make_draws):
    image, mask = disk()
    for _, found_image, found_mask in changed(only, "mirror", image, mask, make_draws):
        np.testing.assert_array_equal(found_image, image[..., ::-1])
        np.testing.assert_array_equal(found_mask, mask[:, ::-1])


def test_a_moved_slice_shows_its_disk_where_the_matrix_says(only, make_draws):
    image, mask = disk()
    for draw, _, found in changed(only, "move", image, mask, make_draws):
        center = np.argwhere(found).mean(axis=0)
        came_from = draw.matrix @ [center[1], center[0], 1]
        np.testing.assert_allclose(came_from, [38, 26], atol=0.3)
        zoom = np.linalg.det(draw.matrix[:, :2])
        assert found.sum() * zoom == pytest.approx(mask.sum(), rel=0.06)


def test_what_comes_from_outside_is_air_and_no_tumor(only, make_draws):
    image, mask = np.full((1, 64, 64), 500, np.int16), np.ones((64, 64), np.uint8)
    for _, found_image, found_mask in changed(only, "move", image, mask, make_draws):
        assert found_image.min() == CLIP[0]
        inside = found_image[0] > 499
        assert (found_mask[inside] == 1).all()
        assert (found_mask[found_image[0] == CLIP[0]] == 0).all()


def test_a_bent_slice_takes_pixels_from_where_the_nodes_say(only, make_draws):
    """Of a slope, a displacement can be read off."""
    slope = np.tile(np.arange(64, dtype=np.int16) * 10, (1, 64, 1))
    for draw, found, _ in changed(only, "bend", slope, np.zeros((64, 64), np.uint8), make_draws):
        across = (found[0] - slope[0])[8:-8, 8:-8] / 10
        nodes = draw.bend[0][2:-2, 2:-2]
        assert across.mean() == pytest.approx(nodes.mean(), abs=0.05)
        assert across.std() == pytest.approx(nodes.std(), abs=0.15)


def test_shading_multiplies_the_distance_from_air_and_adds(only, make_draws):
    image = np.arange(-900, 900, dtype=np.int16).reshape(1, 36, 50)
    for draw, found, _ in changed(only, "shade", image, np.zeros((36, 50), np.uint8), make_draws):
        contrast, brightness = draw.shade
        expected = np.clip((image + 1000.0) * contrast - 1000 + brightness, *CLIP)
        np.testing.assert_allclose(found, expected, atol=0.01)


def test_gamma_keeps_both_ends_and_bends_between(only, make_draws):
    ends = np.array([-1000, 3071, 1000] * 4, np.int16).reshape(1, 3, 4)
    for draw, found, _ in changed(only, "gamma", ends, np.zeros((3, 4), np.uint8), make_draws):
        middle = (2000 / 4071) ** draw.gamma * 4071 - 1000
        np.testing.assert_allclose(found.ravel()[:3], [-1000, 3071, middle], atol=0.01)


@pytest.mark.parametrize("name", ["blur", "coarsen"])
def test_smoothing_keeps_the_mean_and_takes_detail(only, make_draws, name):
    detail = np.random.default_rng(0).integers(-400, 400, (1, 64, 64)).astype(np.int16)
    flat = np.full((1, 64, 64), 123, np.int16)
    for draw, found, _ in changed(only, name, detail, np.zeros((64, 64), np.uint8), make_draws):
        assert found.mean() == pytest.approx(detail.mean(), abs=5)
        assert found.std() < 0.95 * detail.std()
        if name == "blur":
            alone = 1 / (2 * np.sqrt(np.pi) * draw.blur)  # of white noise, sigma well above a pixel
            assert draw.blur < 0.8 or found.std() / detail.std() == pytest.approx(alone, rel=0.1)
    for _, found, _ in changed(only, name, flat, np.zeros((64, 64), np.uint8), make_draws):
        np.testing.assert_allclose(found, flat, atol=0.01)


def test_each_channel_has_noise_of_its_own(only, make_draws):
    image, mask = np.full((3, 64, 64), 100, np.int16), np.zeros((64, 64), np.uint8)
    for draw, found, _ in changed(only, "noise", image, mask, make_draws):
        noise = found - 100
        assert noise.std() == pytest.approx(draw.noise, rel=0.05)
        assert np.abs(np.corrcoef(noise.reshape(3, -1)) - np.eye(3)).max() < 0.1
