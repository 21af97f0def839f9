"""The error of a model that cannot be handed on."""

from shards.console.errors import KnownError


class ExportError(KnownError):
    """A checkpoint cannot become an ONNX file."""
