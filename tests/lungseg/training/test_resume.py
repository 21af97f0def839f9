"""A training goes on only as what it was; a refusal leaves all as it is."""

import re
import shutil
from contextlib import nullcontext as nothing

import pytest
import torch
import yaml
from pytorch_lightning.callbacks import Callback

from lungseg.errors import TrainingError
from lungseg.training import resume
from lungseg.training.process import first_rank
from lungseg.training.resume import checkpoint_to_resume
from lungseg.training.run import fit
from shards.console.command import parse
from shards.console.groups import flat_values
from shards.storage.store import open_shards
from tests.toy_shards import make_shards
from tests.toy_training import equal, options, table, weights

CHANGES = {
    "ema": 0.9,
    "patience": 3,
    "validate_every": 3,
    "init_from": "other.ckpt",
    "folds": [1],
    "fold": 1,
    "validation_cases": ["lung_001"],
    "batch_size": 4,
    "draw": "balanced",
    "order": "windowed",
    "window_shards": 3,
    "augment": "none",
    "augment_on": "device",
    "transplant": 0.5,
    "crop_px": 16,
    "crop_tumor": 0.25,
    "width": 8,
    "depth": 3,
    "norm": "instance",
    "net": "package.module:Class",
    "net_args": ["wide=True"],
    "convolutions": 1,
    "residual": True,
    "dropout": 0.1,
    "up": "bilinear",
    "deep_supervision": True,
    "neighbors": 1,
    "hu_window": [[-1000, 400]],
    "hu_scaling": "signed",
    "threshold": 0.4,
    "seed": 1,
    "precision": "bf16",
    "lr": 0.5,
    "schedule": "poly",
    "warm_up": 0.1,
    "optimizer": "sgd",
    "momentum": 0.9,
    "weight_decay": 0.1,
    "clip": 2.0,
    "loss": "bce",
    "pos_weight": 2.0,
    "focal_gamma": 1.0,
    "tversky_fp": 0.5,
    "tversky_fn": 0.5,
    "tversky_gamma": 1.0,
    "oversample": 2.0,
    "loader": "webdataset",
}
FREE = {
    "epochs": 2,
    "cache": "elsewhere",
    "cache_gb": 1.0,
    "accelerator": "auto",
    "devices": 2,
    "nodes": 2,
    "address": "auto",
    "num_workers": 1,
    "channels_last": "no",
    "compile": True,
    "checkpoint_minutes": 1.0,
    "logger": ["mlflow"],
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_decides_a_training_may_not_change(shards, finished, name):
    now = options(shards, finished, **{"epochs": 1, "resume": True, name: CHANGES[name]})
    then = flat_values(options(shards, finished, epochs=1))[name]
    flag = "--" + name.replace("_", "-")
    with pytest.raises(
        TrainingError,
        match=rf"^{flag} was {re.escape(str(then))} .* and is {re.escape(str(CHANGES[name]))}",
    ):
        checkpoint_to_resume(now, open_shards(shards))


def test_channels_of_their_own_are_another_net_than_those_of_a_width(shards, finished):
    channels = {"width": 32, "depth": 5, "channels": [4, 8]}  # exclude --width and --depth
    now = options(shards, finished, epochs=1, resume=True, **channels)
    with pytest.raises(TrainingError, match=r"^--width was 4 .* and is 32"):
        checkpoint_to_resume(now, open_shards(shards))


def test_every_option_of_a_training_is_either_free_or_kept(shards, finished):
    """One that is added later is kept unless somebody says that it is free."""
    known = {*CHANGES, *FREE, "shards", "out", "preset", "resume", "validate"}
    known |= {"channels", "folds_file", "folds", "slice_weights", "accumulate"}
    assert flat_values(options(shards, finished)).keys() == known


@pytest.mark.parametrize("name", FREE)
def test_what_does_not_decide_a_training_may_change(shards, finished, name):
    now = options(shards, finished, **{"epochs": 1, "resume": True} | {name: FREE[name]})
    assert checkpoint_to_resume(now, open_shards(shards)) == finished / "last.ckpt"


def test_the_parts_of_a_batch_may_change(shards, finished, tmp_path):
    content = torch.load(finished / "last.ckpt", weights_only=True)
    content["hyper_parameters"]["norm"] = "group"
    torch.save(content, tmp_path / "last.ckpt")
    now = options(shards, tmp_path, epochs=1, resume=True, norm="group", accumulate=2)
    assert checkpoint_to_resume(now, open_shards(shards)) == tmp_path / "last.ckpt"


@pytest.mark.parametrize(("shift", "said"), [(0, None), (1, "lung_000, lung_004")])
def test_a_file_of_folds_may_move_but_not_name_others(shards, finished, tmp_path, shift, said):
    rows = [f"lung_{k:03d},{(k + shift) % 5}\n" for k in range(5)]
    (tmp_path / "folds.csv").write_text("case,fold\n" + "".join(rows))
    given = {"epochs": 1, "resume": True, "folds_file": tmp_path / "folds.csv"}
    with (
        pytest.raises(TrainingError, match=f"other cases validate .*{said}") if said else nothing()
    ):
        checkpoint_to_resume(options(shards, finished, **given), open_shards(shards))


@pytest.mark.parametrize(("weight", "said"), [("3", None), ("4", "weighs slices otherwise than")])
def test_weights_of_slices_may_move_but_not_change(shards, tmp_path, weight, said):
    for name, own in (("then", "3"), ("now", weight)):
        (tmp_path / name).write_text(f"case,z,weight\nlung_001,2,{own}\n")
    fit(options(shards, tmp_path / "run", epochs=1, slice_weights=tmp_path / "then"))
    given = {"epochs": 1, "resume": True}
    now = options(shards, tmp_path / "run", slice_weights=tmp_path / "now", **given)
    with pytest.raises(TrainingError, match=said) if said else nothing():
        checkpoint_to_resume(now, open_shards(shards))
    with pytest.raises(TrainingError, match="--slice-weights None weighs"):
        checkpoint_to_resume(options(shards, tmp_path / "run", **given), open_shards(shards))


def test_a_checkpoint_from_before_an_option_was_renamed_goes_on(shards, finished, tmp_path):
    content = torch.load(finished / "last.ckpt", weights_only=True)
    content["hyper_parameters"]["window"] = content["hyper_parameters"].pop("window_shards")
    torch.save(content, tmp_path / "last.ckpt")
    same = options(shards, tmp_path, epochs=1, resume=True)
    assert checkpoint_to_resume(same, open_shards(shards)) == tmp_path / "last.ckpt"
    other = options(shards, tmp_path, epochs=1, resume=True, window_shards=3)
    with pytest.raises(TrainingError, match=r"--window-shards was 64 .* and is 3"):
        checkpoint_to_resume(other, open_shards(shards))


def test_a_checkpoint_from_before_tumors_traveled_goes_on_without_them(shards, finished, tmp_path):
    content = torch.load(finished / "last.ckpt", weights_only=True)
    del content["hyper_parameters"]["transplant"]
    torch.save(content, tmp_path / "last.ckpt")
    given = {"epochs": 1, "resume": True}
    same = options(shards, tmp_path, transplant=0.0, **given)
    assert checkpoint_to_resume(same, open_shards(shards)) == tmp_path / "last.ckpt"
    with pytest.raises(TrainingError, match=r"--transplant was 0.0 .* and is auto: give it as it"):
        checkpoint_to_resume(options(shards, tmp_path, **given), open_shards(shards))


def test_a_refused_resume_leaves_the_run_as_it_was(shards, finished):
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    with pytest.raises(TrainingError, match="--width"):
        fit(options(shards, finished, epochs=1, width=8, resume=True))
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_the_config_of_a_run_goes_on_with_it(shards, finished):
    words = ["--config", str(finished / "config.yaml")]
    kept = parse(type(options(shards, finished)), [*words, "--resume"], prog="", description="")
    assert checkpoint_to_resume(kept, open_shards(shards)) == finished / "last.ckpt"


def test_a_moved_run_goes_on_with_moved_shards(shards, tmp_path):
    fit(options(shards, tmp_path / "old", epochs=1))
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    shutil.copytree(shards, tmp_path / "copy")
    fit(options(tmp_path / "copy", tmp_path / "new", epochs=1, checkpoint_minutes=1, resume=True))
    assert equal(*(weights(tmp_path / name / "last.ckpt") for name in ("old", "new")))
    assert table(tmp_path / "old") == table(tmp_path / "new")
    config = yaml.safe_load((tmp_path / "new" / "config.yaml").read_text())
    assert config["data"]["shards"] == str(tmp_path / "copy")
    assert config["run"]["resume"] is False  # it serves to train anew too


def test_shards_that_were_written_anew_are_refused(shards, tmp_path):
    shutil.copytree(shards, tmp_path / "shards")
    fit(options(tmp_path / "shards", tmp_path / "run", epochs=1))
    shutil.rmtree(tmp_path / "shards")
    make_shards(tmp_path / "shards", seed=1)
    with pytest.raises(TrainingError, match="has changed since the training began"):
        fit(options(tmp_path / "shards", tmp_path / "run", epochs=1, resume=True))


def test_a_run_is_not_started_over_another(shards, tmp_path):
    (tmp_path / "last.ckpt").write_bytes(b"")
    with pytest.raises(TrainingError, match="--resume"):
        fit(options(shards, tmp_path, epochs=1))


def test_a_run_that_was_killed_before_its_first_checkpoint_may_begin_again(shards, tmp_path):
    (tmp_path / "config.yaml").write_text("")
    fit(options(shards, tmp_path, epochs=1))
    assert (tmp_path / "last.ckpt").exists()


def test_resuming_without_a_checkpoint_says_so(shards, tmp_path):
    with pytest.raises(TrainingError, match=r"last\.ckpt, which does not exist"):
        fit(options(shards, tmp_path / "none", epochs=1, resume=True))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("content", [{"state_dict": {}}, [1, 2]])
def test_resuming_from_something_else_says_so(shards, tmp_path, content):
    torch.save(content, tmp_path / "last.ckpt")
    with pytest.raises(TrainingError, match="which is no checkpoint"):
        fit(options(shards, tmp_path, epochs=1, resume=True))


@pytest.mark.parametrize("resume", [True, "auto"])
def test_a_torn_checkpoint_without_another_says_so(shards, tmp_path, resume):
    (tmp_path / "last.ckpt").write_bytes(b"PK\x03\x04")
    with pytest.raises(TrainingError, match=r"last\.ckpt, which is no checkpoint \(4 bytes"):
        fit(options(shards, tmp_path, epochs=1, resume=resume))


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04", None])
def test_from_a_torn_checkpoint_the_best_one_goes_on(shards, finished, tmp_path, caplog, torn):
    caplog.set_level("WARNING")
    shutil.copytree(finished, tmp_path / "run")
    last = tmp_path / "run" / "last.ckpt"
    last.unlink() if torn is None else last.write_bytes(torn)
    now = options(shards, tmp_path / "run", epochs=2, resume=True)
    assert checkpoint_to_resume(now, open_shards(shards)) == tmp_path / "run" / "best.ckpt"
    assert f"going on from {tmp_path / 'run' / 'best.ckpt'}" in caplog.text
    fit(now)
    assert [row["epoch"] for row in table(tmp_path / "run")] == ["1", "2"]


def test_auto_begins_where_there_is_nothing_and_goes_on_where_there_is(shards, tmp_path):
    once = fit(options(shards, tmp_path / "new", epochs=1, resume="auto"))
    before = (tmp_path / "new" / "last.ckpt").read_bytes()
    assert fit(options(shards, tmp_path / "new", epochs=1, resume="auto")) == once
    assert (tmp_path / "new" / "last.ckpt").read_bytes() == before


@pytest.mark.parametrize(("rank", "said"), [(0, 1), (1, 0)])
def test_of_several_ranks_one_says_that_epochs_changed(
    shards, tmp_path, caplog, monkeypatch, rank, said
):
    caplog.set_level("INFO")
    monkeypatch.setattr(first_rank.rank_zero_only, "rank", rank, raising=False)
    resume._check_epochs(options(shards, tmp_path, epochs=3), {"epochs": 1}, 1)
    assert caplog.text.count("--epochs was 1 and is 3") == said


@pytest.mark.parametrize(
    ("schedule", "said"), [("constant", "stays"), ("poly", "follows the poly")]
)
def test_a_finished_training_takes_more_epochs(shards, tmp_path, caplog, schedule, said):
    caplog.set_level("INFO")
    given = {"schedule": schedule, "warm_up": 0}
    fit(options(shards, tmp_path / "run", epochs=1, **given))
    fit(options(shards, tmp_path / "run", epochs=3, resume=True, **given))
    assert f"--epochs was 1 and is 3: the learning rate {said}" in caplog.text
    assert [row["epoch"] for row in table(tmp_path / "run")] == ["1", "2", "3"]
    if schedule == "constant":
        fit(options(shards, tmp_path / "whole", epochs=3, **given))
        assert equal(*(weights(tmp_path / name / "last.ckpt") for name in ("run", "whole")))


def test_fewer_epochs_than_were_had_are_refused(shards, tmp_path):
    fit(options(shards, tmp_path, epochs=2))
    with pytest.raises(TrainingError, match="--epochs 1 are fewer than the 2 that the training"):
        fit(options(shards, tmp_path, epochs=1, resume=True))


class WeightsAtStart(Callback):
    def on_train_start(self, trainer, pl_module):
        self.found = {name: value.clone() for name, value in pl_module.state_dict().items()}


def test_a_training_begins_with_the_weights_that_it_is_given(shards, finished, tmp_path):
    start = WeightsAtStart()
    given = {"epochs": 1, "seed": 5, "init_from": finished / "best.ckpt"}
    fit(options(shards, tmp_path, **given), callbacks=[start])
    assert equal(start.found, weights(finished / "best.ckpt"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent.ckpt", "no such file"), ("", "a folder"), ("a.txt", "4 bytes, not those of one")],
)
def test_weights_of_no_checkpoint_are_refused_with_what_lies_there(tmp_path, name, said):
    (tmp_path / "a.txt").write_bytes(b"PK\3\4")
    with pytest.raises(TrainingError, match=rf"^--init-from .* is no checkpoint \({said}\): give"):
        resume.load_weights(torch.nn.Linear(1, 1), tmp_path / name, option="--init-from")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"norm": "instance"}, "--norm was batch there and is instance here"),
        (
            {"width": 8, "neighbors": 1},
            "--width was 4 there and is 8 here, --neighbors was 3 there and is 1 here",
        ),
    ],
)
def test_the_weights_of_another_net_are_refused(shards, finished, tmp_path, other, said):
    given = {"epochs": 1, "init_from": finished / "best.ckpt", **other}
    with pytest.raises(TrainingError, match=rf"--init-from .*best\.ckpt is no .* \({said}\): give"):
        fit(options(shards, tmp_path, **given))
