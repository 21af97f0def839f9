import numpy as np
import pytest

from ingest.phantom import anatomy as body
from ingest.phantom import organs
from ingest.phantom.canvas import Canvas, Frame
from ingest.phantom.lung import inside_lung

FRAME = Frame(200, 2.0)


def grid(z):
    """Standard points (rows, columns, 3) of a section."""
    y, x = np.meshgrid(FRAME.axis_mm(), FRAME.axis_mm(), indexing="ij")
    return np.stack([x, y, np.full_like(x, z)], -1)


def lung_at(z):
    return inside_lung(grid(z).reshape(-1, 3)).reshape(FRAME.size, FRAME.size)


def test_lungs_lie_on_both_sides_of_the_heart():
    places = np.array(
        [(80.0, 0, -20), (-80, 0, 0), (0, 0, -50), (0, -60, 0), (150, 0, 0), (60, 0, -150)]
    )
    assert inside_lung(places).tolist() == [True, True, False, False, False, False]


@pytest.mark.parametrize("z", [-80.0, -70, -45, -20, 5, 30, 55])
def test_the_painted_lungs_are_where_points_lie_in_the_lung(standard_patient, z):
    canvas = Canvas(FRAME, standard_patient(), z, hu=organs.AIR)
    organs.paint_lungs(canvas)
    organs.paint_mediastinum(canvas)
    organs.paint_abdomen(canvas)
    organs.paint_heart(canvas)
    organs.paint_spine(canvas)
    painted = np.isin(canvas.image, (organs.LUNG, organs.FISSURE))
    inside = lung_at(z)
    assert (painted & inside).sum() > 0.88 * (painted | inside).sum()


@pytest.mark.parametrize("z", [-240.0, -150, -60, 0, 60, 100, 110.9])
def test_no_lung_lies_outside_the_chest_wall_or_in_an_organ(z):
    points = grid(z)[lung_at(z)]
    inside = body.within_cavity(points[:, :2], z)
    np.testing.assert_allclose(inside, points[:, :2], atol=1e-9)
    for center, axes in body.HEART:
        assert ((((points - center) / axes) ** 2).sum(1) > 1).all()
    spine = (points[:, 0] / 18) ** 2 + ((points[:, 1] - body.spine_y(z)) / 14.5) ** 2
    assert (spine > 1).all()


def test_no_lung_lies_above_the_apex():
    assert lung_at(body.APEX_Z - 6).any()
    assert not lung_at(body.APEX_Z).any()


def test_the_lung_ends_at_the_pleura_of_its_dome():
    (x, y, z), (_, _, half_z) = body.DOMES["right"]
    assert inside_lung(np.array([(x, y, z + half_z + 3.1)]))[0]
    assert not inside_lung(np.array([(x, y, z + half_z + 2.9)]))[0]


def test_the_two_lungs_do_not_touch():
    middle = np.abs(FRAME.axis_mm()) < 6
    for z in range(-90, 100, 20):
        assert not inside_lung(grid(float(z))[:, middle].reshape(-1, 3)).any()
    both = lung_at(0.0)
    assert both[:, FRAME.axis_mm() > 0].sum() == pytest.approx(
        both[:, FRAME.axis_mm() < 0].sum(), rel=0.2
    )


@pytest.mark.parametrize("z", [-30.0, 10.0, 70.0])
def test_no_lung_lies_within_the_outline_of_the_mediastinum(z):
    x, y = body.mediastinum(z)[2:14].T
    for share in (0.0, 0.5, 0.98):
        assert not inside_lung(np.column_stack([share * x, y, np.full_like(x, z)])).any()
