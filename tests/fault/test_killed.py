"""Killed before and after every system call from DATA to the delivered message: what was acknowledged is there, once it runs again."""
import os

from deadline import until
from faults import CALLS, Faulty, Ledger

SIZES = (300, 100_000, 2_000, 300_000)  # in the queue's table, in a pack, in a file of its own
STEPS_MAX = 60  # far more calls of one kind than these messages take


def killed_at(call, how, number):
    """False when the server came to the end of its work without being killed."""
    with Faulty(queue={'retry': ['1s']}) as server:
        server.start_faulty(f'{call} {how} {number}')
        server.arm()
        ledger = Ledger()
        ledger.send(server, SIZES, ('u@d.test', 'v@d.test'))
        until('death, or an empty queue', lambda: server.process.poll() is not None or not server.queue())
        killed = server.is_dying()
        server.kill()
        server.start()
        server.wait_queue_empty()
        ledger.check(server, ('u@d.test', 'v@d.test'))
        # A body's file goes after its record; one that nobody owns would stay.
        until(f'{call} {how} {number}: no body file that nobody owns', lambda: not any(files for _, _, files in os.walk(server.path('state/bodies'))))
        if not killed:
            assert len(ledger.acknowledged) == len(SIZES), f'{call}: {ledger.refused}'
        return killed


def every_step(call, how):
    number = 1
    while killed_at(call, how, number):
        number += 1
        assert number < STEPS_MAX, f'{call}: no end'
    return number - 1


def cases():
    for call in CALLS:
        for how, when in (('kill', 'before'), ('killed', 'after')):
            yield f'{when}_{call}', lambda call=call, how=how: every_step(call, how)


def test_calls_are_seen_at_all():
    """Else every other test here would pass for nothing."""
    for call in ('openat', 'pwrite', 'fdatasync', 'fsync', 'renameat2', 'unlinkat'):
        assert killed_at(call, 'kill', 1), f'{call} was not seen'
