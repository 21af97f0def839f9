"""A device changes the slices of a batch as a processor does, and nothing waits for it."""

import numpy as np
import pytest
import torch

from lungseg.augment.draw import draw_slice
from lungseg.augment.noise import normals
from lungseg.augment.on_device import augment, collate
from lungseg.augment.strength import STRENGTHS

CLIP = (-1000, 3071)
SHAPE = (48, 64)


def batch(strength, count=40):
    """Ramps and squares in int16 HU, masks of the squares, and what shall be changed."""
    images = np.random.default_rng(0).integers(-900, 0, (count, 3, 6, 8)).astype(np.int16)
    images = images.repeat(8, axis=2).repeat(8, axis=3)
    draws = [
        draw_slice(STRENGTHS[strength], seed=0, epoch=0, position=position, shape=SHAPE)
        for position in range(count)
    ]
    mask = (images[:, :1] > -300).astype(np.uint8)
    return torch.from_numpy(images), torch.from_numpy(mask), collate(draws)


def moved(images, masks, draws, device):
    fields = (
        tuple(part.to(device) for part in field) if isinstance(field, tuple) else field.to(device)
        for field in draws
    )
    return images.to(device), masks.to(device), type(draws)(*fields)


@pytest.mark.parametrize("strength", ["light", "full"])
def test_a_device_changes_a_batch_as_a_processor_does(device, strength):
    given = batch(strength)
    found = augment(*moved(*given, device), clip=CLIP)
    expected = augment(*given, clip=CLIP)
    assert {part.device.type for part in found} == {device}
    far = (found[0].cpu() - expected[0]).abs() > 1.0
    assert far.float().mean() < 1e-5  # a pixel on an edge may fall to its other side
    assert (found[1].cpu() != expected[1]).float().mean() < 1e-3
    assert not torch.equal(expected[0], given[0].float())


def test_a_device_makes_the_noise_of_a_processor(device):
    keys = torch.tensor([3, 2**63 - 1])
    found = normals(keys.to(device), 10_001).cpu()
    torch.testing.assert_close(found, normals(keys, 10_001), atol=1e-5, rtol=1e-5)


@pytest.mark.gpu
def test_no_change_of_a_batch_waits_for_the_gpu():
    given = moved(*batch("full"), "cuda")
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        augment(*given, clip=CLIP)
    finally:
        torch.cuda.set_sync_debug_mode("default")
