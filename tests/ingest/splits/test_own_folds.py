"""Folds of one's own are taken as they are, or refused by name; none is guessed."""

import json
from pathlib import Path

import pytest

from ingest.case import BadCaseError, Case
from ingest.splits.own_folds import own_folds


def case(name, *, patient="", fold=None, problem=""):
    image = Path(f"{name}.nii.gz")
    return Case(
        name=name, image=image, label=image, patient=patient or name, fold=fold, problem=problem
    )


def written(folder, name, content):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def splits(*validation):
    """What nnU-Net writes for folds that validate on these cases."""
    known = {name for names in validation for name in names}
    return [{"train": sorted(known - set(names)), "val": names} for names in validation]


CASES = [case("a_0", patient="P1"), case("a_1", patient="P1"), case("b", patient="P2")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("f.csv", "case,fold\na_0,3\na_1.nii.gz,3\nb,7\nabsent,1\n"),
        ("f.csv", "patient;fold\nP1;3\nP2;7\n"),
        ("f.json", splits(*({3: ["a_0", "a_1.nii.gz"], 7: ["b"]}.get(n, []) for n in range(8)))),
    ],
)
def test_a_table_of_cases_or_patients_or_splits_of_nnunet_tell_folds(tmp_path, name, content):
    own = own_folds(CASES, written(tmp_path, name, content))
    assert own.folds == {"a_0": 3, "a_1": 3, "b": 7}
    assert own.told_by == name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.csv", "case,fold\na_0,0\n", r"f\.csv tells no fold of a_1, b: add them"),
        ("f.csv", "patient,fold\nP1,0\nP1,1\n", r"patient P1 has two folds in .*, 0 and 1"),
        ("f.csv", "case,fold\na_0,-1\n", r"a whole number from 0, case a_0 in .* has '-1'"),
        ("f.csv", "name,fold\na_0,0\n", r"needs a table with column case"),
        ("f.json", "{", r"splits_final\.json of nnU-Net.* is none \(JSONDecodeError"),
        ("f.json", {"val": 3}, "is none"),
        ("f.json", [{"val": ["b"]}], "is none .KeyError: 'train'"),
        ("f.json", splits(["b"], ["b"]), "validates on b twice, in 0 and 1"),
        (
            "f.json",
            [{"train": ["b"], "val": ["a_0", "a_1"]}, {"train": ["a_1"], "val": ["b"]}],
            "leaves a_0 out of the training of split 1, .* trains on all cases of the others",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path, name, content, said):
    with pytest.raises(BadCaseError, match=said):
        own_folds(CASES, written(tmp_path, name, content))


def test_folds_of_the_source_are_used_when_all_usable_cases_have_one(caplog):
    cases = [case("a", fold=1), case("b", fold=4)]
    own = own_folds([*cases, case("c", problem="broken")], None)
    assert (own.folds, own.told_by) == ({"a": 1, "b": 4}, "dataset.json")
    assert own_folds(CASES, None) is None
    assert caplog.messages == []
    assert own_folds([*cases, case("c")], None) is None
    assert caplog.messages == [
        "dataset.json tells a fold of 2 cases but not of c: its folds are not used"
    ]


def test_a_file_wins_over_the_source(tmp_path):
    path = written(tmp_path, "f.csv", "case,fold\na,0\n")
    assert own_folds([case("a", fold=3)], path).folds == {"a": 0}
