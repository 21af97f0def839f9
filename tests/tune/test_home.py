"""A search's journal and results are at its URL before anything is built on them."""

from contextlib import ExitStack

import fsspec
import pytest

from shards.errors import StoreError
from shards.storage.remote import Remote
from tests.toy_trials import TOLD, new_memory, outcome
from tune.history.journal import Journal
from tune.home import home_of, kept_search
from tune.options.errors import SearchError
from tune.options.identity import JOURNAL


@pytest.fixture
def url(tmp_path):
    return f"memory://{tmp_path.name}/search"


@pytest.fixture
def machine():
    """Function: the URL -> the folder of a search as another machine has it."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(kept_search(url)).folder


def read(url, name):
    return fsspec.filesystem("memory").cat_file(f"{url.removeprefix('memory:/')}/{name}")


def test_every_event_is_at_the_url_before_it_counts(url, machine):
    home = home_of(machine(url))
    (home.out / "identity.json").write_text("{}")
    home.take()
    journal = Journal(home.out / JOURNAL, keep=home.keep_journal)
    journal.events()
    for number in range(2):
        journal.add({"event": "ended", "trial": number})
        assert read(url, JOURNAL) == (home.out / JOURNAL).read_bytes()
    assert len(Journal(machine(url) / JOURNAL).events()) == 2


def test_a_search_that_another_machine_has_taken_over_writes_no_more(url, machine):
    cut_off, newer = home_of(machine(url)), home_of(machine(url))
    cut_off.take()
    journal = Journal(cut_off.out / JOURNAL, keep=cut_off.keep_journal)
    journal.events()
    newer.take()
    with pytest.raises(SearchError, match=f"another process has taken over the search in {url}"):
        journal.add({"event": "ended", "trial": 0})
    assert JOURNAL not in Remote(url=url).sizes()


def test_results_come_from_the_url_and_only_the_best_checkpoint_stays_there(url, machine, tmp_path):
    for number in range(2):
        outcome(tmp_path, number, 0.3 + number / 10)
    store = fsspec.filesystem("memory")
    store.put(f"{tmp_path}/trials", f"{url}/trials", recursive=True)
    store.pipe_file(f"{url}/identity.json", b"{}")
    home = home_of(machine(url))
    memory = new_memory(home.out, trials=2, epochs=1)
    for number in range(2):
        memory.next()
        dice = 0.3 + number / 10
        memory.report(number, TOLD | {"epoch": 1, "best_dice_case_mean": dice})
        memory.end(number)
    trials = home.outcomes(memory)
    assert [(trial.number, trial.checkpoint.exists()) for trial in trials] == [
        (1, True),
        (0, False),
    ]
    (home.out / "trials.csv").write_text(f"{home.out}\n")
    home.keep_results(trials)
    names = Remote(url=url).sizes()
    assert not [name for name in names if name.endswith(".ckpt")]
    assert read(url, "trials.csv") == f"{url}\n".encode()


def test_a_store_that_stays_away_ends_the_search_in_one_line(url, machine, monkeypatch):
    home = home_of(machine(url))
    home.take()

    def away(*_):
        raise StoreError(f"{url}/{JOURNAL} could not be written")

    with monkeypatch.context() as patched:
        patched.setattr(Remote, "put", away)
        with pytest.raises(SearchError, match=f"^{url}/{JOURNAL} could not be written"):
            home.keep_journal()
