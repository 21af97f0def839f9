"""What the count of a tumor says for the manifest."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.slices.tumor_count import VOXELS_LOST, TumorCount

VOXELS = st.integers(min_value=1, max_value=10**9)


@given(st.lists(VOXELS))
def test_losses_add_up_slice_by_slice(lost):
    count = TumorCount(kept=sum(lost))
    for voxels in lost:
        count.fit(voxels, outside=0, is_empty=True)
    expected = {VOXELS_LOST: sum(lost), "tumor_slices_lost_in_resizing": len(lost)}
    assert count.measures() == (expected if lost else {})
    assert (count.kept, count.dropped) == (sum(lost), 0)
