"""A split decides patients and folds of any entries, and knows a manifest that says the same."""

import dataclasses
from pathlib import Path

import pytest

from ingest.case import Case
from ingest.splits.options import SplitOptions
from ingest.splits.split import Split
from shards.manifest import CaseEntry, Manifest


def case(name, patient, fold=None):
    image = Path(f"{name}.nii.gz")
    return Case(name=name, image=image, label=image, patient=patient, fold=fold)


def entry(*, patient="old", tumor_voxels=10):
    return CaseEntry(
        shard="",
        bytes=0,
        sha256="",
        source={},
        patient=patient,
        shape=(1, 1, 1),
        affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
        spacing_mm=(1, 1, 1),
        orientation="RAS",
        slices=1,
        slices_dropped=0,
        tumor_slices=1,
        tumor_voxels=tumor_voxels,
        tumor_voxels_dropped=0,
    )


CASES = [case("a0", "A"), case("a1", "A"), case("b", "B"), case("c", "C")]
ENTRIES = {found.name: entry(tumor_voxels=place) for place, found in enumerate(CASES)}


def manifest_of(split, entries=ENTRIES):
    entries = split.entries(entries)
    return Manifest(
        recipe={},
        source="",
        tools={},
        slice_shape=(1, 1),
        folds=split.folds(entries),
        cases=entries,
        folds_from=split.folds_from,
        patients_from=split.patients_from,
    )


def test_entries_get_the_patients_that_are_told_now_and_keep_all_else():
    split = Split.of(CASES, SplitOptions())
    entries = split.entries(dict(reversed(ENTRIES.items())))
    assert [(name, each.patient) for name, each in entries.items()] == [
        ("a0", "A"),
        ("a1", "A"),
        ("b", "B"),
        ("c", "C"),
    ]
    assert {name: dataclasses.replace(each, patient="old") for name, each in entries.items()} == (
        ENTRIES
    )


def test_folds_are_of_patients_that_are_told_now_or_ones_own():
    folds = Split.of(CASES, SplitOptions(), seed=3).folds(ENTRIES)
    assert folds["a0"] == folds["a1"]
    assert sorted({folds["a0"], folds["b"], folds["c"]}) == [0, 1, 2]
    own = [dataclasses.replace(each, fold=place) for place, each in enumerate(CASES)]
    split = Split.of(own, SplitOptions(), seed=3)
    assert split.folds(ENTRIES) == {"a0": 0, "a1": 1, "b": 2, "c": 3}
    assert split.folds({"c": ENTRIES["c"]}) == {"c": 3}
    assert (split.folds_from, Split.of(CASES, SplitOptions(), seed=3).folds_from) == (
        "dataset.json",
        "seed 3",
    )


@pytest.mark.parametrize("change", ["patients", "patients_from", "folds", "folds_from"])
def test_a_manifest_that_says_otherwise_is_another(change):
    split = Split.of(CASES, SplitOptions())
    manifest = manifest_of(split)
    assert split.is_that_of(manifest)
    others = {
        "patients": {"cases": ENTRIES},
        "patients_from": {"patients_from": "folder"},
        "folds": {"folds": {**manifest.folds, "b": 4}},
        "folds_from": {"folds_from": ""},
    }
    assert not split.is_that_of(dataclasses.replace(manifest, **others[change]))
