"""The files that an evaluation leaves: all of them, once all are whole."""

import contextlib
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lungseg.evaluation.options import EvaluateOptions
from shards.console.command import save_config
from shards.console.errors import KnownError
from shards.console.whole import whole_or_nothing
from shards.console.words import counted, encodable

FILES = ("metrics.json", "cases.csv", "lesions.csv", "slices.csv", "report.html")


class OutputError(KnownError):
    """There is no place for the result."""


def refuse_to_replace(options: EvaluateOptions) -> None:
    """Refuse, before a scan is read, a place that holds an evaluation, unless told so.

    Raises:
        OutputError: Says what lies there.
    """
    present = [options.out / name for name in FILES if (options.out / name).exists()]
    if present and not options.overwrite:
        others = f" and {counted(len(present) - 1, 'other file')}" if len(present) > 1 else ""
        raise OutputError(
            f"{present[0]}{others} would be replaced: choose another --out, or add --overwrite"
        )


def leave(options: EvaluateOptions, texts: Mapping[str, str]) -> None:
    """Put all files in place once all are whole.

    Args:
        options: `out` says where; they are written down there too.
        texts: Content by the name of its file.

    Raises:
        OutputError: If they cannot be written.
    """
    try:
        with contextlib.ExitStack() as files:
            for name, text in texts.items():
                unfinished = files.enter_context(whole_or_nothing(options.out / name))
                unfinished.write_text(encodable(text), encoding="utf-8")
            save_config(options, files.enter_context(whole_or_nothing(options.out / "config.yaml")))
    except OSError as error:
        raise OutputError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with the same names as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
