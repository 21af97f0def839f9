"""A run at a URL goes on from there on another machine, and loses nothing that it wrote."""

import os
import signal
import subprocess
import sys

import pytest

from lungseg.errors import TrainingError
from lungseg.fit import main
from lungseg.inference.model_file import ModelFileError, load_model
from lungseg.options.fit import FitOptions
from lungseg.training.run import fit
from shards.console.out import OutError, url_of
from shards.storage.remote import Remote
from tests.toy_shards import make_shards
from tests.toy_training import equal, flags, options, weights
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return make_shards(tmp_path_factory.mktemp("toy"))


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_url_alone(shards, serve_s3, tmp_path):
    place = serve_s3(tmp_path / "nothing").replace("/set", "/runs/one")
    remote = Remote(url=place)
    words = ["-m", "lungseg.fit", *flags(shards, place, epochs=8, resume="auto", devices=1)]
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    try:
        wait_until(
            lambda: "last.ckpt" in remote.sizes(), "a checkpoint", during=process, every_s=0.1
        )
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert "result.json" in remote.sizes()  # as far as last.ckpt, or farther

    result = main(options(shards, place, epochs=8, resume="auto"))
    fit(options(shards, tmp_path / "unbroken", epochs=8))
    remote.download("last.ckpt", tmp_path / "last.ckpt", sha256=None)
    assert equal(weights(tmp_path / "last.ckpt"), weights(tmp_path / "unbroken" / "last.ckpt"))
    assert result["checkpoint"] == f"{place}/best.ckpt"
    assert "out" not in load_model(result["checkpoint"]).options  # which was a copy of this process
    remote.download("config.yaml", tmp_path / "config.yaml", sha256=None)
    assert f"out: {place}\n" in (tmp_path / "config.yaml").read_text()
    assert load_model(result["checkpoint"]).threshold == 0.5


def test_a_run_at_a_url_is_not_begun_over_and_other_things_are_left_alone(shards, tmp_path):
    place = f"memory://{tmp_path.name}/run"
    main(options(shards, place, epochs=1))
    with pytest.raises(TrainingError, match=rf"^{place} holds a training already"):
        main(options(shards, place, epochs=1))
    with pytest.raises(OutError, match=rf"^--out memory://{tmp_path.name} holds other files"):
        main(options(shards, f"memory://{tmp_path.name}", epochs=1))


def test_a_checkpoint_that_is_not_at_its_url_is_one_line(tmp_path):
    place = f"memory://{tmp_path.name}/best.ckpt"
    with pytest.raises(ModelFileError, match=rf"^{place} is no checkpoint \(no such file\)"):
        load_model(place)


def test_the_slash_that_a_path_takes_from_a_url_comes_back():
    told = FitOptions.of(shards="x", out="s3://bucket/a/b")
    assert url_of(told.run.out) == "s3://bucket/a/b"
    for path in ("runs/a", "/runs/s3:/b", "file:///runs/a", "s3:"):
        assert url_of(path) is None
