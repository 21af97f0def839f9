"""The error of a prediction that cannot begin, or that read nothing."""

from shards.console.errors import KnownError


class PredictError(KnownError):
    """There is nothing to predict, or something lies in the way of the result."""
