"""Before its first step a training says what it is, and soon how long it will take."""

import dataclasses
import re
import shutil

from lungseg.training.callbacks import announcement
from lungseg.training.run import fit
from shards.storage.store import open_shards
from tests.toy_training import options


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
