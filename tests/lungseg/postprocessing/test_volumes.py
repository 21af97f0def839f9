"""The volume that each member of an ensemble finds."""

import numpy as np
import pytest

from lungseg.postprocessing.rules import Rules
from lungseg.postprocessing.volumes import MemberVolumes


def plane(*boxes):
    """(9, 9) probabilities: 0.9 in boxes of (corner, edge), 0.1 elsewhere."""
    values = np.full((9, 9), 0.1, np.float32)
    for corner, edge in boxes:
        values[corner : corner + edge, corner : corner + edge] = 0.9
    return values


@pytest.mark.parametrize(
    ("rules", "expected"),
    [(Rules(), (0.018, 0.026)), (Rules(smallest_mm3=10), (0.018, 0.024))],
)
def test_it_reaches_from_the_least_to_the_most_after_the_rules(rules, expected):
    volumes = MemberVolumes(rules, threshold=0.5, voxel_mm3=1.0)
    for z in range(2):
        speck = [(7, 1)] if z == 0 else []
        members = [plane((1, 3)), plane((1, 3), *speck), plane((1, 3)) + plane((5, 2)) - 0.1]
        members[1][4, 4:7] = 0.9
        members[2] = np.minimum(members[2], 0.9)
        volumes.add(z, members, None)
    least, most = volumes.interval_ml()
    assert least == pytest.approx(expected[0])
    assert most > least


def test_one_alone_has_no_interval():
    volumes = MemberVolumes(Rules(), threshold=0.5, voxel_mm3=1.0)
    assert volumes.interval_ml() is None
    volumes.add(0, [plane((1, 3))], None)
    assert volumes.interval_ml() is None


def test_lesions_outside_the_lungs_count_for_no_member():
    hull = np.zeros((9, 9), np.uint8)
    hull[:4] = 1
    volumes = MemberVolumes(Rules(lung_hull=True), threshold=0.5, voxel_mm3=1000.0)
    volumes.add(0, [plane((0, 3), (6, 2)), plane((6, 2))], hull)
    assert volumes.interval_ml() == (0.0, 9.0)
