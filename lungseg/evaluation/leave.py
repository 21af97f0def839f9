"""The files that an evaluation leaves: all of them, once all are whole."""

import csv
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from lungseg.evaluation.options import EvaluateOptions
from shards.console.command import save_config
from shards.console.errors import KnownError


class OutputError(KnownError):
    """There is no place for the result."""


def leave(options: EvaluateOptions, texts: Mapping[str, str]) -> None:
    """Put all files in place once all are whole."""
    out = options.out
    staging = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        staging.mkdir(parents=True)
        for name, text in texts.items():
            (staging / name).write_text(text, encoding="utf-8")
        save_config(options, staging / "config.yaml")
        out.mkdir(exist_ok=True)
        for path in staging.iterdir():
            path.replace(out / path.name)
    except OSError as error:
        raise OutputError(
            f"--out {out} cannot be written ({error.strerror}): choose a folder that can"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same names as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
