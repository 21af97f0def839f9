import cv2
import numpy as np
import pytest

from ingest.phantom import anatomy as body
from ingest.phantom import organs
from ingest.phantom.canvas import Canvas, Frame

FRAME = Frame(240, 2.0)
PAINTERS = (
    organs.paint_table,
    organs.paint_trunk,
    organs.paint_chest_wall,
    organs.paint_lungs,
    organs.paint_mediastinum,
    organs.paint_abdomen,
    organs.paint_heart,
    organs.paint_spine,
)
HEIGHTS = (-180.0, -90.0, -20.0, 50.0, 100.0)


@pytest.fixture
def painted(standard_patient):
    """Function: height, painters, what differs from the standard patient -> the section."""

    def paint(z, *painters, **changes):
        canvas = Canvas(FRAME, standard_patient(**changes), z, hu=organs.AIR)
        for painter in painters or PAINTERS:
            painter(canvas)
        return canvas.image

    return paint


def at(image, x, y):
    column, row = np.rint(FRAME.to_pixels(np.array([x, y]))).astype(int)
    return float(image[row, column])


def inside(image, outline):
    canvas = np.zeros_like(image)
    cv2.fillPoly(canvas, [np.rint(FRAME.to_pixels(outline)).astype(np.int32)], 1.0)
    return canvas > 0


@pytest.mark.parametrize("z", HEIGHTS[:4])
def test_all_of_the_body_lies_in_its_skin_and_on_the_table(painted, z):
    image = painted(z, fat_mm=14.0)
    outside = ~inside(image, body.trunk(z, 14 + 4, uneven=0.25))
    below_back = FRAME.axis_mm() < body.trunk(-60, 14.0)[:, 1].min() + 50
    high = outside & ~below_back[:, None]
    assert set(np.unique(image[high])) <= {organs.AIR}
    table = image[outside & below_back[:, None]]
    assert set(np.unique(table)) <= {organs.AIR, -900.0, -520.0, -150.0}


