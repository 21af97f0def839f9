"""A search goes on from what its folder holds, whoever runs its trials."""

import pytest
import yaml

from shards.console.groups import replaced
from shards.errors import ShardError
from tests.toy_trials import TOLD, outcome
from tune import driver
from tune.options.config import SearchOptions
from tune.options.errors import SearchError
from tune.results.worth import worth_of


@pytest.fixture
def run(monkeypatch):
    """Trials that are over at once, each better than the last; the numbers that were run."""
    ran = []

    def run_trials(options, memory, leave):
        while (record := memory.next()) is not None:
            dice = 0.1 * (record.number + 1)
            outcome(options.out, record.number, dice)
            told = TOLD | {"dice_case_mean": dice, "best_dice_case_mean": dice}
            memory.report(record.number, told | {"epoch": options.step.epochs})
            memory.end(record.number)
            ran.append(record.number)
            leave()

    monkeypatch.setattr(driver, "run_trials", run_trials)
    return ran


@pytest.fixture
def options(toy, tmp_path):
    """Function: further options -> those of a search."""

    def make(**given):
        return SearchOptions.of(shards=str(toy), out=tmp_path / "out", epochs=1, **given)

    return make


def test_a_search_begins_with_the_training_that_its_options_describe(options, run):
    result = driver.search(options(trials=1, lr=0.002, loss="dice", oversample=3.0))
    assert (result["lr"], result["loss"], result["oversample"]) == (0.002, "dice", 3.0)


@pytest.mark.parametrize(
    ("over", "first"),
    [("uniform: [0, 1]", 0.6), ("choice: [0.0, 0.6]", 0.6), ("choice: [0.0, auto]", "auto")],
)
def test_a_search_begins_with_what_auto_stands_for(options, run, tmp_path, over, first):
    (tmp_path / "space.yaml").write_text(f"transplant: {{{over}}}\n")
    space = {"trials": 1, "space": tmp_path / "space.yaml"}
    assert driver.search(options(**space))["transplant"] == first


def test_what_a_presets_channels_overrule_is_not_varied(options, run, tmp_path):
    (tmp_path / "space.yaml").write_text("width: {choice: [8, 16]}\n")
    space = {"trials": 2, "space": tmp_path / "space.yaml", "preset": "small"}
    with pytest.raises(SearchError, match=r"varies width, which --channels .* give --width"):
        driver.search(options(**space))
    assert driver.search(options(**space, width=8))["width"] in (8, 16)


def test_more_trials_extend_a_search_and_fewer_leave_it_as_it_is(options, run):
    driver.search(options(trials=2))
    result = driver.search(options(trials=4, concurrent=1, cpus_per_trial=1))
    assert run == [0, 1, 2, 3]
    assert (result["trial"], result["trials"]) == (3, 4)
    saved = yaml.safe_load((options().out / "config.yaml").read_text())
    assert (saved["trials"], saved["concurrent"]) == (4, 1)
    assert driver.search(options(trials=1)) == result
    assert run == [0, 1, 2, 3]


def test_results_that_a_kill_left_unwritten_are_written_by_the_same_command(options, run):
    result = driver.search(options(trials=2))
    (options().out / "result.json").unlink()
    (options().out / "report.html").unlink()
    (options().out / "tune").mkdir()
    assert driver.search(options(trials=2)) == result
    assert (options().out / "report.html").exists()
    assert not (options().out / "tune").exists()
    assert run == [0, 1]


def test_ctrl_c_says_how_to_go_on(options, monkeypatch, caplog):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(driver, "run_trials", interrupted)
    caplog.set_level("INFO")
    with pytest.raises(KeyboardInterrupt):
        driver.search(options())
    assert "the same command again goes on" in caplog.text


def test_another_search_in_the_folder_is_refused_before_anything_runs(options, run):
    driver.search(options(trials=1))
    with pytest.raises(SearchError, match="--seed 0, now it is 5"):
        driver.search(options(trials=2, seed=5))
    assert run == [0]


def test_an_address_where_nobody_listens_is_said_at_once(options):
    with pytest.raises(SearchError, match=r"no Ray cluster at '127\.0\.0\.1:9'"):
        driver.search(options(address="127.0.0.1:9"))


def test_shards_that_are_none_leave_no_folder(options, tmp_path):
    with pytest.raises(ShardError, match="no shard"):
        driver.search(replaced(options(), shards=str(tmp_path)))
    assert not options().out.exists()


def test_a_search_is_refit_at_its_end_or_later_once(options, run, monkeypatch):
    asked = []

    def refit(given, *, first, best, again):
        asked.append((first["lr"], best["lr"], again))
        pairs = [(0.1, 0.2), (0.1, 0.3)]
        return worth_of(pairs, by="seeds", asked=given.refit, best_is_first=False)

    monkeypatch.setattr(driver, "refit", refit)
    assert "refit" not in driver.search(options(trials=2))
    result = driver.search(options(trials=2, refit=2))
    ((first, best, again),) = asked
    assert again == [{"seed": 1}, {"seed": 2}]
    assert first == 0.001 != best
    assert (
        result["refit"]["verdict"] == "no evidence that the best settings are better than the first"
    )
    assert (
        "No evidence that the best settings are better"
        in (options().out / "report.html").read_text()
    )
    assert next(iter(result)) == "worth"
    assert driver.search(options(trials=2, refit=2)) == result
    assert driver.search(options(trials=2)) == result
    assert len(asked) == 1
    assert run == [0, 1]


def test_a_storage_is_written_beside_also_of_a_search_that_is_over(options, run, tmp_path):
    driver.search(options(trials=1, storage=tmp_path / "a.log"))
    driver.search(options(trials=1, storage=tmp_path / "b.log"))
    assert (tmp_path / "a.log").exists()
    assert (tmp_path / "b.log").exists()
    assert run == [0]
