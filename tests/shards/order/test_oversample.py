"""How likely slices with tumor are drawn: closed forms, and half of the draws for `auto`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shards.order.oversample import oversample_ratio, tumor_share


def test_one_slice_with_tumor_is_half_of_the_balanced_draws_and_a_number_is_itself():
    one = np.arange(10) == 3
    assert oversample_ratio("auto", one) == 9
    assert tumor_share(one, oversample_ratio("auto", one)) == 0.5
    assert oversample_ratio(2.5, one) == 2.5
    assert tumor_share(np.zeros(0, bool), 3.0) == 0.0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 100)), min_size=1, max_size=30))
def test_auto_means_half_of_the_draws_whatever_slices_weigh(slices):
    tumor, own = (np.array(column) for column in zip(*slices, strict=True))
    share = tumor_share(tumor, oversample_ratio("auto", tumor, own), own)
    assert share == pytest.approx(0.5 if 0 < tumor.sum() < len(tumor) else tumor.mean())
