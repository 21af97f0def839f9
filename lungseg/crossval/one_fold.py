"""The training of one fold, in a process of its own, which a signal to this one ends as well."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import lungseg
from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from shards.console.command import save_config

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def train_fold(options: FitOptions) -> None:
    """Train one fold; several devices work as they do for any training.

    Args:
        options: Those of the fold.

    Raises:
        TrainingError: If the training failed; it has said why.
        KeyboardInterrupt: If Ctrl-C ended it.
        SystemExit: If another signal did, with 128 and its number.
    """
    with tempfile.TemporaryDirectory() as folder:  # others may not read it: a URL has its secret
        config = Path(folder) / "fold.yaml"
        save_config(options, config)
        words = [sys.executable, "-m", "lungseg.fit", "--config", str(config)]
        with (
            subprocess.Popen(
                words,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                process_group=0,  # so that Ctrl-C reaches it once, through here
                preexec_fn=_end_with_parent,
            ) as child,
            _passed_on(child) as taken,
        ):
            code = child.wait()
    if signal.SIGINT in taken:
        raise KeyboardInterrupt
    if taken:
        sys.exit(128 + taken[0])
    if code:
        raise TrainingError(
            f"the training in {options.run.out} ended with exit code {code}, see above: mend that, "
            "and the same command with --resume goes on"
        )


def _environment() -> dict[str, str]:
    """Modules are found where this process finds them, ours first."""
    places = [
        str(Path(lungseg.__file__).parents[1]),
        *(place or str(Path.cwd()) for place in sys.path),
    ]
    return os.environ | {"PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1"}


def _end_with_parent() -> None:
    """Have this process get SIGTERM when its parent dies, so that no training is left alone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def _passed_on(child: "subprocess.Popen[bytes]") -> Iterator[list[int]]:
    """Pass signals on to a child, and note them, until the block ends."""
    taken: list[int] = []

    def take(signum: int, frame: FrameType | None) -> None:
        del frame
        taken.append(signum)
        child.send_signal(signum)

    if threading.current_thread() is not threading.main_thread():
        yield taken
        return
    before = {signum: signal.signal(signum, take) for signum in _SIGNALS}
    try:
        yield taken
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
