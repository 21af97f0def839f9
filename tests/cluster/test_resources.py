"""The laws of sharing a cluster: nothing overfills a node, and auto wastes no slot."""

import itertools

from cluster.resources import Resources, job_resources, side_by_side

CLUSTERS = [
    [Resources(cpus=2)],
    [Resources(cpus=64)],
    [Resources(cpus=1), Resources(cpus=1)],
    [Resources(cpus=0), Resources(cpus=8, gpus=1), Resources(cpus=8, gpus=1)],
    [Resources(cpus=64, gpus=4)],
    [Resources(cpus=4), Resources(cpus=16, gpus=2)],
]


def test_jobs_never_overfill_a_node():
    for cluster, jobs in itertools.product(CLUSTERS, (1, 3, 20)):
        job = job_resources(cluster, jobs=jobs)
        for node in cluster:
            alone = side_by_side([node], job)
            assert alone * job.cpus <= node.cpus
            assert alone * job.gpus <= node.gpus


def test_auto_runs_as_many_jobs_as_one_cpu_each_would():
    for cluster, jobs in itertools.product(CLUSTERS, (1, 3, 20)):
        job = job_resources(cluster, jobs=jobs)
        with_one = side_by_side(cluster, Resources(cpus=1, gpus=job.gpus))
        assert min(jobs, side_by_side(cluster, job)) == min(jobs, with_one) > 0


def test_known_machines():
    assert job_resources([Resources(cpus=2)], jobs=3) == Resources(cpus=1)
    assert job_resources([Resources(cpus=2)], jobs=1) == Resources(cpus=2)
    assert job_resources([Resources(cpus=64, gpus=8)], jobs=20) == Resources(cpus=8, gpus=1.0)


def test_a_gpu_can_be_shared():
    cluster = [Resources(cpus=8, gpus=1)]
    assert side_by_side(cluster, Resources(cpus=1, gpus=0.25)) == 4


def test_what_is_asked_for_is_taken():
    job = job_resources([Resources(cpus=8, gpus=1)], jobs=2, cpus=3, gpus=0)
    assert job == Resources(cpus=3, gpus=0)


def test_parts_of_a_job_have_equal_shares_of_one_node():
    cluster = [Resources(cpus=9, gpus=4), Resources(cpus=64, gpus=1)]
    assert job_resources(cluster, jobs=5, parts=4) == Resources(cpus=8, gpus=4.0)
    assert job_resources(cluster, jobs=5, cpus=7, gpus=0, parts=2) == Resources(cpus=6)
    for cluster, jobs, parts in itertools.product(CLUSTERS, (1, 3, 20), (2, 3)):
        job = job_resources(cluster, jobs=jobs, gpus=0, parts=parts)
        assert job.cpus % parts == 0
        least = side_by_side(cluster, Resources(cpus=parts))
        assert min(jobs, side_by_side(cluster, job)) == min(jobs, least)


def test_an_empty_cluster_has_room_for_nothing():
    assert side_by_side([], job_resources([], jobs=4)) == 0
