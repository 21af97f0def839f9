"""A net sees HU through windows, there and back."""

import pytest
import torch

from lungseg.models.view import view_of

RECIPE = {"scale": 1 / 3071, "clip": [-1000, 3000]}
LUNG, TISSUE = [-1000.0, 400.0], [-160.0, 240.0]


def hu(*values):
    return torch.tensor(values, dtype=torch.int16).reshape(1, 1, 1, -1)


def seen(*values, **options):
    return view_of(options, RECIPE)(hu(*values)).flatten().tolist()


@pytest.mark.parametrize("options", [{}, {"hu_window": [], "hu_scaling": "auto"}])
def test_by_default_and_in_earlier_checkpoints_it_is_hu_times_scale(options):
    view = view_of(options, RECIPE)
    values = torch.randint(-1000, 3000, (2, 3, 4, 5), dtype=torch.int16)
    assert view.factor == RECIPE["scale"]
    assert torch.equal(view(values), values.float() * RECIPE["scale"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"hu_window": [LUNG]}, [0, 0, 0.5, 1, 1]),
        ({"hu_window": [LUNG], "hu_scaling": "signed"}, [-1, -1, 0, 1, 1]),
        (
            {"hu_window": [LUNG], "hu_scaling": "recipe"},
            [value / 3071 for value in (-1000, -1000, -300, 400, 400)],
        ),
    ],
)
def test_a_window_is_all_that_is_told_apart(options, expected):
    assert seen(-1024, -1000, -300, 400, 3000, **options) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("scaling", "expected"), [("unit", [0, 0.5, 1]), ("signed", [-1, 0, 1])])
def test_without_a_window_the_recipes_clip_is_scaled(scaling, expected):
    assert seen(-1000, 1000, 3000, hu_scaling=scaling) == pytest.approx(expected, abs=1e-6)


def test_windows_are_channels_of_all_neighbors_each():
    view = view_of({"hu_window": [LUNG, TISSUE]}, RECIPE)
    values = torch.randint(-1000, 400, (2, 3, 4, 5), dtype=torch.int16)
    both = view(values)
    assert both.shape == (2, 6, 4, 5)
    for number, window in enumerate((LUNG, TISSUE)):
        alone = view_of({"hu_window": [window]}, RECIPE)(values)
        assert torch.equal(both[:, 3 * number : 3 * number + 3], alone)


@pytest.mark.parametrize("scaling", ["recipe", "unit", "signed"])
@pytest.mark.parametrize("windows", [[], [LUNG], [LUNG, TISSUE]])
@pytest.mark.parametrize("neighbors", [1, 3, 5])
def test_the_slice_itself_can_be_told_back_in_the_first_window(scaling, windows, neighbors):
    view = view_of({"hu_window": windows, "hu_scaling": scaling}, RECIPE)
    values = torch.randint(-1000, 400, (2, neighbors, 4, 5), dtype=torch.int16)
    itself = values[:, neighbors // 2].float()
    torch.testing.assert_close(view.slice_hu(view(values)), itself, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    "options", [{"hu_window": [LUNG]}, {"hu_scaling": "unit"}, {"hu_window": [LUNG, TISSUE]}]
)
def test_a_view_that_is_more_than_a_factor_says_so(options):
    assert view_of(options, RECIPE).factor is None


def test_the_slices_that_were_read_are_left_as_they_are():
    values = hu(-1000, 0, 3000).float()
    for options in ({}, {"hu_window": [LUNG]}, {"hu_scaling": "signed"}):
        view_of(options, RECIPE)(values)
    assert torch.equal(values, hu(-1000, 0, 3000).float())
