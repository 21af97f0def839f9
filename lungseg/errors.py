"""The errors of training, evaluation and prediction.

shards.console.errors.KnownError
└── TrainingError          a training cannot start or go on
    └── DivergedError      its loss is no number any more
"""

from shards.console.errors import KnownError


class TrainingError(KnownError):
    """A training cannot start or go on."""


class DivergedError(TrainingError):
    """The loss of a training is no number any more: its settings were to blame."""
