"""The file systems that fsspec has for URLs, told to give up on a silent server."""

import functools
import logging
import os
import urllib.parse
from typing import Any

from shards.errors import StoreError


def file_system(url: str, timeout_s: float) -> tuple[Any, str]:
    """The fsspec file system of a URL and the URL's path on it.

    Args:
        url: The URL.
        timeout_s: Longest silence of its server.

    Raises:
        StoreError: If there is none for such URLs.
    """
    return _of_process(url, timeout_s, os.getpid())


def address(root: str, name: str) -> str:
    """A file's address: on a web server names are quoted, and a signature stays at the end."""
    if not root.startswith(("http://", "https://")):
        return f"{root}/{name}"
    path, mark, query = root.partition("?")
    return f"{path.rstrip('/')}/{urllib.parse.quote(name)}{mark}{query}"


@functools.lru_cache(maxsize=16)
def _of_process(url: str, timeout_s: float, process: int) -> tuple[Any, str]:
    """Its connections belong to one process: a forked one needs its own."""
    del process
    import fsspec

    protocol = url.split("://")[0].split("::")[0]
    try:
        options = _limits(protocol, timeout_s)
        for key, value in fsspec.config.conf.get(protocol, {}).items():
            options[key] = {**options.get(key, {}), **value} if isinstance(value, dict) else value
        system, root = fsspec.core.url_to_fs(url, **options)
    except (ImportError, ValueError) as error:
        raise StoreError(f"{protocol}:// cannot be read ({error})") from error
    if protocol in ("s3", "s3a"):
        system.retries = 1  # Remote counts the attempts
        for name in ("botocore", "aiobotocore"):  # they tell where credentials were found
            logging.getLogger(name).setLevel(logging.WARNING)
    return system, str(root).rstrip("/")


def _limits(protocol: str, timeout_s: float) -> dict[str, Any]:
    """Options that make a file system give up on a silent server."""
    if protocol in ("http", "https"):
        import aiohttp

        silence = aiohttp.ClientTimeout(total=None, sock_connect=timeout_s, sock_read=timeout_s)
        return {"client_kwargs": {"timeout": silence}}
    if protocol in ("s3", "s3a"):
        limits = {"connect_timeout": timeout_s, "read_timeout": timeout_s}
        return {"config_kwargs": {**limits, "retries": {"total_max_attempts": 1}}}
    if protocol in ("gs", "gcs"):
        return {"requests_timeout": timeout_s}
    return {}
