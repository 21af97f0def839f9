"""The folds that each trial of a search is scored on."""

from lungseg.training.split import folds_of, split_cases
from shards.console.groups import replaced
from shards.console.words import counted
from shards.storage.store import ShardSet
from tune.options.config import SearchOptions
from tune.options.errors import SearchError


def folds_to_score(options: SearchOptions, shards: ShardSet) -> list[int]:
    """The folds of `--folds`, in their order; empty without it.

    Args:
        options: Of the search.
        shards: Know their folds.

    Raises:
        SearchError: If there are too few.
        lungseg.errors.TrainingError: If one of them cannot be trained on.
    """
    if options.folds is None:
        return []
    known = sorted(set(folds_of(shards, options.validation).values()))
    first = options.validation.fold
    if first not in known or len(known) < options.folds:
        raise SearchError(
            f"--folds {options.folds} from --fold {first} on needs as many folds, {shards.url} has "
            f"{counted(len(known), 'fold')} ({', '.join(map(str, known))})"
        )
    at = known.index(first)
    chosen = [*known[at:], *known[:at]][: options.folds]
    for fold in chosen:
        split_cases(shards, replaced(options, fold=fold).validation)
    return chosen
