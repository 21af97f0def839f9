"""`tune.search` whose trials begin once a file beside its folder counts as many nodes as it says.

The file is `meet`; in the folder `met` beside it each node that has had a trial leaves its address.
"""

import ray

from tests.waiting import wait_until
from tune.trials import trial


def run_trial(config, *, search, shape):
    beside = search.out.parent
    count, met = int((beside / "meet").read_text()), beside / "met"
    met.mkdir(exist_ok=True)
    node = ray.get_runtime_context().get_node_id()
    (met / node).write_text(ray.util.get_node_ip_address())
    wait_until(lambda: len(list(met.iterdir())) >= count, "a trial on each node", seconds=200)
    trial.run_trial(config, search=search, shape=shape)


if __name__ == "__main__":
    import tune.driver
    import tune.run_trials
    from shards.console.command import run
    from tests.tune import meeting_search  # as the nodes import it
    from tune.search import SearchOptions, main

    tune.run_trials.run_trial = meeting_search.run_trial
    run(SearchOptions, main, prog="search", description="")
