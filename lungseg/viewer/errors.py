"""The error of a page that cannot be shown."""

from shards.console.errors import KnownError


class ViewError(KnownError):
    """A scan cannot be shown, or what shows it is not installed."""
