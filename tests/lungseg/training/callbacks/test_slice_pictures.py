"""Each epoch draws the slices with the most tumor of the validation cases."""

import numpy as np
from PIL import Image

from shards.storage.store import open_shards


def test_the_slice_with_the_most_tumor_is_drawn(shards, finished):
    index = open_shards(shards).index
    rows = np.flatnonzero(index.case == 0)  # the case of fold 0
    z = index.z[rows[np.argmax(index.tumor_pixels[rows])]]
    (picture,) = (finished / "pictures" / "epoch-001").iterdir()
    assert picture.name == f"lung_000-{z:04d}.png"
    with Image.open(picture) as image:
        assert min(image.size) >= 32
