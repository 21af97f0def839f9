"""One training over the nodes of a cluster, which goes on when one of them is lost."""
