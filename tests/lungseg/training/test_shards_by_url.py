"""A training that streams from a failing server ends with the weights of one from a folder."""

import functools
import itertools
import re
import resource
import subprocess
import sys

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lungseg.fit import main
from lungseg.options.fit import FitOptions
from lungseg.training.run import fit
from shards.console.command import run
from shards.errors import ChangedSetError, DamagedShardError, StoreError
from shards.storage.attempts import Retries
from shards.storage.store import open_shards
from tests.servers import ALWAYS
from tests.shards.conftest import write_set
from tests.waiting import wait_until

TINY = {"width": 4, "depth": 3, "batch_size": 8, "num_workers": 0, "augment": "light", "epochs": 1}
FAULTS = ("corrupt", "truncate", 503, "short", "reset", "hang", "trickle", "html")


def patience_of(monkeypatch, **given):
    retries = Retries(attempts=5, first_wait_s=0.01, **given)
    quick = functools.partial(open_shards, retries=retries)
    monkeypatch.setattr("lungseg.training.run.open_shards", quick)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    patience_of(monkeypatch)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), cases="abcdef", num_slices=8, size=32)


@pytest.fixture(scope="module")
def weights_of_folder(folder, tmp_path_factory):
    """Function: loader -> the weights after a training from the local folder."""
    made = {}

    def weights_by(loader):
        if loader not in made:
            out = tmp_path_factory.mktemp(loader)
            made[loader] = weights_after(folder, out / "run", loader=loader)
        return made[loader]

    return weights_by


def weights_after(shards, out, **given):
    fit(FitOptions.of(shards=str(shards), out=out, devices=1, accelerator="cpu", **TINY | given))
    return torch.load(out / "last.ckpt", weights_only=True)["state_dict"]


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("loader", ["index", "webdataset"])
@pytest.mark.parametrize("protocol", ["http", "s3"])
def test_a_flaky_server_trains_like_a_folder(
    folder, weights_of_folder, tmp_path, serve, serve_faulty_s3, monkeypatch, protocol, loader
):
    patience_of(monkeypatch, timeout_s=0.7)  # one answer is silence
    server = {"http": serve, "s3": serve_faulty_s3}[protocol](folder)
    server.fail("manifest.json", 503)
    server.fail("index.parquet", "corrupt")
    for case, fault in zip(itertools.cycle("abcdef"), FAULTS, strict=False):
        server.fail(f"cases/{case}.tar", fault)
    found = weights_after(server.url, tmp_path / "run", cache=tmp_path / "cache", loader=loader)
    assert equal(found, weights_of_folder(loader))
    assert not any(server.faults.values())
    # another download that was under way may still be giving up
    parts = (tmp_path / "cache").rglob
    wait_until(lambda: not list(parts("*.part")), "nothing fetched in part lies about")


@pytest.mark.parametrize("order", ["exact", "windowed"])
def test_a_cache_with_room_for_few_shards_is_enough(folder, tmp_path, serve, order):
    room_gb = 2.5 * max(path.stat().st_size for path in folder.glob("cases/*")) / 1e9
    server, given = serve(folder), {"order": order, "window_shards": 1}
    given |= {"batch_size": 2}  # what is read ahead is less than a shard
    room = {"cache": tmp_path / "cache", "cache_gb": room_gb}
    found = weights_after(server.url, tmp_path / "url", **given, **room)
    assert equal(found, weights_after(folder, tmp_path / "folder", **given))
    kept = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*.tar"))
    assert 0 < kept <= 1e9 * room_gb
    if order == "windowed":
        assert {server.requests[f"cases/{case}.tar"] for case in "bdf"} == {1}  # trained on


@pytest.mark.parametrize("further", [{"draw": "balanced"}, {"order": "windowed"}])
def test_a_stream_refuses_what_only_the_index_can_do(tmp_path, further):
    with pytest.raises(ValueError, match="need --loader index"):
        FitOptions.of(shards="x", out=tmp_path, loader="webdataset", **further)


