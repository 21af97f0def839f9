"""The command `python -m lungseg.fit`."""

from lungseg.fit import show


def test_scores_say_of_which_epoch_they_are():
    result = {"dice_case_mean": 0.5, "epoch": 3, "checkpoint": "best.ckpt"}
    assert show(result).splitlines() == [
        "scores of the best epoch, 3:",
        "dice_case_mean: 0.5",
        "epoch: 3",
        "checkpoint: best.ckpt",
    ]


def test_a_result_without_epoch_has_no_such_line():
    assert show({"checkpoint": "last.ckpt", "epochs": 2}) == "checkpoint: last.ckpt\nepochs: 2"
