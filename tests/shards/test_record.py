"""A slice knows its name in the tar and its tumor."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shards.record import Slice


@given(st.integers(0, 20_000), hnp.arrays(np.uint8, (3, 4)))
def test_the_key_sorts_like_z_and_every_mark_is_tumor(z, mask):
    record = Slice(case="a", z=z, image=np.zeros((3, 4), np.int16), mask=mask, spacing_mm=(1, 1, 1))
    name, number = record.key.split("-")
    assert (name, int(number), len(number)) == ("a", z, max(4, len(str(z))))
    assert record.tumor_pixels == sum(value != 0 for value in mask.ravel().tolist())
