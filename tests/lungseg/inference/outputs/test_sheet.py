"""A sheet shows tumor where there is some, and always its largest slice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lungseg.inference.outputs.sheet import COLUMNS, MOST, chosen, write_sheet


@given(st.dictionaries(st.integers(0, 300), st.integers(0, 9), min_size=1, max_size=90))
def test_slices_with_tumor_are_chosen_in_order_the_largest_among_them(areas):
    shown = chosen(areas)
    tumor = [z for z in areas if areas[z]]
    assert shown == sorted(set(shown))
    assert len(shown) == min(MOST, len(tumor or areas))
    if tumor:
        assert set(shown) <= set(tumor)
        assert max(areas.values()) in [areas[z] for z in shown]


def test_many_are_thinned_evenly_from_the_first_to_the_last():
    shown = chosen(dict.fromkeys(range(100), 0))
    assert (shown[0], shown[-1]) == (0, 99)
    assert set(np.diff(shown)) <= {5, 6}


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (3, 1, 3), (7, 2, COLUMNS)])
def test_tiles_lie_row_by_row(tmp_path, count, rows, columns):
    pictures = {z: np.full((10, 12, 3), 20 * z, np.uint8) for z in range(count)}
    write_sheet(pictures, dict.fromkeys(range(count), 1), tmp_path / "a.png")
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    assert sheet.shape == (rows * 14 - 4, columns * 16 - 4, 3)
    for z in range(count):
        row, column = divmod(z, columns)
        assert (sheet[row * 14 : row * 14 + 10, column * 16 : column * 16 + 12] == 20 * z).all()
