"""Without a terminal a training says a line per epoch, and one each minute."""

import pytest

from lungseg.training.callbacks import progress
from lungseg.training.callbacks.progress import duration
from lungseg.training.run import fit
from tests.toy_training import options


@pytest.mark.parametrize("seconds_between", [0.0, 1000.0])
def test_lines_tell_of_steps_validation_and_epochs(
    shards, tmp_path, caplog, monkeypatch, seconds_between
):
    caplog.set_level("INFO")
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", seconds_between)
    fit(options(shards, tmp_path, epochs=2))
    lines = [record.message for record in caplog.records]
    assert sum(line.startswith("epoch 1/2: loss ") for line in lines) == 1
    assert sum(line.startswith("epoch 2/2: loss ") for line in lines) == 1
    steps = [line for line in lines if ", step " in line]
    validations = [line for line in lines if "validation, 1 of 1 batches" in line]
    assert (len(steps), len(validations)) == ((12, 2) if seconds_between == 0 else (0, 0))
    if steps:
        assert steps[0].startswith("epoch 1/2, step 1/12: loss ")
        assert steps[-1].endswith("about 0 s to go")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (99, "99 s"), (720, "12 min"), (19800, "5.5 h"), (535680, "6.2 days")],
)
def test_times_are_told_for_people(seconds, said):
    assert duration(seconds) == said
