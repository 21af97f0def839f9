"""cases.csv: a row per epoch and case, read back as it was, and one epoch once after a break."""

import csv
import json
import types

from lungseg.scores.case_counts import CaseCounts
from lungseg.training.log.case_table import CaseTable, read_cases


def cases(shift=0):
    return [
        CaseCounts(case="a", tp=3 + shift, fp=1, fn=2, false_volume_ml=0.1 + 0.2),
        CaseCounts(case="b, c", tp=0, fp=0, fn=4, false_volume_ml=0.0),
        CaseCounts(case="free", tp=0, fp=0, fn=0, false_volume_ml=0.0),
    ]


def after(path, *epochs):
    table = CaseTable(path)
    for epoch, counts in epochs:
        trainer = types.SimpleNamespace(current_epoch=epoch - 1, is_global_zero=True)
        table.on_validation_end(trainer, types.SimpleNamespace(cases=counts))
    return path


def test_what_is_read_is_what_was_written(tmp_path):
    path = after(tmp_path / "cases.csv", (1, cases()), (3, cases(5)))
    assert read_cases(path) == {1: cases(), 3: cases(5)}


def test_an_epoch_that_is_validated_again_stands_there_once(tmp_path):
    path = after(tmp_path / "cases.csv", (1, cases(1)), (2, cases(2)), (3, cases(3)), (2, cases(9)))
    assert read_cases(path) == {1: cases(1), 2: cases(9)}


def test_a_reader_of_the_table_finds_dice_and_misses(tmp_path):
    with after(tmp_path / "cases.csv", (4, cases())).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["epoch"], row["case"], row["missed"]) for row in rows] == [
        ("4", "a", "0"),
        ("4", "b, c", "1"),
        ("4", "free", "0"),
    ]
    assert [row["dice"] for row in rows] == [str(6 / 9), "0.0", ""]


def test_there_may_be_no_table(tmp_path):
    assert read_cases(tmp_path / "none.csv") == {}


def test_the_table_of_a_training_agrees_with_its_result(finished):
    result = json.loads((finished / "result.json").read_text())
    scored = read_cases(finished / "cases.csv")[result["epoch"]]
    assert {case.case: case.dice for case in scored} == result["dice_per_case"]
    assert sum(case.missed for case in scored) == result["missed"]
