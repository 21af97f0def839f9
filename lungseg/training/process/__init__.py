"""The processes of a training on their machine: ranks, signals, deaths, Slurm, shared memory."""
