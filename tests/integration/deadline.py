"""Waiting with an end. Nothing in these tests sleeps in the hope that something has happened meanwhile: it asks, again and again, until
a deadline, and says what it waited for when that passes."""
import time

PATIENCE = 20.0  # seconds; a slow machine is no failure
PAUSE = 0.01


class TooLate(AssertionError):
    """What was waited for didn't happen."""


def until(what, probe, within=PATIENCE):
    """Returns the first true answer of probe()."""
    end = time.monotonic() + within
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise TooLate(f'waited {within:g} s for {what}')
        time.sleep(PAUSE)


def equal(got, wanted, what=''):
    assert got == wanted, f'{what}: got {shorten(got)}, wanted {shorten(wanted)}'


def contains(text, part, what=''):
    assert part in text, f'{what}: {shorten(part)} is not in {shorten(text)}'


def shorten(value):
    text = repr(value)
    return text if len(text) <= 600 else text[:400] + ' ... ' + text[-150:]
