"""The errors of a search.

shards.console.errors.KnownError
└── SearchError            a search cannot start or go on, or none of its trials ended well
"""

from shards.console.errors import KnownError


class SearchError(KnownError):
    """A search cannot start or go on, or none of its trials ended well."""