class WritesAnew(Callback):
    """Writes the set anew once the first epoch has begun, with all its shards open."""

    def __init__(self, root):
        self.root = root

    def on_train_epoch_start(self, trainer, pl_module):
        write_set(self.root, num_slices=8, size=32, seed=1)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_set_that_changes_under_a_training_stops_it(tmp_path, num_workers):
    root = write_set(tmp_path / "set", num_slices=8, size=32)
    given = TINY | {"epochs": 3, "num_workers": num_workers}
    options = FitOptions.of(
        shards=str(root), out=tmp_path / "run", devices=1, accelerator="cpu", **given
    )
    with pytest.raises(ChangedSetError, match="written anew while it was in use"):
        fit(options, callbacks=[WritesAnew(root)])


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("loader", ["index", "webdataset"])
def test_a_damaged_shard_stops_a_training_in_one_line(tmp_path, loader, num_workers):
    damaged = write_set(tmp_path / "set", num_slices=8, size=32)
    path = damaged / "cases" / "b.tar"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedShardError, match=r"cases/b\.tar is damaged.*verify") as caught:
        weights_after(damaged, tmp_path / "run", loader=loader, num_workers=num_workers)
    assert str(caught.value).startswith(str(path))


def test_a_full_cache_disk_ends_a_training_in_one_line(
    folder, tmp_path, serve, monkeypatch, capsys
):
    """A limit on the size of a file stands for the disk: any shard is larger, all else smaller."""
    largest = resource.getrlimit(resource.RLIMIT_FSIZE)
    words = flags(serve(folder).url, tmp_path / "run", cache=tmp_path / "cache")
    monkeypatch.setattr("sys.argv", ["fit", *words])
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, largest[1]))
    try:
        with pytest.raises(SystemExit) as left:
            run(FitOptions, main, prog="fit", description="")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, largest)
    assert left.value.code == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.match(
        "fit: no room on the local disk for http.*tar .*: make room, choose another", last
    )
    # another shard's fetch may still be at its end
    parts = (tmp_path / "cache").rglob
    wait_until(lambda: not list(parts("*.part")), "nothing fetched in part lies about")


@pytest.mark.slow
def test_two_trainings_at_a_time_share_a_cache(folder, weights_of_folder, tmp_path, serve):
    server = serve(folder)
    for case in "abcdef":
        server.fail(f"cases/{case}.tar", 503)  # so that fetching takes a while
    cache = {"cache": tmp_path / "cache"}
    processes = [started(server.url, tmp_path / name, **cache) for name in ("one", "two")]
    for process, name in zip(processes, ("one", "two"), strict=True):
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
        found = torch.load(tmp_path / name / "last.ckpt", weights_only=True)["state_dict"]
        assert equal(found, weights_of_folder("index"))
    assert {server.requests[f"cases/{case}.tar"] for case in "abcdef"} == {2}


def flags(shards, out, **given):
    words = {"shards": shards, "out": out, "devices": 1, "accelerator": "cpu", **TINY, **given}
    return [
        word
        for option, value in words.items()
        for word in ("--" + option.replace("_", "-"), str(value))
    ]


def started(shards, out, **given):
    command = [sys.executable, "-m", "lungseg.fit", *flags(shards, out, **given)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **pipes)


@pytest.mark.slow
def test_ranks_that_stream_take_equally_many_steps(folder, tmp_path):
    """The 24 slices of training cases make three steps an epoch, on two ranks too."""
    many = {"devices": 2, "num_workers": 2, "neighbors": 3, "epochs": 2}
    process = started(folder, tmp_path / "run", loader="webdataset", **many)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["global_step"] == 6


@pytest.mark.slow
def test_damage_that_one_rank_meets_ends_all(tmp_path):
    damaged = write_set(tmp_path / "set", cases="abcd", num_slices=8, size=32)
    path = damaged / "cases" / "d.tar"
    path.write_bytes(path.read_bytes()[:-1500] + bytes(1500))
    process = started(damaged, tmp_path / "run", devices=2)
    _, errors = process.communicate(timeout=200)
    assert process.returncode not in (0, None)
    assert "d.tar is damaged" in errors


def test_a_server_that_fails_for_good_stops_the_training(folder, tmp_path, serve):
    server = serve(folder)
    server.fail("cases/c.tar", 500, times=ALWAYS)
    with pytest.raises(StoreError, match=r"cases/c\.tar could not be read in 5 attempts"):
        weights_after(server.url, tmp_path / "run", cache=tmp_path / "cache")
