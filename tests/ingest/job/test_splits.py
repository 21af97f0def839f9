"""Patients and folds reach the manifest, and changing them rewrites no shard."""

import json

import pytest

from ingest.case import BadCaseError
from ingest.job.build import build_shards
from ingest.job.check import check
from ingest.options import BuildShards, Check
from shards.manifest import Manifest
from tests.ingest.job.test_build import make_source, manifest_of, times_of

NAMES = ("p0_t0", "p0_t1", "p1_t0", "p2_t0")
"""A follow-up, and two patients with a scan each."""


@pytest.fixture
def source(tmp_path):
    return make_source(tmp_path / "source", names=NAMES)


@pytest.fixture
def build(source, tmp_path):
    """Function: options -> the summary of a build, and its manifest."""

    def run(**options):
        out = tmp_path / "out"
        values = {"size": 16, "drop_slices": 0, "workers": 1} | options
        summary = build_shards(BuildShards(source=source, out=str(out), **values))
        return summary, manifest_of(out)

    return run


def findings(source, **options):
    found = check(Check(source=source, drop_slices=0, size=16, workers=1, **options))["findings"]
    return [finding["message"] for finding in found if finding["rule"] == "patient"]


def test_telling_patients_and_folds_anew_rewrites_no_shard(build, tmp_path, caplog):
    summary, first = build()
    assert (first.folds_from, first.patients_from) == ("seed 0", "")
    assert "p0_t0, p0_t1 look like scans of one patient" in caplog.text
    before = times_of(tmp_path / "out")
    caplog.clear()
    summary, second = build(patient_pattern="^[^_]+")
    assert summary["built_now"] == 0
    assert {name: entry.patient for name, entry in second.cases.items()} == {
        "p0_t0": "p0",
        "p0_t1": "p0",
        "p1_t0": "p1",
        "p2_t0": "p2",
    }
    assert second.folds["p0_t0"] == second.folds["p0_t1"]
    assert second.patients_from == "pattern ^[^_]+"
    table = tmp_path / "folds.csv"
    table.write_text("patient,fold\np0,1\np1,0\np2,0\n")
    _, third = build(patient_pattern="^[^_]+", folds_file=table)
    assert third.folds == {"p0_t0": 1, "p0_t1": 1, "p1_t0": 0, "p2_t0": 0}
    assert third.folds_from == "folds.csv"
    assert times_of(tmp_path / "out") == before
    assert caplog.messages == []
    assert build()[1] == first


def test_equal_options_leave_the_set_as_it_is(build, tmp_path):
    build(patient_pattern="^[^_]+")
    before = (tmp_path / "out/manifest.json").stat().st_mtime_ns
    build(patient_pattern="^[^_]+")
    assert (tmp_path / "out/manifest.json").stat().st_mtime_ns == before


def test_folds_in_dataset_json_are_used(build, source, caplog):
    entries = [
        {"image": f"imagesTr/{name}.nii.gz", "label": f"labelsTr/{name}.nii.gz", "fold": fold}
        for fold, name in enumerate(NAMES)
    ]
    (source / "dataset.json").write_text(json.dumps({"name": "x", "training": entries}))
    summary, manifest = build(patient_pattern="^[^_]+")
    assert manifest.folds == {name: fold for fold, name in enumerate(NAMES)}
    assert summary["folds"] == "4 by dataset.json"
    assert "scans of patient p0 lie in several folds (p0_t0 in 0, p0_t1 in 1)" in caplog.text


def test_check_says_what_build_would(build, source, tmp_path, caplog):
    (alike,) = findings(source)
    assert alike.startswith("p0_t0, p0_t1 look like scans of one patient")
    assert findings(source, patient_pattern="^[^_]+") == []
    (single,) = findings(source, patient_pattern="^p")
    assert single.startswith("4 of 4 cases are of patient 'p'")
    table = tmp_path / "folds.csv"
    table.write_text("case,fold\n" + "".join(f"{name},{n}\n" for n, name in enumerate(NAMES)))
    (leak,) = findings(source, patient_pattern="^[^_]+", folds_file=table)
    assert leak.startswith("scans of patient p0 lie in several folds")
    build(patient_pattern="^[^_]+", folds_file=table)
    assert leak in caplog.text
    table.write_text("case,fold\np0_t0,0\n")
    for run in (lambda: findings(source, folds_file=table), lambda: build(folds_file=table)):
        with pytest.raises(BadCaseError, match="tells no fold of p0_t1, p1_t0, p2_t0"):
            run()


def test_manifests_that_do_not_know_are_read(build, tmp_path):
    content = json.loads(build()[1].to_json())
    for name in ("folds_from", "patients_from", "sha256"):
        del content[name]
    old = Manifest.from_json(_signed(content), where="old")
    assert (old.folds_from, old.patients_from) == ("", "")


def _signed(content):
    from shards.manifest import _hash

    return json.dumps(content | {"sha256": _hash(content)})
