"""The files that an evaluation leaves: all of them, once all are whole."""

import contextlib
import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from lungseg.evaluation.options import EvaluateOptions
from shards.console.command import save_config
from shards.console.errors import KnownError
from shards.console.whole import whole_or_nothing


class OutputError(KnownError):
    """There is no place for the result."""


def leave(options: EvaluateOptions, texts: Mapping[str, str]) -> None:
    """Put all files in place once all are whole."""
    try:
        with contextlib.ExitStack() as files:
            for name, text in texts.items():
                unfinished = files.enter_context(whole_or_nothing(options.out / name))
                unfinished.write_text(text, encoding="utf-8")
            save_config(options, files.enter_context(whole_or_nothing(options.out / "config.yaml")))
    except OSError as error:
        raise OutputError(
            f"--out {options.out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same names as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
