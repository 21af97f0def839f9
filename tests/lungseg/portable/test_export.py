"""A checkpoint as an ONNX file that other programs run."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ingest.recipe import Recipe
from lungseg.inference.model_file import load_model
from lungseg.models.build import build_net
from lungseg.portable.errors import ExportError
from lungseg.portable.export import as_onnx, export, refuse_without_libraries
from lungseg.portable.graph import Portable
from lungseg.portable.options import ExportOptions


@pytest.fixture
def checkpoint(tmp_path):
    """Function: a recipe -> a checkpoint of a small net that sees 3 slices in 2 windows."""

    def write(recipe):
        options = {"neighbors": 3, "width": 2, "depth": 2, "norm": "batch"}
        options |= {"hu_window": [[-1000, 400], [-160, 240]]}
        ours = {"recipe": recipe.to_dict(), "threshold": 0.25, "neighbors": 3}
        ours |= {"manifest_sha256": "", "training_cases": ["a"], "validation_cases": ["b"]}
        torch.manual_seed(0)
        state = build_net(options).state_dict()
        for name in (name for name in state if "running_" in name):
            state[name] += torch.rand_like(state[name])
        weights = {f"net.{name}": value for name, value in state.items()}
        content = {"state_dict": weights, "hyper_parameters": options | {"lungseg": ours}}
        torch.save(content, tmp_path / "best.ckpt")
        return tmp_path / "best.ckpt"

    return write


@pytest.mark.slow
def test_any_slices_give_what_torch_gives_and_the_file_says_what_it_is(tmp_path, checkpoint):
    path, out = checkpoint(Recipe(size=32)), tmp_path / "new/model.onnx"
    result = export(ExportOptions(checkpoint=path, out=out))
    assert result["largest_difference"] < 1e-3
    assert result["bytes"] == out.stat().st_size
    model = load_model(path)
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    for batch, height, width in [(3, 64, 64), (1, 100, 33), (2, 7, 200), (1, 1, 1)]:
        hu = np.random.default_rng(0).normal(-300, 600, (batch, 3, height, width)).astype("f4")
        (found,) = session.run(None, {"hu": hu})
        with torch.no_grad():
            expected = Portable(model)(torch.from_numpy(hu)).numpy()
        assert found.shape == (batch, height, width)
        assert np.abs(found - expected).max() < 1e-4
    said = session.get_modelmeta().custom_metadata_map
    assert Recipe.from_dict(json.loads(said["recipe"])) == model.recipe
    assert (said["threshold"], said["neighbors"]) == ("0.25", "3")
    assert said["checkpoint_sha256"] == model.sha256
    assert json.loads(said["training_cases"]) == ["a"]
    assert "all lesions are kept" in said["post_processing"]
    onnx.checker.check_model(onnx.load(out), full_check=True)
    before = out.read_bytes()
    with pytest.raises(ExportError, match=r"would be replaced.*--overwrite"):
        export(ExportOptions(checkpoint=path, out=out))
    assert out.read_bytes() == before


@pytest.mark.slow
def test_slices_of_a_fixed_pitch_are_made_by_the_spacing_that_is_given(tmp_path, checkpoint):
    path, out = checkpoint(Recipe(size=32, pixel_mm=1.3)), tmp_path / "model.onnx"
    assert export(ExportOptions(checkpoint=path, out=out))["largest_difference"] < 1e-3
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    model = load_model(path)
    for height, width, spacing in [(64, 64, (0.7, 0.7)), (90, 30, (0.4, 3.0)), (1, 5, (9.0, 0.1))]:
        hu = np.random.default_rng(0).normal(-300, 600, (2, 3, height, width)).astype("f4")
        (found,) = session.run(None, {"hu": hu, "spacing": np.array(spacing)})
        with torch.no_grad():
            module = Portable(model)
            expected = module(torch.from_numpy(hu), torch.tensor(spacing, dtype=torch.float64))
        assert np.abs(found - expected.numpy()).max() < 1e-4
    said = session.get_modelmeta().custom_metadata_map["input"]
    assert "spacing: (2,) float64, mm from row to row" in said


class Branches(torch.nn.Module):
    """A net that asks its values what to do."""

    def forward(self, batch):
        return batch if batch.sum() > 0 else -batch


def test_a_net_that_torch_cannot_export_is_one_known_error(make_model):
    model = make_model(size=16)
    object.__setattr__(model, "net", Branches())
    with pytest.raises(ExportError, match="the net cannot be exported"):
        as_onnx(model)


def test_a_library_that_is_missing_is_named(monkeypatch):
    refuse_without_libraries()
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ExportError, match="needs onnxruntime: pip install onnx"):
        refuse_without_libraries()
