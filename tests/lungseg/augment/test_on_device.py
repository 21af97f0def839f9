"""A batch that is changed at once equals its slices changed one by one, but for the noise."""

import dataclasses

import numpy as np
import pytest
import torch

from lungseg.augment.on_device import augment, collate
from lungseg.augment.on_processor import Augmenter
from lungseg.augment.strength import RESOLUTIONS, STRENGTHS, Strength

CLIP = (-1000, 3071)
CHANGES = [field.name for field in dataclasses.fields(Strength)]
QUIET = [name for name in CHANGES if name != "noise"]


def batched(images, masks, draws):
    given = torch.from_numpy(images), torch.from_numpy(masks)
    changed = augment(*given, collate(draws), clip=CLIP)
    return [part.numpy() for part in changed]


def one_by_one(images, masks, draws):
    change = Augmenter("full", clip=CLIP, seed=0).change
    pairs = [
        change(image, mask[0].copy(), draw)
        for image, mask, draw in zip(images, masks, draws, strict=True)
    ]
    return np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])[:, None]


def assert_alike(found, expected):
    np.testing.assert_allclose(found[0], expected[0], atol=1.0, rtol=0)
    assert (found[1] != expected[1]).mean() < 1e-3
    assert found[0].dtype == expected[0].dtype == np.float32
    assert found[1].dtype == expected[1].dtype == np.uint8


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_change_is_that_of_the_processor(make_slices, make_draws, only, name, channels):
    images, masks = make_slices(channels=channels)
    draws = make_draws(only(name), len(images))
    found = batched(images, masks, draws)
    assert_alike(found, one_by_one(images, masks, draws))
    assert all(not np.array_equal(a, b) for a, b in zip(found[0], images, strict=True))


@pytest.mark.parametrize("strength", ["none", "light", "full"])
@pytest.mark.parametrize("shape", [(48, 64), (33, 50)])
def test_all_changes_together_are_those_of_the_processor(make_slices, make_draws, strength, shape):
    images, masks = make_slices(40, shape=shape, channels=3)
    quiet = dataclasses.replace(STRENGTHS[strength], noise=0.0)
    draws = make_draws(quiet, len(images), shape=shape)
    assert_alike(batched(images, masks, draws), one_by_one(images, masks, draws))


def test_noise_is_as_strong_and_as_normal_as_the_processors(make_slices, make_draws, only):
    """Each has its own numbers, from one distribution."""
    images = np.full((8, 3, 96, 96), 200, np.int16)
    masks = np.zeros((8, 1, 96, 96), np.uint8)
    draws = make_draws(only("noise"), 8, shape=(96, 96))
    scaled = []
    for path in (batched, one_by_one):
        noise = path(images, masks, draws)[0] - 200
        for slice_noise, draw in zip(noise, draws, strict=True):
            assert slice_noise.std() == pytest.approx(draw.noise, rel=0.03)
            assert np.abs(np.corrcoef(slice_noise.reshape(3, -1)) - np.eye(3)).max() < 0.05
        strengths = np.array([draw.noise for draw in draws])[:, None, None, None]
        scaled.append(np.sort((noise / strengths).ravel()))
    distance = np.abs(scaled[0] - scaled[1])[1000:-1000]
    assert distance.max() < 0.03


def test_a_slice_is_changed_alike_in_any_batch(make_slices, make_draws):
    images, masks = make_slices(30)
    draws = make_draws(STRENGTHS["full"], 30)
    whole = batched(images, masks, draws)
    chosen = [17, 3, 28, 11]
    part = batched(images[chosen], masks[chosen], [draws[place] for place in chosen])
    for found, expected in zip(part, whole, strict=True):
        np.testing.assert_allclose(found, expected[chosen], atol=1e-3)


def test_what_was_read_is_left_as_it_is(make_slices, make_draws):
    images, masks = make_slices(12)
    before = images.copy(), masks.copy()
    batched(images, masks, make_draws(STRENGTHS["full"], 12))
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(masks, before[1])


def test_a_draw_without_changes_changes_nothing(make_slices, make_draws):
    images, masks = make_slices(4)
    found = batched(images, masks, make_draws(STRENGTHS["none"], 4))
    np.testing.assert_array_equal(found[0], images)
    np.testing.assert_array_equal(found[1], masks)


def test_values_stay_within_the_clip(make_slices, make_draws):
    images, masks = make_slices(40)
    extremes = np.where(images > 0, CLIP[1], CLIP[0]).astype(np.int16)
    found, _ = batched(extremes, masks, make_draws(STRENGTHS["full"], 40))
    assert CLIP[0] - 0.01 <= found.min()
    assert found.max() <= CLIP[1] + 0.01


def test_places_in_the_batch_are_those_of_the_draws(make_draws):
    draws = make_draws(STRENGTHS["full"], 60)
    batch = collate(draws)
    for name, field in (
        ("blurred", "blur"),
        ("shaded", "shade"),
        ("raised", "gamma"),
        ("noisy", "noise"),
    ):
        expected = [b for b, draw in enumerate(draws) if getattr(draw, field) is not None]
        assert getattr(batch, name).tolist() == expected
    for resolution, chosen in zip(RESOLUTIONS, batch.coarsened, strict=True):
        assert all(draws[b].resolution == resolution for b in chosen.tolist())
    assert sum(len(chosen) for chosen in batch.coarsened) > 0
    assert batch.noise_keys.tolist() == [draws[b].noise_key for b in batch.noisy.tolist()]
