"""Where the files of a shard set lie, and how they get there and back whole."""
