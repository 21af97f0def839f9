"""An animation shows each slice that was seen, from the feet up, in the scan's proportions."""

import numpy as np
import pytest
from PIL import Image

from ingest.scans.geometry import Grid, as_affine
from lungseg.inference.outputs.animation import Animation

GRID = Grid(shape=(40, 50, 9), affine=as_affine(np.diag([-2.0, 1.0, 3.0, 1.0])))
MASK = np.zeros((50, 40), np.uint8)
MASK[10:20, 5:15] = 1


def pictures(path):
    with Image.open(path) as animation:
        for number in range(animation.n_frames):
            animation.seek(number)
            yield np.asarray(animation.convert("RGB")).astype(int)


def test_slices_come_from_the_feet_up_whatever_the_order_they_were_read_in(tmp_path):
    shown = {}
    for name, order in (("up", (2, 4, 7)), ("down", (7, 4, 2))):
        animation = Animation("lung_001", GRID)
        for z in order:
            animation.add(z, np.full((32, 32), -1000 + 100 * z, np.int16), MASK)
        animation.write(tmp_path / f"{name}.gif")
        shown[name] = list(pictures(tmp_path / f"{name}.gif"))
    grays = [picture[5, -5, 0] for picture in shown["up"]]
    assert grays == sorted(set(grays))
    assert len(grays) == 3
    assert all(np.array_equal(a, b) for a, b in zip(*shown.values(), strict=True))


def test_a_picture_has_the_proportions_of_the_body(tmp_path):
    animation = Animation("a", GRID)  # 80 mm wide, 50 mm high
    animation.add(0, np.full((32, 32), -1000, np.int16), MASK)
    animation.write(tmp_path / "a.gif")
    (picture,) = pictures(tmp_path / "a.gif")
    assert picture.shape[:2] == (240, 384)


def test_the_prediction_is_outlined_where_it_is_in_the_flipped_picture(tmp_path):
    animation = Animation("a", GRID)
    animation.add(0, np.full((32, 32), -1000, np.int16), MASK)
    animation.write(tmp_path / "a.gif")
    (picture,) = pictures(tmp_path / "a.gif")
    colored = np.ptp(picture, axis=2) > 60
    rows, columns = np.nonzero(colored)
    assert rows.min() == pytest.approx(240 * 30 / 50, abs=2)
    assert rows.max() == pytest.approx(240 * 40 / 50, abs=2)
    assert columns.min() == pytest.approx(384 * 25 / 40, abs=2)
    assert columns.max() == pytest.approx(384 * 35 / 40, abs=2)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    animation = Animation("a", GRID)
    animation.add(0, np.full((32, 32), 0, np.int16), MASK)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        animation.write(tmp_path / "file" / "a.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
