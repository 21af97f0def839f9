"""What may pass is tried again after a pause that doubles; what will not is said at once."""

import errno
from types import SimpleNamespace

import pytest

from shards.errors import FormatVersionError, StoreError
from shards.storage.attempts import Retries, in_words


class AnsweredError(Exception):
    """As the libraries of servers tell of an answer."""

    def __init__(self, status):
        super().__init__("at some address")
        self.status, self.message = status, "so it says"


class NoCredentialsError(Exception):
    """As botocore names it."""


@pytest.fixture
def pauses(monkeypatch):
    found = []
    monkeypatch.setattr("shards.storage.attempts.time", SimpleNamespace(sleep=found.append))
    return found


def failing(*errors):
    """Raises one error a call, then returns how often it was called."""
    calls = []

    def attempt():
        calls.append(1)
        if len(calls) <= len(errors):
            raise errors[len(calls) - 1]
        return len(calls)

    return attempt


@pytest.mark.parametrize(
    "error", [TimeoutError(), ValueError("odd"), *map(AnsweredError, (408, 425, 429, 500, 503))]
)
def test_what_may_pass_is_tried_again_and_pauses_double_up_to_a_minute_in_all(pauses, error):
    assert Retries().persist("x", failing(*[error] * 7)) == 8
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32]
    with pytest.raises(StoreError, match=r"^x could not be read in 8 attempts, the last failed"):
        Retries().persist("x", failing(*[error] * 8))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (AnsweredError(403), r"^x may not be put \(HTTP 403 so it says\): check the URL and the"),
        (PermissionError("no"), r"^x may not be put \(PermissionError: no\)"),
        (NoCredentialsError("none"), r"^x may not be put \(NoCredentialsError: none\): check"),
        (OSError(errno.ENOSPC, "full"), r"^no room on the local disk for x \(full\): make room"),
    ],
)
def test_what_no_attempt_mends_is_said_at_once(pauses, error, line):
    with pytest.raises(StoreError, match=line):
        Retries().persist("x", failing(error), to="put")
    assert pauses == []


@pytest.mark.parametrize("kind", [FileNotFoundError, NotImplementedError, FormatVersionError])
def test_what_the_caller_knows_better_is_left_to_it(pauses, kind):
    with pytest.raises(kind):
        Retries().persist("x", failing(kind("so")))
    assert pauses == []


def test_a_cause_is_said_in_one_line_without_addresses():
    assert in_words(AnsweredError(404)) == "HTTP 404 so it says"
    assert in_words(TimeoutError()) == "the server was silent or too slow"
    assert in_words(StoreError("as known")) == "as known"
    assert in_words(ValueError("two\nlines")) == "ValueError: two lines"
    assert in_words(EOFError()) == "EOFError"
