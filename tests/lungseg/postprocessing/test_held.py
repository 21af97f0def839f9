"""What is held comes back as it was, from memory or from a file that has no name."""

import numpy as np
import pytest

from lungseg.postprocessing.held import Held


@pytest.mark.parametrize("in_memory", [1, 2**23])
def test_arrays_come_back_in_order_and_leave_no_file(tmp_path, in_memory, monkeypatch):
    monkeypatch.setattr("lungseg.postprocessing.held._IN_MEMORY", in_memory)
    rng = np.random.default_rng(0)
    slices = [
        (rng.integers(-999, 999, (5, n)).astype(np.int16), np.ones((n, 2), np.uint8))
        for n in range(4)
    ]
    with Held(tmp_path) as held:
        for arrays in slices:
            held.put(*arrays)
        for _ in range(2):
            for found, given in zip(held, slices, strict=True):
                for one, other in zip(found, given, strict=True):
                    np.testing.assert_array_equal(one, other, strict=True)
    assert list(tmp_path.iterdir()) == []
