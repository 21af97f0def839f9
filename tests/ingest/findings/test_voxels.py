"""The rules of values: each at both sides of its limit."""

import numpy as np
import pytest

from ingest.findings.voxels import VoxelChecks


def seen(*planes, **options):
    checks = VoxelChecks("c", **options)
    for z, plane in enumerate(planes):
        checks.see(z, np.array(plane, np.int16))
    return checks


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-1000, 1500, []), (0, 2001, ["fatal"]), (0, 2000, ["warning"]), (-1, 3000, ["warning"]),
     (-201, 500, []), (-199, 500, ["warning"]), (0, 255, ["warning"])],
)  # fmt: skip
def test_values_without_air_are_no_hu(low, high, expected):
    checks = seen([[low, 0 if low < 0 else low]], [[high, high]])
    assert [finding.level for finding in checks.findings()] == expected


def test_values_are_taken_as_they_are_when_told():
    assert [f.level for f in seen([[0, 4000]], any_values=True).findings()] == ["warning"]


def test_the_share_below_air_is_measured():
    checks = seen([[-3024, -1024]], [[-1025, 500]])
    measures = checks.measures()
    assert measures["share_below_-1024_hu"] == 0.5
    assert (measures["lowest_hu"], measures["highest_hu"]) == (-3024, 500)


def test_equal_voxels_have_one_key_in_either_order_of_reading():
    rng = np.random.default_rng(0)
    planes = rng.integers(-1000, 1000, (5, 16, 16), dtype=np.int16)
    up, down = VoxelChecks("a"), VoxelChecks("b")
    for z in range(5):
        up.see(z, planes[z])
        down.see(4 - z, planes[4 - z])
    assert up.content == down.content
    planes[3, 7, 7] += 1
    assert seen(*planes).content != up.content
