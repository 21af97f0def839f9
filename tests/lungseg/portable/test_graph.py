"""The whole of a prediction in one module is the prediction."""

import dataclasses

import numpy as np
import pytest
import torch

from ingest.recipe import Recipe
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
    expected = [field.back(p) for p in model.probability(torch.from_numpy(np.array(small))).numpy()]
    found = Portable(model)(torch.from_numpy(hu).float())
    assert found.shape == (shape[0], *shape[2:])
    assert np.abs(found.numpy() - np.stack(expected)).max() < 2e-3


def test_parts_of_a_hu_are_rounded_as_a_scans_are(make_model):
    module = Portable(make_model(size=32))
    hu = torch.full((1, 1, 32, 32), -299.6)
    assert torch.equal(module(hu), module(torch.full((1, 1, 32, 32), -300.0)))
