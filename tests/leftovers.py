"""What a test, or what it calls, changes of its process is undone for the tests that follow."""

import contextlib
import logging
import os
import random
import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
LOGGERS = ("", "cluster", "ingest", "lungseg", "shards", "tune")


@contextlib.contextmanager
def nothing_left():
    """Leave environment, folder, umask, signals, logs, threads and rank as they were.

    Random numbers that nobody has seeded are the same whatever ran before.
    """
    _seed()
    with contextlib.ExitStack() as undone:
        for keep in (_environment, _folder, _umask, _signals, _logs, _threads, _rank):
            undone.callback(keep())
        undone.callback(_forget_stores)
        yield


def _seed():
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)  # libraries draw from this one
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


def _environment():
    before = dict(os.environ)

    def undo():
        if dict(os.environ) != before:
            os.environ.clear()
            os.environ.update(before)

    return undo


def _folder():
    before = os.getcwd()  # noqa: PTH109
    return lambda: os.chdir(before)


def _umask():
    before = os.umask(0o022)
    os.umask(before)
    return lambda: os.umask(before)


def _signals():
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}

    def undo():
        for signum, handler in before.items():
            if signal.getsignal(signum) != handler:
                signal.signal(signum, handler)

    return undo


def _logs():
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    handlers = {logger: list(logger.handlers) for logger in loggers[1:]}  # pytest's are the root's

    def undo():
        logging.disable(logging.NOTSET)  # a command that failed has silenced all for its own end
        for logger, level, propagate in before:
            logger.setLevel(level)
            logger.propagate = propagate
        for logger, kept in handlers.items():
            logger.handlers[:] = kept

    return undo


def _threads():
    torch = sys.modules.get("torch")
    if torch is None:
        return lambda: None
    before = torch.get_num_threads()
    return lambda: torch.get_num_threads() == before or torch.set_num_threads(before)


def _rank():
    """Who is first is remembered for the whole process."""
    module = "lightning_utilities.core.rank_zero"
    before = getattr(getattr(sys.modules.get(module), "rank_zero_only", None), "rank", 0)

    def undo():
        if module in sys.modules:
            sys.modules[module].rank_zero_only.rank = before

    return undo


def _forget_stores():
    """The addresses of servers, which s3fs remembers for the whole process."""
    if "s3fs" in sys.modules:
        sys.modules["s3fs"].S3FileSystem.clear_instance_cache()
