"""The laws of a drawing: what can be filled is filled, what cannot is refused or said by name."""

import numpy as np
import pytest

from ingest.case import BadCaseError
from ingest.dicom.masks.drawing import drawing_of
from tests.toy_contours import GRID, PATH, SQUARE, contour, item, structure


def draw(*contours, roi=()):
    return drawing_of(PATH, structure(("GTV", list(contours))), on=GRID, roi=roi)


def places(drawing):
    return {k: [len(lines) for lines in drawn.values()] for k, drawn in drawing.outlines.items()}


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_closed_contours_are_taken_without_a_word(kind):
    drawing = draw(*(contour(SQUARE, k, kind) for k in (2, 3)))
    assert places(drawing) == {2: [1], 3: [1]}
    assert np.allclose(drawing.outlines[2][0][0], SQUARE)
    assert drawing.remarks == []
    assert drawing.xor == ({(2, 0), (3, 0)} if "XOR" in kind else set())


@pytest.mark.parametrize("kind", ["INTERPOLATED_PLANAR", "OPEN_PLANAR", None, "", "open_planar "])
def test_other_kinds_that_close_are_taken_and_said(kind):
    drawing = draw(*(contour(SQUARE, k, kind) for k in (2, 3)), contour(SQUARE, 4))
    assert places(drawing) == {2: [1], 3: [1], 4: [1]}
    (remark,) = drawing.remarks
    assert remark.startswith("region 'GTV', contours of ")
    assert remark.endswith("filled like CLOSED_PLANAR: 2")


def arc(degrees, points=40):
    turn = np.deg2rad(np.linspace(0, degrees, points))
    return np.stack([15 + 8 * np.cos(turn), 12 + 8 * np.sin(turn)], axis=1)


def test_an_open_line_is_closed_only_where_its_ends_meet():
    assert places(draw(contour(arc(352), 3, "OPEN_PLANAR"))) == {3: [1]}
    assert places(draw(contour(arc(360), 3, "OPEN_PLANAR"))) == {3: [1]}
    with pytest.raises(BadCaseError, match=r"rt\.dcm: region 'GTV' has a contour of type OPEN_PL"):
        draw(contour(arc(300), 3, "OPEN_PLANAR"))


@pytest.mark.parametrize("kind", ["OPEN_NONPLANAR", "CLOSED_NONPLANAR", "SPLINE"])
def test_what_encloses_nothing_by_nature_is_refused_by_name(kind):
    with pytest.raises(BadCaseError, match=f"region 'GTV' has a contour of type {kind} .*slice 3"):
        draw(contour(SQUARE, 2), contour(SQUARE, 3, kind))


def test_points_and_lines_beside_outlines_are_left_out_and_said():
    few = [contour(SQUARE[:1], 3, "POINT"), contour(SQUARE[:2], 4), contour(SQUARE[:2], 5)]
    drawing = draw(contour(SQUARE, 2), *few)
    assert places(drawing) == {2: [1]}
    assert drawing.remarks == [
        "region 'GTV', contours of type POINT, left out: 1",
        "region 'GTV', contours of fewer than 3 points, left out: 2",
    ]


def test_a_region_of_points_alone_is_refused():
    with pytest.raises(BadCaseError, match=r"encloses nothing \(.*of type POINT, left out: 2\)"):
        draw(*(contour(SQUARE[:1], k, "POINT") for k in (2, 3)))


def test_a_region_without_contours_is_said():
    regions = structure(("GTV-1", [contour(SQUARE, 2)]), ("GTV-2", []))
    drawing = drawing_of(PATH, regions, on=GRID, roi=["gtv*"])
    assert drawing.remarks == ["region 'GTV-2' has no contour"]


def test_contours_near_a_slice_belong_to_it_and_farther_ones_are_said_or_refused():
    assert draw(contour(SQUARE, 3.05)).remarks == []
    near = draw(contour(SQUARE, 3.2))
    assert places(near) == {3: [1]}
    assert "up to 0.20 slice steps off" in near.remarks[0]
    with pytest.raises(BadCaseError, match=r"of region 'GTV' lies 0\.40 slice steps off slice 3"):
        draw(contour(SQUARE, 3.4))


@pytest.mark.parametrize("k", [-1, 8])
def test_contours_beyond_the_scan_are_refused(k):
    with pytest.raises(BadCaseError, match=f"lies at slice {k} of a scan with slices 0 to 7"):
        draw(contour(SQUARE, 2), contour(SQUARE, k))


def test_a_region_split_over_two_items_is_one():
    values = structure(("GTV", [contour(SQUARE, 2)]))
    values.ROIContourSequence.append(
        item(ReferencedROINumber=0, ContourSequence=[contour(SQUARE + 1, 2), contour(SQUARE, 3)])
    )
    assert places(drawing_of(PATH, values, on=GRID, roi=())) == {2: [2], 3: [1]}
