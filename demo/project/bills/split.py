"""Splitting a bill between people."""


def split(total_cents, people):
    """Returns what each of `people` pays. The shares differ by one cent at most."""
    if people < 1:
        raise ValueError("a bill needs someone to pay it")
    share = total_cents // people
    return [share] * people


def with_tip(total_cents, percent):
    """Adds a tip, rounded to the nearest cent."""
    return total_cents + (total_cents * percent + 50) // 100
