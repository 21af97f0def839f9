"""The build of a shard set: what is left to do, by whom, and what is done."""
