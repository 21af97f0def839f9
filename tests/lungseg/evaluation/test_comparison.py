"""Two evaluations held against each other."""

import json

import pytest

from lungseg.evaluation.comparison import ComparisonError, compare


def case(name, dice, *, truth_ml=10.0, verdict="scored"):
    return {"case": name, "dice": dice, "nsd": dice, "truth_ml": truth_ml, "verdict": verdict}


@pytest.fixture
def evaluation(tmp_path):
    """Function: name, cases -> a folder of an evaluation."""

    def write(name, cases):
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(json.dumps({"cases": cases}))
        return tmp_path / name

    return write


def test_cases_are_paired_by_name_and_strangers_are_named(evaluation):
    first = evaluation("a", [case("x", 0.1), case("y", 0.5), case("only a", 0.0)])
    second = evaluation("b", [case("y", 0.9), case("only b", 1.0), case("x", 0.2)])
    said = compare(first, second)
    assert said["dice"]["n"] == 2
    assert said["dice"]["difference"] == pytest.approx((0.1 + 0.4) / 2)
    assert (said["only_first"], said["only_second"]) == (["only a"], ["only b"])


def test_cases_without_tumor_are_left_out_and_misses_counted(evaluation):
    missed = case("z", 0.0, verdict="missed")
    free = case("free", None, truth_ml=0.0, verdict="tumor-free")
    first = evaluation("a", [case("x", 0.4), missed, free])
    second = evaluation("b", [case("x", 0.4), case("z", 0.3), free])
    said = compare(first, second)
    assert said["missed"] == [1, 0]
    assert said["dice"]["n"] == said["nsd"]["n"] == 2


def test_sizes_are_those_of_the_labeled_tumor(evaluation):
    cases = [case(f"s{n}", 0.1 * n, truth_ml=0.1) for n in range(4)]
    cases += [case(f"l{n}", 0.2 * n, truth_ml=40.0) for n in range(3)]
    said = compare(evaluation("a", cases), evaluation("b", cases))
    assert [(row["size"], row["n"]) for row in said["by_size"]] == [
        ("0 to 6 mm", 4),
        ("30 mm and more", 3),
    ]
    assert all("no evidence" in row["verdict"] for row in said["by_size"])


def test_other_labels_are_no_comparison(evaluation):
    first = evaluation("a", [case("x", 0.4)])
    second = evaluation("b", [case("x", 0.4, truth_ml=10.5)])
    with pytest.raises(ComparisonError, match="the volume differs in x"):
        compare(first, second)


def test_what_is_no_evaluation_is_one_known_error(evaluation, tmp_path):
    good = evaluation("a", [case("x", 0.4)])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/metrics.json").write_text("{")
    for wrong in (tmp_path / "absent", tmp_path / "broken", evaluation("b", {})):
        with pytest.raises(ComparisonError, match=r"holds no evaluation|share no case"):
            compare(good, wrong)
    with pytest.raises(ComparisonError, match=r"absent/metrics\.json does not exist: give"):
        compare(good, tmp_path / "absent")
    with pytest.raises(ComparisonError, match=r"broken/metrics\.json is damaged or of another"):
        compare(good, tmp_path / "broken")
    with pytest.raises(ComparisonError, match="share no case with tumor"):
        compare(good, evaluation("c", [case("other", 0.4)]))
