"""The whole of a prediction in one module is the prediction."""

import dataclasses

import numpy as np
import pytest
import torch

from ingest.recipe import Recipe
from ingest.scans.geometry import Grid, as_affine
from ingest.slices.field import Field
from ingest.slices.prepare import prepare_image
from lungseg.portable.graph import Portable


class Sums(torch.nn.Module):
    """Logits that tell all channels apart."""

    def forward(self, batch):
        weights = torch.arange(1.0, batch.shape[1] + 1)[:, None, None]
        return (batch * weights).sum(1, keepdim=True)


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (1, 3, 40, 90), (1, 3, 20, 20)])
@pytest.mark.parametrize("windows", [(), ((-1000, 400), (-160, 240))])
def test_it_predicts_as_file_to_file_does(make_model, shape, windows):
    model = make_model(recipe=Recipe(size=32, clip=(-900, 900)), neighbors=3)
    model = dataclasses.replace(model, net=Sums(), options={"hu_window": windows})
    hu = np.random.default_rng(0).integers(-1500, 1500, shape).astype(np.int16)
    field = Field.whole(shape[2:], 32)
    small = [[prepare_image(plane.copy(), model.recipe, field) for plane in s] for s in hu]
    probability = model.probability(torch.from_numpy(np.array(small))).numpy()
    expected = [field.back(piece) for piece in probability]
    found = Portable(model)(torch.from_numpy(hu).float())
    assert found.shape == (shape[0], *shape[2:])
    assert np.abs(found.numpy() - np.stack(expected)).max() < 2e-3


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [
        ((2, 1, 64, 64), (1.0, 1.0)), ((1, 1, 64, 64), (0.5, 0.5)), ((1, 1, 40, 90), (0.3, 0.7)),
        ((1, 1, 20, 20), (3.0, 2.5)), ((1, 1, 33, 70), (2.0, 0.4)), ((1, 1, 1, 9), (0.1, 9.0)),
    ],
)  # fmt: skip
def test_slices_of_a_pitch_are_those_of_a_prediction(make_model, shape, spacing):
    recipe = Recipe(size=32, pixel_mm=1.0, clip=(-900, 900))
    model = dataclasses.replace(make_model(recipe=recipe), net=Sums())
    hu = np.random.default_rng(0).integers(-1500, 1500, shape).astype(np.int16)
    affine = as_affine(np.diag([spacing[1], spacing[0], 1.0, 1.0]))
    field = Field.of(Grid(shape=(shape[3], shape[2], 1), affine=affine), recipe)
    small = [[prepare_image(plane.copy(), recipe, field) for plane in s] for s in hu]
    probability = model.probability(torch.from_numpy(np.array(small))).numpy()
    expected = np.stack([field.back(piece) for piece in probability])
    found = Portable(model)(torch.from_numpy(hu).float(), torch.tensor(spacing).double()).numpy()
    assert np.abs(found - expected).max() < 2e-3


def test_parts_of_a_hu_are_rounded_as_a_scans_are(make_model):
    module = Portable(make_model(size=32))
    hu = torch.full((1, 1, 32, 32), -299.6)
    assert torch.equal(module(hu), module(torch.full((1, 1, 32, 32), -300.0)))
