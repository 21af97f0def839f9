"""Why numbers called Dice differ: the same predictions by other definitions, beside controls."""
