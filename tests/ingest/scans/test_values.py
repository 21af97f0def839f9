"""Numbers of any type become HU by rounding to the nearest, or a mask, or are refused by value."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ingest.case import BadCaseError
from ingest.scans.values import to_hu, to_mask

PATH = Path("x.nii")
DTYPES = st.sampled_from(["u1", "i1", "u2", "i2", "u4", "i4", "i8", "f4", "f8"])


@given(arrays.arrays(DTYPES, (2, 3)))
def test_hu_is_the_nearest_number_of_16_bits(values):
    hu, filled = to_hu(values, path=PATH, fill_nan=-1000)
    wide = np.where(np.isfinite(values.astype("f8")), values.astype("f8"), -1000)
    assert hu.dtype == np.int16
    assert (hu == np.clip(np.rint(wide), -32768, 32767)).all()
    assert filled == np.count_nonzero(~np.isfinite(values.astype("f8")))


def test_what_is_given_back_is_new_memory():
    values = np.zeros((2, 2), np.int16)
    hu, _ = to_hu(values, path=PATH, fill_nan=None)
    hu[:] = 7
    assert not values.any()


@given(arrays.arrays("i4", (2, 3), elements=st.integers(-3, 5)), st.sets(st.integers(-3, 5)))
def test_a_mask_is_1_where_the_value_is_tumor(values, tumor):
    for dtype in ("i4", "f8"):
        if tumor:
            mask = to_mask(values.astype(dtype), path=PATH, tumor_labels=tuple(tumor))
            assert (mask == np.isin(values, list(tumor))).all()
        elif np.isin(values, (0, 1)).all():
            assert (to_mask(values.astype(dtype), path=PATH, tumor_labels=()) == values).all()
        else:
            with pytest.raises(BadCaseError, match="0 and 1 only, found"):
                to_mask(values.astype(dtype), path=PATH, tumor_labels=())


@pytest.mark.parametrize("value", [0.5, 1.002, np.nan, np.inf])
def test_a_mask_of_broken_numbers_is_refused(value):
    values = np.array([[0, 1, value, 1.0005]])
    with pytest.raises(BadCaseError, match=r"whole numbers, to within 0\.001, found"):
        to_mask(values, path=PATH, tumor_labels=(1,))
