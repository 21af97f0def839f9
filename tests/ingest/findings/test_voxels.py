"""The rules of values: each at both sides of its limit."""

import numpy as np
import pytest

from ingest.findings.voxels import VoxelChecks


def levels(findings):
    return [(finding.level, finding.rule) for finding in findings]


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


def body(offset, *, padding):
    """A plane with lungs in a body, in stored numbers that are HU plus an offset, and padded."""
    y, x = np.ogrid[:128, :128]
    plane = np.full((128, 128), -1000 + offset)
    plane[(y - 64) ** 2 / 50**2 + (x - 64) ** 2 / 58**2 < 1] = 40 + offset
    for side in (40, 88):
        plane[(y - 64) ** 2 / 34**2 + (x - side) ** 2 / 20**2 < 1] = -850 + offset
    plane[(y - 64) ** 2 + (x - 64) ** 2 > 64**2] = padding
    return plane


@pytest.mark.parametrize("padding", [-3024, -2000, -1024, 0, 40])
def test_values_are_judged_on_the_body_whatever_the_scan_is_padded_with(padding):
    hu, stored = (seen(*[body(offset, padding=padding)] * 3) for offset in (0, 1024))
    assert hu.findings() == []
    assert levels(stored.findings()) == [("fatal", "values")]
    accepted = seen(*[body(1024, padding=padding)] * 3, any_values=True).findings()
    assert levels(accepted) == [("warning", "values")]


@pytest.mark.parametrize("padding", [-1024, 0])
def test_a_scan_scaled_to_gray_is_no_chest_in_hu(padding):
    gray = np.clip((body(0, padding=0) + 1000) / 8, 0, 255)
    gray[0, :] = padding
    assert levels(seen(gray, gray).findings()) == [("warning", "values")]


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
