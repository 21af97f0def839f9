"""Several models, or one in several mirrors, as one."""

import itertools

import pytest
import torch

from ingest.recipe import Recipe
from lungseg.inference.ensemble import Ensemble, EnsembleError


class Slope(torch.nn.Module):
    """Logits that grow to the right, and with the first channel."""

    def forward(self, batch):
        ramp = torch.linspace(-2, 2, batch.shape[-1])
        return batch[:, :1] + ramp.expand(batch.shape[0], 1, *batch.shape[2:])


PIXELS = (200 * torch.randn(3, 5, 6, 7, generator=torch.Generator().manual_seed(0))).to(torch.int16)


def mean_of(ensemble, pixels):
    return ensemble.probabilities(pixels).mean(dim=0)


def test_one_alone_is_the_model_itself(make_model):
    model = make_model(sha256="abc")
    alone = Ensemble(members=(model,))
    pixels = PIXELS[:, :1]
    assert torch.equal(mean_of(alone, pixels), model.probability(pixels))
    assert alone.sha256 == "abc"
    assert (alone.recipe, alone.threshold, alone.neighbors) == (model.recipe, 0.5, 1)


def test_probabilities_are_averaged_and_each_sees_its_own_neighbors(make_model):
    members = [make_model(above, neighbors=n) for above, n in ((-50.0, 1), (20.0, 5), (0.0, 3))]
    both = Ensemble(members=tuple(members))
    mean = sum(
        model.probability(PIXELS[:, 2 - model.neighbors // 2 : 3 + model.neighbors // 2])
        for model in members
    )
    assert both.neighbors == 5
    assert torch.allclose(mean_of(both, PIXELS), mean / 3)


def test_each_member_and_each_mirror_is_told_apart(make_model):
    members = make_model(-50.0), make_model(20.0)
    found = Ensemble(members=members, flips=True).probabilities(PIXELS[:, :1])
    assert found.shape == (8, 3, 6, 7)
    assert torch.equal(found[0], members[0].probability(PIXELS[:, :1]))
    assert torch.equal(found[4], members[1].probability(PIXELS[:, :1]))


def test_flips_make_an_answer_that_turns_with_the_slice(make_model):
    model = make_model()
    object.__setattr__(model, "net", Slope())
    pixels = PIXELS[:, :1]
    for axes in ((-1,), (-2,), (-1, -2)):
        once, ours = Ensemble(members=(model,)), Ensemble(members=(model,), flips=True)
        turned = mean_of(ours, pixels.flip(axes)).flip(axes)
        assert torch.allclose(turned, mean_of(ours, pixels), atol=1e-6)
        if -1 in axes:
            other = mean_of(once, pixels.flip(axes)).flip(axes)
            assert not torch.allclose(other, mean_of(once, pixels), atol=0.1)


def test_what_is_known_of_the_members_is_known_of_all(make_model):
    one = make_model(training_cases=("a", "b"), validation_cases=("c",), threshold=0.4)
    other = make_model(
        training_cases=("c", "b"), validation_cases=("a",), threshold=0.6, sha256="2"
    )
    both = Ensemble(members=(one, other))
    assert both.training_cases == ("a", "b", "c")
    assert both.validation_cases == ("c", "a")
    assert both.threshold == 0.4


def test_each_ensemble_has_a_hash_of_its_own(make_model):
    models = [make_model(sha256=text) for text in "12"]
    made = [
        Ensemble(members=members, flips=flips)
        for members in ((models[0],), (models[1],), tuple(models))
        for flips in (False, True)
    ]
    assert all(a.sha256 != b.sha256 for a, b in itertools.combinations(made, 2))


def test_other_recipes_do_not_mix(make_model):
    other = make_model(recipe=Recipe(size=64, drop_slices=7))
    with pytest.raises(EnsembleError, match=r"differ in drop_slices \(0 and 7\)"):
        Ensemble(members=(make_model(), other))
