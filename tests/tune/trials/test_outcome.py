"""Outcomes tell of every trial that is over, the best first."""

from tests.toy_trials import new_memory
from tune.history.memory import Stint
from tune.trials.outcome import outcomes, searched_names


def report(memory, number, *curve):
    best = 0.0
    for epoch, dice in enumerate(curve, start=1):
        best = max(best, dice)
        values = {"dice_case_mean": dice, "best_dice_case_mean": best, "node": f"node{number}"}
        memory.report(number, {"epoch": epoch, "best_epoch": curve.index(best) + 1, **values})


def attempt(out, number, count):
    """A folder of an attempt."""
    folder = out / "trials" / f"{number:03d}" / f"attempt-{count}"
    folder.mkdir(parents=True)
    return folder


def test_outcomes_are_ranked_and_trials_that_run_are_left_out(tmp_path):
    memory = new_memory(tmp_path, trials=6, epochs=3)
    for _ in range(5):
        memory.next()
    report(memory, 0, 0.1, 0.4, 0.2)
    report(memory, 1, 0.5, 0.6, 0.7)
    report(memory, 3, 0.4)
    memory.end(0)
    memory.end(1)
    memory.end(2, reason="no memory")
    memory.end(3)
    first, second, third, last = outcomes(memory, tmp_path)
    assert [first.number, second.number, third.number, last.number] == [1, 0, 3, 2]
    assert (second.dice, second.best_epoch, second.curve) == (0.4, 2, (0.1, 0.4, 0.2))
    assert (second.status, third.status, last.status) == ("finished", "ended early", "failed")
    assert (last.dice, last.reason, last.curve) == (None, "no memory", ())
    assert first.node == "node1"


def test_time_and_number_of_attempts_are_summed_up_and_the_last_has_the_checkpoint(tmp_path):
    memory = new_memory(tmp_path, trials=1, epochs=1)
    memory.next()
    report(memory, 0, 0.5)
    memory.end(0)
    held = {"node": "here", "cpus": 1, "gpus": 0}
    memory.records[0].stints = [
        Stint(**held, begun=1000.0, until=1010.0),
        Stint(**held, begun=2000.0, until=2005.0),
    ]
    attempt(tmp_path, 0, 1)
    last = attempt(tmp_path, 0, 2)
    (trial,) = outcomes(memory, tmp_path)
    assert (trial.seconds, trial.attempts) == (15.0, 2)
    assert trial.checkpoint == last / "best.ckpt"


def test_of_equal_dice_fewer_missed_is_better_then_earlier(tmp_path):
    memory = new_memory(tmp_path, trials=3, epochs=1)
    for number, missed in enumerate((2, 1, 1)):
        memory.next()
        told = {"epoch": 1, "dice_case_mean": 0.5, "best_dice_case_mean": 0.5, "best_epoch": 1}
        memory.report(number, told | {"node": "here", "missed": missed})
        memory.end(number)
    assert [(trial.number, trial.missed) for trial in outcomes(memory, tmp_path)] == [
        *((1, 1), (2, 1), (0, 2))
    ]


def test_the_options_that_any_trial_varies_are_named_once(tmp_path):
    memory = new_memory(tmp_path, trials=2, epochs=1)
    for number, values in enumerate(({"loss": "dice"}, {"loss": "focal", "focal_gamma": 2.0})):
        memory.next()
        memory.records[number].values = values
        memory.end(number)
    assert searched_names(outcomes(memory, tmp_path)) == ["loss", "focal_gamma"]


def test_of_several_folds_the_model_of_the_first_is_kept(tmp_path):
    memory = new_memory(tmp_path, trials=1, epochs=1)
    memory.next()
    report(memory, 0, 0.5)
    memory.end(0)
    for fold in (0, 3):
        attempt(tmp_path, 0, f"1/fold_{fold}")
    (trial,) = outcomes(memory, tmp_path, first_fold=3)
    folder = tmp_path / "trials" / "000" / "attempt-1"
    assert trial.attempts == 1
    assert (trial.checkpoint, trial.scores) == (
        folder / "fold_3" / "best.ckpt",
        folder / "result.json",
    )
