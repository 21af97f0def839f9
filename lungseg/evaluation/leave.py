"""The files that an evaluation leaves: all of them, once all are whole."""

import contextlib
import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lungseg.evaluation.options import EvaluateOptions
from lungseg.report.words import counted
from shards.console.command import save_config
from shards.console.errors import KnownError
from shards.console.whole import whole_or_nothing

FILES = ("metrics.json", "cases.csv", "lesions.csv", "report.html", "config.yaml")


class OutputError(KnownError):
    """There is no place for the result."""


def check_out(options: EvaluateOptions) -> None:
    """Refuse, before any work, a place that cannot be written or that holds an evaluation.

    Raises:
        OutputError: Says what lies there.
    """
    out = options.out
    if out.exists() and not out.is_dir():
        raise OutputError(f"--out must be a folder, {out} is a file: choose another")
    present = [out / name for name in FILES if (out / name).exists()]
    if present and not options.overwrite:
        others = f" and {counted(len(present) - 1, 'other file')}" if len(present) > 1 else ""
        raise OutputError(
            f"{present[0]}{others} would be replaced: choose another --out, or add --overwrite"
        )
    folder = next(path for path in (out, *out.absolute().parents) if path.exists())
    with _known(out), tempfile.TemporaryFile(dir=folder):
        pass


def leave(options: EvaluateOptions, texts: Mapping[str, str]) -> None:
    """Put all files in place once all are whole.

    Args:
        options: `out` says where; they are written down there too.
        texts: Content by the name of its file.

    Raises:
        OutputError: If they cannot be written.
    """
    with _known(options.out), contextlib.ExitStack() as files:
        for name, text in texts.items():
            unfinished = files.enter_context(whole_or_nothing(options.out / name))
            unfinished.write_text(text, encoding="utf-8")
        save_config(options, files.enter_context(whole_or_nothing(options.out / "config.yaml")))


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with the same names as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


@contextlib.contextmanager
def _known(out: Path) -> Iterator[None]:
    """Turn an error of writing into one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"--out {out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error
