"""Before its first step a training says what it is, and soon how long it will take."""

import dataclasses
import re
import shutil

import numpy as np
import pytest

from lungseg.training.callbacks import announcement
from lungseg.training.run import fit
from shards.storage.store import open_shards
from tests.toy_shards import write_shards
from tests.toy_training import options, table


def said(shards, out, caplog, **given):
    caplog.set_level("INFO")
    fit(options(shards, out, epochs=1, **given))
    return [record.message for record in caplog.records]


def test_data_net_and_device_are_told_before_the_first_step(shards, tmp_path, caplog):
    lines = said(shards, tmp_path, caplog, oversample="auto")
    assert lines[0] == (
        "training on 4 cases (52 slices), 38.5 % of them with tumor and drawn as 50 %, "
        "60 % get one of another slice where it fits; validating on 1 case (13 slices)"
    )
    pattern = r"a net of [\d,]+ parameters on 32 x 32 pixels, on 1 cpu at precision 32, about .* GB"
    assert re.fullmatch(pattern, lines[1])
    assert re.fullmatch(r"6 steps take very roughly \d+ s here", lines[2])


def test_the_time_is_told_again_once_steps_were_measured(shards, tmp_path, caplog):
    (line,) = (line for line in said(shards, tmp_path, caplog) if " a step: about " in line)
    assert line.endswith("to go, without validation")


def test_where_a_processor_takes_long_the_small_preset_is_named(
    shards, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(announcement, "_LONG_S", 0.0)
    assert any("--preset small" in line for line in said(shards, tmp_path, caplog))


def test_a_patient_who_trains_and_validates_is_named(shards, tmp_path, caplog):
    shutil.copytree(shards, tmp_path / "set")
    manifest = open_shards(shards).manifest
    again = dataclasses.replace(manifest.cases["lung_003"], patient="lung_000")
    changed = dataclasses.replace(manifest, cases=manifest.cases | {"lung_003": again})
    (tmp_path / "set" / "manifest.json").write_text(changed.to_json())
    assert (
        "some scans of patient lung_000 train and others validate: the scores will be too good"
        in said(tmp_path / "set", tmp_path / "run", caplog)
    )


NOISE = np.random.default_rng(0).normal(0, 60, (32, 32))
SQUARE, SPECK = np.zeros((2, 32, 32), np.uint8)
SQUARE[10:15, 10:15] = SPECK[10:12, 10:12] = 1


def made(folder, masks, *, hu=-800):
    """Cases of noise around some HU within a wall, as many as masks, of which the last validates.

    Every slice of a case has its mask.
    """
    image = np.pad((NOISE + hu).astype(np.int16)[3:-3, 3:-3], 3, constant_values=40)
    cases = {
        f"case_{k}": [(image + np.int16(800) * mask, mask)] * 3 for k, mask in enumerate(masks)
    }
    folds = {case: k for k, case in enumerate(reversed(cases))}
    return write_shards(folder, cases, size=32, recipe={"drop_slices": 0}, folds=folds)


@pytest.mark.parametrize(
    ("masks", "hu", "told"),
    [
        ([SQUARE, SQUARE], 40, ", 60 % get one of another slice where it fits"),
        ([SPECK, SQUARE], -800, ", none of them large enough to be put into another slice"),
        ([SQUARE, 0 * SQUARE, SQUARE], -800, ", 60 % get one of another slice where it fits"),
    ],
    ids=["slices without lung", "tumors that are specks", "a case without tumor"],
)
def test_where_no_tumor_can_travel_the_training_goes_on(tmp_path, caplog, masks, hu, told):
    lines = said(made(tmp_path / "set", masks, hu=hu), tmp_path / "run", caplog, batch_size=2)
    assert f"{told}; validating on 1 case" in lines[0]
    assert len(table(tmp_path / "run")) == 1


def test_where_none_shall_travel_nothing_is_said_of_it(tmp_path, caplog):
    lines = said(made(tmp_path / "set", [SPECK, SQUARE]), tmp_path / "run", caplog, transplant=0.0)
    assert "drawn as 100 %; validating" in lines[0]
