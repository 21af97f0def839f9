"""Numbers with their nouns, for people."""


def counted(number: int, noun: str) -> str:
    """`1 scan`, `2 scans`; the noun takes an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
