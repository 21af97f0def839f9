"""The errors of training, evaluation and prediction.

shards.errors.KnownError
└── TrainingError          a training cannot start or go on
"""

from shards.errors import KnownError


class TrainingError(KnownError):
    """A training cannot start or go on."""
