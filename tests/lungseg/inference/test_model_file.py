"""Checkpoints on disk."""

import dataclasses
import hashlib
import pickle

import pytest
import torch

from ingest.recipe import Recipe
from lungseg.inference.model_file import ModelFileError, load_model
from lungseg.models.build import build_net
from lungseg.models.tiles import tiled
from lungseg.models.view import view_of
from lungseg.postprocessing.rules import Rules

OPTIONS = {"neighbors": 3, "width": 4, "depth": 2, "norm": "instance", "lr": 0.01}


def checkpoint(net, **changes):
    """What Lightning writes, as far as prediction needs it."""
    ours = {
        "recipe": Recipe(size=64, clip=(-900, 500)).to_dict(),
        "threshold": 0.4,
        "neighbors": 3,
        "manifest_sha256": "00",
        "training_cases": ["a"],
        "validation_cases": ["b", "c"],
    }
    return {
        "epoch": 3,
        "state_dict": {f"net.{name}": value for name, value in net.state_dict().items()},
        "hyper_parameters": OPTIONS | {"lungseg": ours},
    } | changes


@pytest.fixture
def net():
    torch.manual_seed(0)
    return build_net(OPTIONS).eval()


def test_the_loaded_net_computes_what_the_saved_one_did(tmp_path, net):
    torch.save(checkpoint(net), tmp_path / "best.ckpt")
    model = load_model(tmp_path / "best.ckpt")
    batch = torch.randn(2, 3, 16, 16)
    assert not model.net.training
    torch.testing.assert_close(model.net(batch), net(batch))


def test_a_net_trained_on_squares_sees_slices_in_such_squares(tmp_path, net):
    content = checkpoint(net)
    content["hyper_parameters"]["crop_px"] = 8
    torch.save(content, tmp_path / "best.ckpt")
    model = load_model(tmp_path / "best.ckpt")
    batch = torch.randn(2, 3, 16, 16)
    assert not model.net.training
    torch.testing.assert_close(model.net(batch), tiled(net, 8)(batch))
    assert not torch.allclose(model.net(batch), net(batch))


def test_the_recipe_and_the_cases_travel_in_the_checkpoint(tmp_path, net):
    torch.save(checkpoint(net), tmp_path / "best.ckpt")
    model = load_model(tmp_path / "best.ckpt")
    assert model.recipe == Recipe(size=64, clip=(-900, 500))
    assert (model.threshold, model.neighbors) == (0.4, 3)
    assert (model.training_cases, model.validation_cases) == (("a",), ("b", "c"))
    assert model.options["lr"] == 0.01
    assert model.sha256 == hashlib.sha256((tmp_path / "best.ckpt").read_bytes()).hexdigest()


def test_the_rules_that_were_chosen_travel_too(tmp_path, net):
    content = checkpoint(net)
    torch.save(content, tmp_path / "best.ckpt")
    assert not load_model(tmp_path / "best.ckpt").rules
    rules = {"lung_hull": True, "smallest_mm3": 30.0, "keep_largest": 2}
    content["hyper_parameters"]["lungseg"]["decision"] = {"rules": rules, "steps": []}
    torch.save(content, tmp_path / "chosen.ckpt")
    assert load_model(tmp_path / "chosen.ckpt").rules == Rules(**rules)


@pytest.mark.parametrize("windows", [[], [[-1000, 400], [-160, 240]]])
def test_the_loaded_net_sees_what_it_saw_in_training(tmp_path, windows):
    options = OPTIONS | {"hu_window": windows, "hu_scaling": "signed"}
    net = build_net(options)
    content = checkpoint(net)
    content["hyper_parameters"] |= options
    torch.save(content, tmp_path / "best.ckpt")
    model = load_model(tmp_path / "best.ckpt")
    images = torch.randint(-1000, 400, (2, 3, 16, 16), dtype=torch.int16)
    expected = view_of(options, {"scale": 1 / 3071, "clip": [-900, 500]})
    assert torch.equal(model.view(images), expected(images))
    assert model.net(model.view(images)).shape == (2, 1, 16, 16)


