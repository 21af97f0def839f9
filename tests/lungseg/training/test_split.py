"""Every case trains or validates; a part without tumor is refused with its real cause."""

import dataclasses

import numpy as np
import pytest

from ingest.recipe import Recipe
from lungseg.errors import TrainingError
from lungseg.options.validation import ValidationOptions
from lungseg.training.run import fit
from lungseg.training.split import patients_on_both_sides, split_cases
from shards.storage.store import open_shards
from tests.toy_training import options, table


def split(shards, **given):
    return split_cases(shards, ValidationOptions(**given))


@pytest.fixture
def opened(shards):
    return open_shards(shards)


def without_tumor(shards, *cases):
    """The set as if no slice of some cases showed tumor."""
    rows = np.isin(shards.index.case, cases)
    shards.index = dataclasses.replace(shards.index, tumor=shards.index.tumor & ~rows)
    return shards


@pytest.mark.parametrize(
    ("given", "validation"),
    [
        ({"fold": 2}, (2,)),
        ({"fold": "none"}, ()),
        ({"validation_cases": ("lung_003", "lung_001")}, (1, 3)),
        ({"validation_cases": ("lung_003,lung_001",)}, (1, 3)),
    ],
)
def test_every_case_trains_or_validates(opened, given, validation):
    found = split(opened, **given)
    assert found.validation == validation
    assert sorted(found.training + found.validation) == [0, 1, 2, 3, 4]


def test_a_file_names_a_case_a_line(opened, tmp_path):
    (tmp_path / "cases.txt").write_text("lung_004\n\nlung_000 \n")
    given = (str(tmp_path / "cases.txt"),)
    assert split(opened, validation_cases=given).validation == (0, 4)


def table_of_folds(path, folds):
    path.write_text("case,fold\n" + "".join(f"{case},{fold}\n" for case, fold in folds.items()))
    return path


def test_folds_of_a_file_are_used_instead_of_the_manifest_s(opened, tmp_path):
    folds = {case: number // 2 for number, case in enumerate(opened.index.cases)}
    file = table_of_folds(tmp_path / "folds.csv", folds)
    assert [split(opened, folds_file=file, fold=k).validation for k in range(3)] == [
        (0, 1),
        (2, 3),
        (4,),
    ]
    with pytest.raises(TrainingError, match=r"--fold 3 leaves .* in the folds \[0, 1, 2\]"):
        split(opened, folds_file=file, fold=3)


def test_a_case_without_a_fold_in_the_file_is_named(opened, tmp_path):
    file = table_of_folds(tmp_path / "folds.csv", dict.fromkeys(opened.index.cases[:4], 0))
    with pytest.raises(TrainingError, match=r"folds\.csv tells no fold of lung_004 in .*: add"):
        split(opened, folds_file=file)


def test_patients_on_both_sides_are_known(opened):
    cases = opened.manifest.cases
    again = dataclasses.replace(cases["lung_003"], patient="lung_001")
    opened.manifest = dataclasses.replace(opened.manifest, cases=cases | {"lung_003": again})
    found = [patients_on_both_sides(opened, split(opened, fold=fold)) for fold in range(4)]
    assert found == [[], ["lung_001"], [], ["lung_001"]]


def test_a_case_that_is_none_is_refused_with_the_nearest(opened):
    with pytest.raises(TrainingError, match="has no case lung_03, perhaps you meant lung_003"):
        split(opened, validation_cases=("lung_03",))


def test_a_fold_and_named_cases_exclude_each_other():
    with pytest.raises(ValueError, match="--fold and --validation-cases exclude each other"):
        ValidationOptions(fold=1, validation_cases=("a",))


@pytest.mark.parametrize(
    ("cases", "what", "advice"),
    [
        ((0,), "validation", r"another --fold, of \[1, 2, 3, 4\]"),
        ((0, 3), "validation", r"another --fold, of \[1, 2, 4\]"),
        ((1, 2, 3, 4), "training", "--fold none"),
    ],
)
def test_a_part_without_tumor_is_refused_and_only_folds_that_work_are_advised(
    opened, cases, what, advice
):
    told = f"none of the {what} cases of --fold 0 shows tumor .*choose {advice}"
    with pytest.raises(TrainingError, match=told):
        split(without_tumor(opened, *cases), fold=0)


@pytest.mark.parametrize(
    ("recipe", "rule"),
    [
        ({}, "the lowest 30 slices"),
        ({"drop_slices": 20}, "the lowest 20 slices"),
        ({"drop_mm": 50.0}, "the lowest 50 mm"),
        ({"drop_outside_lungs": True}, "slices outside the lungs"),
    ],
)
def test_tumor_that_the_recipe_dropped_is_the_cause_that_is_told(opened, recipe, rule):
    manifest = opened.manifest
    entry = dataclasses.replace(manifest.cases["lung_000"], tumor_voxels_dropped=77)
    opened.manifest = dataclasses.replace(
        manifest,
        cases=manifest.cases | {"lung_000": entry},
        recipe=Recipe(**recipe).to_dict(),
    )
    told = f"the recipe drops {rule} .* in lung_000, 77 voxels .*--drop-slices 0"
    with pytest.raises(TrainingError, match=told):
        split(without_tumor(opened, 0), fold=0)


def test_all_cases_train_where_no_fold_validates(shards, tmp_path):
    found = fit(options(shards, tmp_path, epochs=2, fold="none"))
    assert found == {"checkpoint": str(tmp_path / "last.ckpt"), "epochs": 2}
    assert [row["val/dice_case_mean"] for row in table(tmp_path)] == ["", ""]
    assert not (tmp_path / "best.ckpt").exists()


def test_one_patient_for_all_is_named_where_it_leaves_nothing_to_train_on(opened):
    cases = {
        name: dataclasses.replace(entry, patient="ANONYMOUS")
        for name, entry in opened.manifest.cases.items()
    }
    folds = dict.fromkeys(cases, 0)
    opened.manifest = dataclasses.replace(opened.manifest, cases=cases, folds=folds)
    with pytest.raises(TrainingError, match="5 cases, all of patient ANONYMOUS, in the folds"):
        split(opened, fold=0)
