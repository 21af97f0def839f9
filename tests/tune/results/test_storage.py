"""Optuna opens what a search stored, and finds every trial as it was."""

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tests.toy_trials import TOLD, new_memory, toy_space
from tune.results.storage import write_storage


def read(path):
    return optuna.load_study(
        study_name="mine", storage=JournalStorage(JournalFileBackend(str(path)))
    )


def test_all_that_are_over_are_there_with_values_curves_and_times(tmp_path):
    memory = new_memory(tmp_path, trials=4, epochs=2)
    for number in range(4):
        memory.next()
        memory.begin(number, node="here", cpus=1, gpus=0)
    for number, epochs in ((0, 2), (1, 1)):
        for epoch in range(1, epochs + 1):
            told = TOLD | {"epoch": epoch, "best_dice_case_mean": 0.1 * epoch + number}
            memory.report(number, told)
        memory.end(number)
    memory.end(2, reason="no memory")
    for _ in range(2):  # an old file is replaced
        write_storage(tmp_path / "study.log", memory.records.values(), toy_space(), name="mine")
    study = read(tmp_path / "study.log")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "FAIL"]
    assert [trial.value for trial in study.trials] == [0.2, 1.1, None]
    assert [trial.params for trial in study.trials] == [memory.records[n].values for n in range(3)]
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.5}
    assert study.trials[0].duration.total_seconds() < 60
    assert study.trials[2].user_attrs["reason"] == "no memory"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.jsonl", "study.log"]
