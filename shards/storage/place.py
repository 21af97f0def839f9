"""Where a shard set lies, and the manifest that is there now."""

from pathlib import Path

from shards.errors import ShardError, StoreError
from shards.manifest import MANIFEST_NAME, Manifest
from shards.storage.attempts import Retries
from shards.storage.remote import Remote

UNFINISHED_NAME = ".build"  # where a build keeps its state until the set is whole
_EMPTY, _UNFINISHED = "is an empty folder", "holds a build that is not finished"


def locate(url: str | Path, retries: Retries | None = None) -> tuple[str, Remote | None]:
    """A set's folder or URL, fit for messages, and the URL's server; None for a local folder."""
    text = str(url)
    if "://" not in text or text.startswith("file://"):
        return str(Path(text.removeprefix("file://"))), None
    remote = Remote(url=text.rstrip("/"), retries=retries or Retries())
    return remote.shown, remote


def manifest_bytes(url: str, remote: Remote | None) -> bytes:
    """Content of the `manifest.json` at what `locate` gave.

    Raises:
        ShardError: If there is none, or an unreadable one.
    """
    where = f"{url}/{MANIFEST_NAME}"

    def check(data: bytes) -> bytes:
        Manifest.from_json(data, where=where)
        return data

    try:
        return remote.read(MANIFEST_NAME, check) if remote else Path(where).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        what = f"has no {MANIFEST_NAME}" if remote else _what_is_at(Path(url))
        raise ShardError(f"{url} {what}, so it is no shard set: {_advice(url)}") from error
    except OSError as error:
        raise StoreError(f"{where} cannot be read: {error.strerror}") from error


def _advice(url: str) -> str:
    """How to come by a shard set; never by building into a folder that holds something else."""
    build = "make one with `python -m ingest build-shards"
    if (Path(url) / "dataset.json").is_file() or (Path(url) / "imagesTr").is_dir():
        return f"these are scans, {build} --source {url} --out SHARDS`"
    free = not Path(url).exists() or _what_is_at(Path(url)) in (_EMPTY, _UNFINISHED)
    return f"{build} --source SCANS --out {url if free else 'SHARDS'}`"


def _what_is_at(path: Path) -> str:
    if path.is_file():
        return "is a file"
    if not path.is_dir():
        return "does not exist"
    if (path / UNFINISHED_NAME).is_dir():
        return _UNFINISHED
    return f"holds no {MANIFEST_NAME}" if any(path.iterdir()) else _EMPTY
