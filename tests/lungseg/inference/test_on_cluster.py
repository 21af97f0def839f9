"""A Ray cluster leaves what one machine leaves, and says all that its workers would have said."""

import contextlib
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch

import cluster.fanout
import cluster.resources
import cluster.session
from cluster.fanout import Lost
from cluster.resources import Resources
from ingest.find_scans import find_scans
from ingest.recipe import Recipe
from lungseg.inference.errors import PredictError
from lungseg.inference.on_cluster import predicted
from lungseg.inference.options import PredictOptions
from lungseg.inference.predict_all import predict
from lungseg.models.build import build_net
from tests.lungseg.conftest import files_of
from tests.toy_cluster import ray_here


@pytest.fixture
def checkpoint(tmp_path):
    """A small net that was never trained, and calls half of all voxels tumor."""
    options = {"neighbors": 1, "width": 2, "depth": 2, "norm": "instance"}
    ours = {"recipe": Recipe(size=32, drop_slices=1).to_dict(), "threshold": 0.0095}
    ours |= {"neighbors": 1, "training_cases": [], "validation_cases": []}
    torch.manual_seed(0)
    weights = {f"net.{name}": value for name, value in build_net(options).state_dict().items()}
    content = {"state_dict": weights, "hyper_parameters": options | {"lungseg": ours}}
    torch.save(content, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


@pytest.fixture
def many(tmp_path, scans):
    """A folder of scans: one is broken, one holds no HU."""
    for number in range(4):
        ball = scans.ball((24, 24, 8), center=(12, 12, number), radius_mm=8.0)
        scans.write_scan(tmp_path / f"many/s{number}.nii.gz", ball)
    (tmp_path / "many/s1.nii.gz").write_bytes(b"no scan")
    one = np.ones((24, 24, 8), np.int16)
    nibabel.save(nibabel.Nifti1Image(one, np.diag([1, 1, 2, 1])), tmp_path / "many/s2.nii.gz")
    return tmp_path / "many"


@pytest.fixture
def options(tmp_path, checkpoint, many):
    def of(out, **given):
        return PredictOptions(checkpoint=checkpoint, input=many, out=tmp_path / out, **given)

    return of


@pytest.mark.ray
@pytest.mark.slow
def test_a_cluster_leaves_what_one_machine_leaves(options, tmp_path, caplog):
    one = predict(options("one", device="cpu"))
    caplog.clear()
    with ray_here(cpus=1):
        several = predict(options("several", address="auto"))
    assert files_of(tmp_path / "several") == files_of(tmp_path / "one")
    assert several["predicted"] == one["predicted"]
    assert (several["exit_code"], list(several["failed"])) == (1, ["s1"])
    assert "s2: " in caplog.text
    assert "no HU of a chest" in caplog.text


@pytest.fixture
def in_process(monkeypatch):
    """A cluster that is this process; what it answers of a position can be set instead."""
    seen = SimpleNamespace(instead={}, needs={}, nodes=[Resources(cpus=4)])

    def fan_out(function, tasks, **needs):
        seen.needs.update(needs)
        for position, task in reversed(list(enumerate(tasks))):
            yield position, seen.instead.get(position) or function(task)

    monkeypatch.setattr(cluster.fanout, "fan_out", fan_out)
    monkeypatch.setattr(cluster.session, "session", contextlib.nullcontext)
    monkeypatch.setattr(cluster.resources, "nodes", lambda: seen.nodes)
    return seen


def test_a_scan_whose_workers_die_is_a_failed_one(in_process, options, tmp_path):
    in_process.instead[3] = Lost(reason="out of memory")
    result = predict(options("out", address="auto"))
    assert list(result["predicted"]) == ["s0", "s2"]
    assert result["failed"]["s3"] == "its worker died 4 times (out of memory)"
    del in_process.instead[3]
    again = predict(options("out", address="auto", skip_done=True))
    assert (again["skipped"], list(again["predicted"])) == (["s0", "s2"], ["s3"])


def test_each_scan_has_a_gpu_where_there_are_any(in_process, options):
    in_process.nodes.append(Resources(cpus=8, gpus=2))
    for out, device, gpus in (("a", "auto", 1), ("b", "cpu", 0)):
        predict(options(out, address="auto", device=device))
        assert in_process.needs["each"] == Resources(cpus=1, gpus=gpus)


def test_another_checkpoint_on_a_node_is_refused(in_process, options):
    with pytest.raises(PredictError, match=r"best\.ckpt is another checkpoint on .*one name"):
        list(predicted(find_scans(options("out").input), options("out"), "0" * 64))


def test_an_address_without_a_cluster_is_one_line(options):
    with pytest.raises(PredictError, match=r"no Ray cluster at '127\.0\.0\.1:9'"):
        predict(options("out", address="127.0.0.1:9"))


def test_devices_of_this_machine_are_not_those_of_a_cluster(options):
    with pytest.raises(ValueError, match="--devices and --address exclude each other"):
        options("out", devices=("cpu",), address="auto")
