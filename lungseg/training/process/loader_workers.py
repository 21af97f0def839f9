"""The processes that read slices for a training: what a signal is to them, and how they end."""

import atexit
import multiprocessing
import signal

import cv2


def begin_worker(worker: int) -> None:
    """One thread each, and no answer to a signal that all processes get: the training ends them."""
    del worker
    cv2.setNumThreads(0)
    for signum in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def end_workers_at_exit() -> None:
    """From now on no such process keeps this one from ending, as after an error that it raised.

    Python ends its daemons by one SIGTERM, which they do not answer, and waits for them.
    """
    atexit.unregister(_end_workers)
    atexit.register(_end_workers)


def _end_workers() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # torch's answer to their end is an error
    for process in multiprocessing.active_children():
        if process.daemon:
            process.kill()
