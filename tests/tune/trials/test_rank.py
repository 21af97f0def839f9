"""A rank of a trial trains no epoch before it may, ends when asked to, and says what went wrong."""

import pytest
from lightning_utilities.core.rank_zero import rank_zero_only

from cluster.gang import Shape
from cluster.rank import Place, Rank
from cluster.resources import Resources
from lungseg.training.run import fit
from tune.options.config import SearchOptions
from tune.options.identity import JOURNAL
from tune.options.settings import fit_options
from tune.trials import blame
from tune.trials.rank import EPOCH_DONE, Word, Work, train_rank

SMALL = {"width": 4, "depth": 2, "neighbors": 1}
SMALL |= {"batch_size": 8, "num_workers": 0, "augment": "none"}
ALONE = Shape(nodes=1, per_node=1, rank=Resources(cpus=1))


class Leader:
    """Who runs the gang: grants an epoch only after some knocks, or asks for the end instead."""

    def __init__(self, out, *, end_after=None):
        self._table, self._end_after = out / "metrics.csv", end_after
        self.word, self.epochs, self.trained = 0, 0, []

    def rank(self):
        place = Place(number=0, size=1, per_node=1, address="", port=0)
        return Rank(place=place, tell=self.hear, asked=lambda: self.word)

    def hear(self, news):
        if news == EPOCH_DONE:
            self.epochs, self._knocks = self.epochs + 1, 0
            return
        self._knocks += 1
        self.trained.append((self.epochs, len(self._table.read_text().splitlines()) - 1))
        if self._knocks == 3:
            self.word = Word(epochs=self.epochs, end=self.epochs == self._end_after)


@pytest.fixture
def work(toy, tmp_path, monkeypatch):
    """Function: values of a trial -> its training."""
    monkeypatch.setattr(rank_zero_only, "rank", 0)
    search = SearchOptions.of(shards=str(toy), out=tmp_path, epochs=3, **SMALL)
    (tmp_path / JOURNAL).touch()

    def made(out="run", **values):
        options = fit_options(search, values, out=tmp_path / out, shape=ALONE, resume=False)
        return Work(search=search, options=options, resources=ALONE.rank)

    return made


def test_no_epoch_is_trained_before_who_runs_the_gang_has_heard_of_the_last(work, tmp_path):
    leader = Leader(tmp_path / "run")
    train_rank(work(), leader.rank())
    assert leader.trained == [(1, 1)] * 3 + [(2, 2)] * 3 + [(3, 3)] * 3
    fit(work("other").options)
    tables = [(tmp_path / name / "cases.csv").read_bytes() for name in ("run", "other")]
    assert tables[0] == tables[1]


def test_it_ends_with_a_checkpoint_when_asked_to(work, tmp_path):
    leader = Leader(tmp_path / "run", end_after=1)
    train_rank(work(), leader.rank())
    assert leader.epochs == 1
    assert (tmp_path / "run" / "last.ckpt").exists()
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 2


def test_whose_fault_it_is_that_a_training_ends_is_found_out_where_it_was(work, tmp_path):
    (tmp_path / JOURNAL).unlink()
    with pytest.raises(blame.FaultError) as found:
        train_rank(work(), Leader(tmp_path / "run").rank())
    assert found.value.fault.cause == "node"
    assert "cannot be read here" in found.value.fault.reason
