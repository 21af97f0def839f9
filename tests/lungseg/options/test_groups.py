"""Each option of each group is reached by its flag, refused by its flag, and survives the file."""

import dataclasses
import typing
from pathlib import Path

import pytest

from lungseg.options.augmentation import AugmentationOptions
from lungseg.options.crop import CropOptions
from lungseg.options.data import DataOptions
from lungseg.options.draw import DrawOptions
from lungseg.options.fit import FitOptions
from lungseg.options.loss import LOSSES, LossOptions
from lungseg.options.machine import MachineOptions
from lungseg.options.net import NetOptions
from lungseg.options.run import RunOptions
from lungseg.options.step import StepOptions
from lungseg.options.validation import ValidationOptions
from shards.console.command import UsageError, parse, save_config
from shards.console.groups import flat_values

NEEDED = {"shards": "s", "out": "o", "norm": "group"}  # with which --accumulate goes
OTHERS = {
    AugmentationOptions: {"augment": "light", "augment_on": "device", "transplant": 0.5},
    CropOptions: {"crop_px": 96, "crop_tumor": 0.25},
    DataOptions: {
        "shards": "s3://bucket/set", "cache": Path("c"), "cache_gb": 2.5, "loader": "webdataset",
        "num_workers": 3,
    },
    DrawOptions: {
        "draw": "balanced", "oversample": 7.5, "order": "windowed", "window_shards": 9,
    },
    LossOptions: {
        "loss": "focal_tversky", "pos_weight": 3.0, "focal_gamma": 0.0, "tversky_fp": 0.0,
        "tversky_fn": 1.0, "tversky_gamma": 0.75,
    },
    MachineOptions: {"accelerator": "cpu", "precision": "bf16", "channels_last": "no",
        "compile": True, "accumulate": 2,
        "checkpoint_minutes": 0.5},
    NetOptions: {
        "net": "my.nets:Net", "net_args": ("depth=2", "norm='batch'"),
        "channels": (4, 8, 16), "convolutions": 3, "norm": "none", "residual": True,
        "dropout": 0.25, "up": "bilinear", "deep_supervision": True,
    },
    RunOptions: {
        "out": Path("elsewhere"), "devices": 2, "resume": "auto", "init_from": Path("a.ckpt"),
        "validate": Path("b.ckpt"), "validate_every": 3, "nodes": 4, "address": "auto",
        "logger": ("wandb", "mlflow"),
    },
    StepOptions: {
        "epochs": 3, "batch_size": 6, "lr": 1e-5, "schedule": "poly", "warm_up": 0.0,
        "optimizer": "sgd", "momentum": 0.5, "weight_decay": 0.0, "clip": None, "ema": 0.99,
        "seed": 7,
    },
    ValidationOptions: {"fold": 3, "folds_file": Path("f.csv"), "patience": 4, "threshold": 0.25},
}  # fmt: skip
EXCLUDED = {
    "validation_cases",
    "folds",
    "slice_weights",
    "width",
    "depth",
}  # by others that are given here
CHOICES = [
    (kind, field.name)
    for kind in OTHERS
    for field in dataclasses.fields(kind)
    if typing.get_origin(typing.get_type_hints(kind)[field.name]) is typing.Literal
]


def parsed(*words):
    return parse(FitOptions, list(words), prog="fit", description="")


def words_of(values):
    for name, value in values.items():
        yield f"--{name.replace('_', '-')}"
        if value is not True:
            yield from map(str, value if isinstance(value, tuple) else [value])


@pytest.mark.parametrize("kind", OTHERS)
def test_every_option_is_given_by_its_flag_and_survives_the_file(kind, tmp_path):
    needed = {name: NEEDED[name] for name in NEEDED if name in OTHERS[kind]}
    default = kind(**needed)
    values = OTHERS[kind]
    assert {f.name for f in dataclasses.fields(kind)} - set(values) <= EXCLUDED
    assert all(getattr(default, name) != value for name, value in values.items())
    given = parsed(*words_of(NEEDED | values))
    (group,) = (part for part in vars(given).values() if type(part) is kind)
    assert group == kind(**values)
    assert flat_values(given) == flat_values(FitOptions.of(**NEEDED | values))
    save_config(given, tmp_path / "config.yaml")
    assert flat_values(parsed("--config", str(tmp_path / "config.yaml"))) == flat_values(given)


@pytest.mark.parametrize(("kind", "name"), CHOICES)
def test_what_is_no_choice_is_refused_by_its_flag(kind, name):
    with pytest.raises(
        ValueError, match=f"--{name.replace('_', '-')} must be one of .*, got other"
    ):
        FitOptions.of(**NEEDED | {name: "other"})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            {"tversky_fp": 0.0, "tversky_fn": 0.0},
            "--tversky-fp and --tversky-fn must not both be 0",
        ),
        ({"fold": 1, "validation_cases": ("a",)}, "--fold and --validation-cases exclude"),
        ({"fold": "none", "patience": 3}, "--fold none leaves nothing to validate on"),
        ({"fold": "none", "validate": Path("a")}, "--fold none leaves nothing to validate on"),
    ],
)
def test_what_makes_no_sense_together_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        FitOptions.of(**NEEDED | wrong)
    with pytest.raises(UsageError, match=said):
        parsed(*words_of(NEEDED | wrong))


def test_cases_to_validate_on_are_names_in_any_number():
    given = parsed(*words_of(NEEDED), "--validation-cases", "lung_001", "lung_007")
    assert given.validation.validation_cases == ("lung_001", "lung_007")


def test_every_loss_is_a_choice():
    assert [LossOptions(loss=name).loss for name in LOSSES] == list(LOSSES)
