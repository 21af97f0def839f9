"""What was to blame is found by looking, whatever the error says."""

import errno
import pickle

import pytest

from cluster.resources import Resources
from lungseg.errors import DivergedError, TrainingError
from tests.toy_shards import make_shards
from tune.history.fault import Fault
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.options.identity import JOURNAL
from tune.trials import blame as module
from tune.trials.blame import FaultError, blame, check_node

CPU = Resources(cpus=1)


@pytest.fixture
def search(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / JOURNAL).touch()
    return SearchOptions.of(shards=str(make_shards(tmp_path / "shards")), out=out)


def caused(cause, **by):
    error = RuntimeError("a reader ended")
    error.__cause__ = by.get("by")
    return error if cause is None else cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (DivergedError("the loss is nan"), "settings"),
        (TrainingError("lung_001.tar is damaged"), "trial"),
        (RuntimeError("CUDA error: an illegal access\nCompile with DSA"), "process"),
        (MemoryError(), "memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
        (TrainingError("the memory does not suffice for a step: lower"), "memory"),
        (caused(None, by=MemoryError()), "memory"),
        (caused(None, by=RuntimeError("the node was running low on memory")), "memory"),
        (caused(None, by=OSError(errno.ENOSPC, "full")), "node"),
    ],
)
def test_on_a_sound_node_the_error_says_it(search, error, cause):
    fault = blame(error, search, CPU)
    assert fault.cause == cause
    assert fault.reason
    assert "\n" not in fault.reason
    assert cause != "memory" or "memory" in fault.reason.lower()


def test_what_was_found_out_elsewhere_stays_and_travels(search):
    found = FaultError(Fault(cause="node", reason="no GPU there"))
    assert blame(pickle.loads(pickle.dumps(found)), search, CPU) == found.fault


def test_without_shards_or_folder_it_is_the_nodes_fault(search):
    check_node(search, CPU)
    search.out.rename(search.out.with_name("away"))
    with pytest.raises(SearchError, match="every node must reach --out"):
        check_node(search, CPU)
    assert blame(TrainingError("x"), search, CPU).cause == "node"
    search.out.with_name("away").rename(search.out)
    for file in search.out.parent.glob("shards/*"):
        if file.is_file():
            file.unlink()
    fault = blame(TrainingError("no index"), search, CPU)
    assert fault.cause == "node"
    assert "shard" in fault.reason


def test_a_full_disk_is_named_before_anything_else(search, monkeypatch):
    monkeypatch.setattr(module, "has_room", lambda _: False)
    assert blame(RuntimeError("odd"), search, CPU).cause == "full disk"
    assert blame(MemoryError(), search, CPU).cause == "full disk"


def test_a_node_given_a_gpu_that_torch_cannot_use_is_to_blame(search):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(TrainingError, match="a GPU that torch cannot use"):
        check_node(search, Resources(cpus=1, gpus=1))
