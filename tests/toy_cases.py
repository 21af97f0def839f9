"""A case's slices, as tests look at them: all at once."""

from ingest.findings.read_case import read_case


def slices_of(case, recipe):
    """The slices that the recipe keeps, by the very function that builds them."""
    records = []
    read_case(case, recipe, records.append)
    return records
