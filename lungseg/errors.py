"""The errors of training, evaluation and prediction.

shards.console.errors.KnownError
└── TrainingError          a training cannot start or go on
"""

from shards.console.errors import KnownError


class TrainingError(KnownError):
    """A training cannot start or go on."""
