"""Each validation draws the slices with the most tumor, and the worst that is falsely called it."""

import types

import numpy as np
import pytest
import torch
from PIL import Image

from lungseg.training.log.slice_pictures import SlicePictures
from shards.storage.store import open_shards


def test_the_slice_with_the_most_tumor_is_drawn(shards, finished):
    index = open_shards(shards).index
    rows = np.flatnonzero(index.case == 0)  # the case of fold 0
    z = index.z[rows[np.argmax(index.tumor_pixels[rows])]]
    (picture,) = (finished / "pictures" / "epoch-001").glob("largest-*")
    assert picture.name == f"largest-lung_000-{z:04d}.png"
    with Image.open(picture) as image:
        assert min(image.size) >= 32


class Batches:
    """Stands in for the data of a training: one validation case of four slices of 8 x 8."""

    def __init__(self, shards):
        self.shards, self.split = shards, types.SimpleNamespace(validation=(0,))
        self.view = types.SimpleNamespace(slice_hu=lambda image: image[:, 0])

    def names(self, rows):
        return [f"lung_000-{row:04d}" for row in rows]


def drawn(shards, folder, logits, masks):
    """Names of the pictures of one validation of four slices, in two batches."""
    pictures = SlicePictures(folder, Batches(open_shards(shards)), threshold=0.5)
    trainer = types.SimpleNamespace(
        current_epoch=2, is_global_zero=True, logger=None, world_size=1, global_rank=0,
        strategy=types.SimpleNamespace(barrier=lambda: None),
    )  # fmt: skip
    module = types.SimpleNamespace(device="cpu")
    pictures.on_validation_start(trainer, module)
    for rows in ([20, 21], [22, 23]):  # of the second case: none that is always drawn
        of_batch = [row - 20 for row in rows]
        batch = {
            "image": torch.zeros(2, 1, 8, 8),
            "mask": masks[of_batch],
            "stretch": types.SimpleNamespace(rows=np.array(rows)),
        }
        pictures.on_validation_batch_end(trainer, module, logits[of_batch], batch, 0)
    pictures.on_validation_end(trainer, module)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


@pytest.mark.parametrize("worst", range(4))
def test_the_slice_with_most_that_is_falsely_tumor_is_drawn(shards, tmp_path, worst):
    logits, masks = torch.full((4, 1, 8, 8), -1.0), torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    logits[:, :, 0, :2] = 1.0
    logits[worst, :, 4] = 1.0
    logits[worst - 1], masks[worst - 1] = 1.0, 1  # all tumor and all found: nothing is false
    found = drawn(shards, tmp_path, logits, masks)
    assert found == [f"epoch-003/false-lung_000-{20 + worst:04d}.png"]


def test_without_anything_false_there_is_no_such_picture(shards, tmp_path):
    nothing = torch.full((4, 1, 8, 8), -1.0), torch.zeros(4, 1, 8, 8, dtype=torch.uint8)
    assert drawn(shards, tmp_path, *nothing) == []