def test_a_checkpoint_of_an_earlier_version_sees_hu_times_the_scale(tmp_path, net):
    torch.save(checkpoint(net), tmp_path / "best.ckpt")
    assert load_model(tmp_path / "best.ckpt").view.factor == 1 / 3071


def written(path, what):
    path.write_bytes(what) if isinstance(what, bytes) else torch.save(what, path)
    return path


def test_a_file_that_is_no_checkpoint_is_one_known_error(tmp_path, net):
    whole = written(tmp_path / "whole.ckpt", checkpoint(net)).read_bytes()
    faults = {
        tmp_path / "absent.ckpt": "no such file",
        tmp_path: "a folder",
        written(tmp_path / "empty.ckpt", b""): "0 bytes",
        written(tmp_path / "text.ckpt", b"no weights here"): "15 bytes",
        written(tmp_path / "short.ckpt", whole[: len(whole) // 2]): "bytes",
        written(tmp_path / "list.ckpt", [1, 2]): "it holds a list",
        written(tmp_path / "other.ckpt", {"model": 1}): "KeyError: 'hyper_parameters'",
        written(tmp_path / "plain.ckpt", checkpoint(net, hyper_parameters=OPTIONS)): "lungseg",
        written(tmp_path / "net.ckpt", checkpoint(net, state_dict={})): "Missing key",
    }
    for path, what in faults.items():
        with pytest.raises(ModelFileError, match=what) as caught:
            load_model(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_checkpoint_of_another_version_or_of_a_diverged_training_says_so(tmp_path, net):
    def changed(**changes):
        content = checkpoint(net)
        ours = content["hyper_parameters"]["lungseg"]
        return content | {"hyper_parameters": OPTIONS | {"lungseg": ours | changes}}

    other = changed()
    other["hyper_parameters"]["net"] = "v9"
    diverged = checkpoint(net)
    diverged["state_dict"] = {n: v * float("nan") for n, v in diverged["state_dict"].items()}
    faults = {
        "recipe": (changed(recipe={"size": 64, "future": 1}), "version .*'future'"),
        "rules": (changed(decision={"rules": {"future": 1}}), "version .*'future'"),
        "threshold": (changed(threshold="half"), "version .*half"),
        "net": (
            checkpoint(net, hyper_parameters=changed()["hyper_parameters"] | {"net": "v9"}),
            "v9",
        ),
        "diverged": (diverged, "its weights are no finite numbers"),
    }
    for name, (content, what) in faults.items():
        path = written(tmp_path / f"{name}.ckpt", content)
        with pytest.raises(ModelFileError, match=rf"^{path}.*{what}"):
            load_model(path)


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def test_code_in_a_checkpoint_is_never_run(tmp_path, net):
    trap = tmp_path / "ran"
    torch.save(checkpoint(net, loops=Attack(trap)), tmp_path / "evil.ckpt")
    with pytest.raises(ModelFileError, match="no checkpoint"):
        load_model(tmp_path / "evil.ckpt")
    (tmp_path / "plain.ckpt").write_bytes(pickle.dumps(Attack(trap)))
    with pytest.raises(ModelFileError, match="no checkpoint"):
        load_model(tmp_path / "plain.ckpt")
    assert not trap.exists()


def test_in_bf16_probabilities_are_near_and_of_32_bits(tmp_path, net):
    torch.save(checkpoint(net), tmp_path / "best.ckpt")
    model = load_model(tmp_path / "best.ckpt")
    pixels = torch.randint(-900, 500, (2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact = model.probability(pixels)
        near = dataclasses.replace(model, bf16=True).probability(pixels)
    assert near.dtype == torch.float32
    assert 0 < (near - exact).abs().max() < 0.02
