"""Scans predicted by the workers of a Ray cluster, each with a model of its own."""

import contextlib
import logging
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import torch

from ingest.case import BadCaseError, Case
from lungseg.inference.ensemble import Ensemble, load_ensemble
from lungseg.inference.errors import PredictError
from lungseg.inference.infer import pick_device
from lungseg.inference.one_scan import predict_one
from lungseg.inference.options import PredictOptions
from shards.console.out import resolved

Outcome = dict[str, Any] | BadCaseError

_WORKER_BYTES = 700_000_000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A scan to predict, with paths that hold on every node.

    Attributes:
        scan: The scan.
        options: How, and where its files go.
        sha256: Hash of the model that is meant.
    """

    scan: Case
    options: PredictOptions
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a worker tells of a scan.

    Attributes:
        result: As of `predict_one`; None of a scan that could not be read.
        error: Why it could not.
        warnings: What else is to be said.
    """

    result: dict[str, Any] | None = None
    error: str = ""
    warnings: list[str] = field(default_factory=list)


def predicted(
    scans: Sequence[Case], options: PredictOptions, sha256: str
) -> Iterator[tuple[int, Outcome]]:
    """Predict scans on the cluster of `--address`, and yield the position of each as it is done.

    What was under way on a worker that died is done by another.

    Args:
        scans: The scans.
        options: The options.
        sha256: Hash of the model.

    Raises:
        PredictError: If there is no such cluster, or a worker reaches another model.
        OSError: If a file cannot be written.
    """
    from cluster.fanout import Lost, fan_out
    from cluster.resources import job_resources, nodes
    from cluster.session import session

    shared = _shared(options)
    tasks = [Task(scan=_absolute(scan), options=shared, sha256=sha256) for scan in scans]
    address = options.address or "auto"
    try:
        with session(address):
            gpus: float | Literal["auto"] = 0 if options.device == "cpu" else "auto"
            each = job_resources(nodes(), jobs=len(scans), cpus=1, gpus=gpus)
            told = fan_out(
                predict_there, tasks, address=address, memory_bytes=_WORKER_BYTES, each=each
            )
            for position, answer in told:
                if isinstance(answer, Lost):
                    yield position, BadCaseError(str(answer))
                else:
                    yield position, _outcome(answer)
    except ConnectionError as error:
        raise PredictError(str(error)) from error


def predict_there(task: Task) -> Told:
    """Predict a scan on a worker.

    Raises:
        PredictError: If the checkpoint is another one there.
        OSError: If a file cannot be written.
    """
    device = pick_device(task.options.device)
    model = _model(task.options, device, task.sha256)
    with _overheard() as warnings:
        try:
            result = predict_one(task.scan, model, task.options, device=device, step=lambda _: None)
        except BadCaseError as error:
            return Told(error=str(error), warnings=warnings)
    return Told(result=result, warnings=warnings)


@lru_cache(maxsize=1)
def _model(options: PredictOptions, device: torch.device, sha256: str) -> Ensemble:
    paths = (options.checkpoint, *options.average_with)
    model = load_ensemble(paths, device=device, flips=options.flips, precision=options.precision)
    if model.sha256 != sha256:
        raise PredictError(
            f"{options.checkpoint} is another checkpoint on {socket.gethostname()}: give one that "
            "all nodes reach under one name"
        )
    return model


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@contextlib.contextmanager
def _overheard() -> Iterator[list[str]]:
    """Warnings that are said meanwhile, which would be lost on another machine."""
    listener = _Listener()
    logging.getLogger().addHandler(listener)
    try:
        yield listener.heard
    finally:
        logging.getLogger().removeHandler(listener)


def _outcome(told: Told) -> Outcome:
    for warning in told.warnings:
        logger.warning("%s", warning)
    return BadCaseError(told.error) if told.result is None else told.result


def _shared(options: PredictOptions) -> PredictOptions:
    return replace(
        options,
        checkpoint=resolved(options.checkpoint),
        average_with=tuple(map(resolved, options.average_with)),
        out=options.out.absolute(),
    )


def _absolute(scan: Case) -> Case:
    files = tuple(path.absolute() for path in scan.files)
    return replace(scan, image=scan.image.absolute(), files=files)
