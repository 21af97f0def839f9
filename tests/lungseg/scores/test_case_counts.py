"""Counts of a case say the same of it as those of a set of cases do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lungseg.scores.case_counts import CaseCounts
from lungseg.scores.dice import summarize

COUNTS = st.integers(0, 3)


@given(tp=COUNTS, fp=COUNTS, fn=COUNTS)
def test_one_case_is_summed_up_as_it_is(tp, fp, fn):
    case = CaseCounts(case="a", tp=tp, fp=fp, fn=fn, false_volume_ml=0.5 * fp)
    summary = summarize(np.array([[tp, fp, fn]]))
    assert case.has_tumor == (summary["n"] == 1)
    assert case.missed == (summary["missed"] == 1)
    if case.has_tumor:
        assert case.dice == summary["dice_case_mean"]
    else:
        assert case.dice == (0.0 if fp else None)
