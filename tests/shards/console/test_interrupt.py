"""SIGTERM is a KeyboardInterrupt once, in one process, and nothing where others have it."""

import os
import signal
import threading
import time

import pytest

from shards.console.interrupt import kept, last_words, sigterm_as_ctrl_c


@pytest.fixture(autouse=True)
def _as_in_a_new_process():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what a test leaves is undone


def test_it_comes_as_ctrl_c_does_and_a_second_one_ends_the_process():
    with sigterm_as_ctrl_c() as came:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    another = KeyboardInterrupt()  # as a library raises that has caught the first
    assert last_words(another, came) == ("ended by SIGTERM", 143)


def test_what_is_kept_is_said_from_the_inside_out():
    with pytest.raises(KeyboardInterrupt) as end, kept("much"), kept("a little"):
        raise KeyboardInterrupt
    assert last_words(end.value, []) == ("interrupted; a little; much", 130)


def test_a_fork_ends_of_it_as_if_the_block_were_not_there():
    ready, tell = os.pipe()
    with sigterm_as_ctrl_c():
        child = os.fork()
        if not child:
            os.write(tell, b"x")
            time.sleep(60)
            os._exit(0)
        os.read(ready, 1)  # what comes before that Python drops
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGTERM


def test_it_is_given_back():
    with sigterm_as_ctrl_c():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("theirs", [signal.SIG_IGN, lambda *_: None])
def test_who_has_a_way_of_its_own_keeps_it(theirs):
    signal.signal(signal.SIGTERM, theirs)
    with sigterm_as_ctrl_c() as came:
        signal.raise_signal(signal.SIGTERM)
        assert came == []
    assert signal.getsignal(signal.SIGTERM) is theirs


def test_in_another_thread_it_is_nothing():
    def there():
        with sigterm_as_ctrl_c():
            pass

    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
