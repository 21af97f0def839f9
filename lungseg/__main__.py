"""`python -m lungseg COMMAND`, or `lungseg COMMAND`: all commands, wherever they are started.

A project that has an `ingest` or a `cluster.py` of its own hides ours from `python -m ingest`,
which looks first into the folder that it is started in. Here our own modules come first.
"""

import os
import runpy
import sys
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

COMMANDS = {
    "ingest": ("ingest", "phantom, check, build-shards, preview: from scans to slices"),
    "shards": ("shards", "info, verify: what a shard set holds, and whether it is whole"),
    "fit": ("lungseg.fit", "train a model"),
    "evaluate": ("lungseg.evaluate", "score a model, or masks, on scans"),
    "calibrate": ("lungseg.calibrate", "choose a model's threshold and rules for lesions"),
    "compare": ("lungseg.compare", "say which of two evaluations is better, if that can be said"),
    "predict": ("lungseg.predict", "find tumor in scans"),
    "export": ("lungseg.export", "write a model as ONNX, for other programs"),
    "view": ("lungseg.view", "look at a scan and its masks, in three planes and in 3D"),
    "search": ("tune.search", "find the settings of a training by many short ones"),
}

_PROG = "lungseg"
_BAD_USAGE = 2


def main() -> NoReturn:
    """Run the command that the first word names, as `python -m` runs its module.

    Raises:
        SystemExit: Always, as the command does.
    """
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    _put_ours_first()
    if word in COMMANDS:
        del sys.argv[1]
        runpy.run_module(COMMANDS[word][0], run_name="__main__", alter_sys=True)
    elif word == "--version":
        sys.stdout.write(f"{_PROG} {version(_PROG)}\n")
    elif word in ("-h", "--help"):
        sys.stdout.write(_manual())
    else:
        _refuse(word)
    sys.exit()


def _put_ours_first() -> None:
    """Let the folder that we were started in hide no module, from child processes neither."""
    home = str(Path(__file__).absolute().parents[1])
    here = {"", str(Path.cwd())}
    sys.path[:] = [home, *(place for place in sys.path if place not in here | {home})]
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [place for place in before if place not in ("", home)]
    os.environ |= {"PYTHONPATH": os.pathsep.join([home, *kept]), "PYTHONSAFEPATH": "1"}


def _refuse(word: str) -> NoReturn:
    from shards.console.usage import unknown_command  # ours, now that it comes first

    known = list(COMMANDS)
    sys.stderr.write(f"{_PROG}: {unknown_command(word, known, _PROG)}\n" if word else _manual())
    sys.exit(_BAD_USAGE)


def _manual() -> str:
    lines = [f"  {name:10}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join([f"usage: {_PROG} [--version] COMMAND ... (each has --help)", "", *lines, ""])


if __name__ == "__main__":
    main()