def test_the_table_bears_the_back_of_each_patient(painted):
    tops = {}
    for shift, fat_mm in ((0.0, 10.0), (20.0, 10.0), (0.0, 20.0)):
        image = painted(-60.0, organs.paint_table, shift_mm=(0.0, shift), fat_mm=fat_mm)
        rows = np.flatnonzero(image[:, FRAME.size // 2] > organs.AIR)
        tops[shift, fat_mm] = rows.max() * FRAME.pitch
    assert tops[20.0, 10.0] - tops[0.0, 10.0] == pytest.approx(20, abs=FRAME.pitch)
    assert tops[0.0, 10.0] - tops[0.0, 20.0] == pytest.approx(10, abs=FRAME.pitch)


@pytest.mark.parametrize("z", HEIGHTS)
def test_chest_wall_table_lungs_and_spine_are_the_same_on_both_sides(painted, z):
    symmetric = [organs.paint_table, organs.paint_trunk, organs.paint_lungs, organs.paint_spine]
    for painter in symmetric:
        image = painted(z, painter)
        assert (image == image[:, ::-1]).mean() > 0.99, painter.__name__
    wall = painted(z, organs.paint_chest_wall)
    assert (wall == wall[:, ::-1]).mean() > 0.98


def test_fat_lies_under_the_skin_and_muscle_under_the_fat(painted):
    image = painted(-60.0, organs.paint_trunk, fat_mm=20.0)
    x = body.trunk(-60.0, 0)[0, 0]
    assert at(image, x - 3, -6) == organs.MUSCLE
    assert at(image, x + 12, -6) == organs.FAT
    assert at(image, x + 40, -6) == organs.AIR
    assert (image == organs.SKIN).any()
    thin, thick = (
        (painted(-60.0, organs.paint_trunk, fat_mm=fat_mm) == organs.FAT).sum()
        for fat_mm in (8.0, 20.0)
    )
    assert thick > 1.8 * thin


def test_breasts_stand_out_in_front_where_a_patient_has_them(painted):
    flat, full = (painted(-46.0, organs.paint_trunk, breast_mm=mm) for mm in (0.0, 20.0))
    row = np.flatnonzero((full > organs.AIR).any(1)).max() * FRAME.pitch
    assert row - np.flatnonzero((flat > organs.AIR).any(1)).max() * FRAME.pitch > 15
    assert np.array_equal(
        painted(60.0, organs.paint_trunk, breast_mm=20.0), painted(60.0, organs.paint_trunk)
    )


def test_lungs_fill_the_cavity_up_to_the_apex(painted):
    image = painted(0.0, organs.paint_lungs)
    lung = np.isin(image, (organs.LUNG, organs.FISSURE))
    assert (lung != inside(image, body.cavity(0.0))).sum() < 0.03 * lung.sum()
    assert (painted(body.APEX_Z, organs.paint_lungs) == organs.AIR).all()
    assert (painted(body.APEX_Z - 3, organs.paint_lungs) == organs.LUNG).any()


def test_fissures_cross_both_lungs_and_climb_to_the_back(painted):
    behind = []
    for z in (-40.0, -10.0, 20.0):
        rows, columns = np.nonzero(painted(z, organs.paint_lungs) == organs.FISSURE)
        assert (columns < FRAME.size / 2).any()
        assert (columns > FRAME.size / 2).any()
        behind.append(rows.mean())
    assert behind == sorted(behind, reverse=True)
    assert not (painted(100.0, organs.paint_lungs) == organs.FISSURE).any()


@pytest.mark.parametrize("blood_hu", [40.0, 150.0])
def test_heart_and_great_vessels_hold_the_patients_blood(painted, blood_hu):
    image = painted(-60.0, blood_hu=blood_hu)
    assert at(image, -40.0, 20.0) == blood_hu  # in the heart
    x, y = (np.interp(-60, body.AORTA[:, 2], body.AORTA[:, axis]) for axis in (0, 1))
    assert at(image, x, y) == blood_hu
    wall = painted(-60.0, organs.paint_heart, blood_hu=150.0)
    assert (wall == np.float32(42 + 0.35 * 110)).any()


def test_the_windpipe_is_air_in_a_wall(painted):
    image = painted(80.0)
    assert at(image, 1.0, -7.0) == organs.AIRWAY
    row = np.rint(FRAME.to_pixels(np.array([0, -7.0])))[1].astype(int)
    assert 15.0 in image[row]


def test_the_spine_has_discs_between_vertebrae_every_24_mm(painted):
    kinds = [
        at(painted(z, organs.paint_spine), 0, body.spine_y(z)) for z in (2.0, 13.0, 26.0, 37.0)
    ]
    assert kinds == [organs.DISC, organs.MARROW, organs.DISC, organs.MARROW]
    vertebra = painted(13.0, organs.paint_spine)
    row = np.rint(FRAME.to_pixels(np.array([0, body.spine_y(13.0)])))[1].astype(int)
    assert organs.CORTEX in vertebra[row]
    assert at(vertebra, 0, body.spine_y(13.0) - 20) == 24.0  # the canal
    assert at(painted(2.0, organs.paint_spine), 0, body.spine_y(2.0) - 20) == 24.0


def test_ribs_have_marrow_in_their_cortex_and_lie_around_the_lungs(painted):
    image = painted(-20.0, organs.paint_chest_wall)
    bone = np.isin(image, (organs.CORTEX, organs.MARROW))
    assert (image == organs.MARROW).sum() > 20
    assert not (bone & inside(image, body.cavity(-20.0, -2.0))).any()
    assert bone.sum() * FRAME.pitch**2 > 500


def test_the_breastbone_lies_in_front_between_its_ends(painted):
    front = body.cavity(0.0)[:, 1].max() + 7
    assert at(painted(0.0, organs.paint_chest_wall), 0, front) == organs.MARROW - 60
    for z in (-106.0, 69.0):
        assert at(painted(z, organs.paint_chest_wall), 0, front) != organs.MARROW - 60


def test_shoulders_have_bone_above_and_none_below(painted):
    def far_bone(z):
        image = painted(z, organs.paint_chest_wall)
        return (image[:, np.abs(FRAME.axis_mm()) > 135] == organs.CORTEX).sum()

    assert far_bone(100.0) > 50
    assert far_bone(-120.0) == 0


def test_under_the_domes_lie_liver_and_gas_and_above_them_nothing(painted):
    image = painted(-150.0)
    assert at(image, 66.0, 4.0) == 56.0
    assert at(image, -58.0, 50.0) == organs.GAS
    lung_only = painted(-50.0, organs.paint_abdomen)
    assert (lung_only == organs.AIR).all()
    dome = painted(-92.0, organs.paint_abdomen)
    assert at(dome, 66.0, 4.0) in (organs.MUSCLE, organs.MUSCLE + 6)


@pytest.mark.parametrize("z", HEIGHTS)
def test_the_mediastinum_is_fat_between_the_lungs(painted, z):
    image = painted(z, organs.paint_mediastinum)
    fat = image == organs.FAT + 10
    assert set(np.unique(image)) == {organs.AIR, organs.FAT + 10}
    assert fat[:, np.abs(FRAME.axis_mm()) < 8].any()
    assert not (fat & ~inside(image, body.cavity(z, 3.0))).any()
