"""SIGTERM is a KeyboardInterrupt once, in one process, and nothing where others have it."""

import os
import signal
import threading
import time

import pytest

from shards.console.interrupt import interruptible, kept, last_words

SIGNALS = [
    (signal.SIGINT, signal.default_int_handler, ("interrupted", 130)),
    (signal.SIGTERM, signal.SIG_DFL, ("ended by SIGTERM", 143)),
]


@pytest.fixture(autouse=True)
def _as_in_a_new_process():
    for signum, usual, _ in SIGNALS:
        signal.signal(signum, usual)  # what a test leaves is undone


@pytest.mark.parametrize(("signum", "usual", "said"), SIGNALS)
def test_both_come_alike_and_are_given_back(signum, usual, said):
    came = []
    with pytest.raises(KeyboardInterrupt) as end, interruptible(came):
        signal.raise_signal(signum)
    assert last_words(end.value, came) == said
    assert signal.getsignal(signum) is usual


@pytest.mark.parametrize(("signum", "usual", "said"), SIGNALS)
def test_what_a_library_makes_of_one_is_no_error_of_its_own(signum, usual, said):
    came = []

    def caught():
        try:
            signal.raise_signal(signum)
        except KeyboardInterrupt:  # as an import does that was interrupted
            raise AttributeError("half a module") from None

    with pytest.raises(KeyboardInterrupt) as end, interruptible(came):
        caught()
    assert last_words(end.value, came) == said


def test_an_error_without_a_signal_is_an_error():
    with pytest.raises(AttributeError), interruptible([]):
        raise AttributeError


def test_a_second_sigterm_ends_the_process():
    with interruptible([]):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_is_kept_is_said_from_the_inside_out():
    with pytest.raises(KeyboardInterrupt) as end, kept("much"), kept("a little"):
        raise KeyboardInterrupt
    assert last_words(end.value, []) == ("interrupted; a little; much", 130)


def test_a_fork_ends_of_it_as_if_the_block_were_not_there():
    ready, tell = os.pipe()
    with interruptible([]):
        child = os.fork()
        if not child:
            os.write(tell, b"x")
            time.sleep(60)
            os._exit(0)
        os.read(ready, 1)  # what comes before that Python drops
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGTERM


@pytest.mark.parametrize("theirs", [signal.SIG_IGN, lambda *_: None])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_who_has_a_way_of_its_own_keeps_it(signum, theirs):
    signal.signal(signum, theirs)
    came = []
    with interruptible(came):
        signal.raise_signal(signum)
    assert came == []
    assert signal.getsignal(signum) is theirs


def test_in_another_thread_it_is_nothing():
    def there():
        with interruptible([]):
            pass

    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
