"""Every system call from DATA to the delivered message fails in turn: nothing acknowledged is lost, every refusal is a 4xx, and the
next message goes through without a restart."""
import errno
import functools

from deadline import until
from faults import CALLS, Faulty, Ledger

STEPS_MAX = 60
SIZES = (300, 100_000, 2_000, 300_000)  # in the queue's table, in a pack, in a file of its own
REASONS = {'no_space': errno.ENOSPC, 'io': errno.EIO, 'quota': errno.EDQUOT}


def failing_at(call, how, number):
    """False when the call was not made so often."""
    with Faulty(queue={'retry': ['1s']}) as server:
        server.start_faulty(f'{call} {how} {number}')
        server.arm()
        ledger = Ledger()
        ledger.send(server, SIZES)
        server.wait_queue_empty()
        happened = server.happened
        server.disarm()
        until('mail is taken again', lambda: takes_one(server, ledger))
        server.wait_queue_empty()
        ledger.check(server)
        if not happened:
            assert not ledger.refused, f'{call}: refused without a fault: {ledger.refused}'
        server.stop()
        return happened


def takes_one(server, ledger):
    before = len(ledger.acknowledged)
    ledger.send(server, [500])
    return len(ledger.acknowledged) > before


def every_step(call, how):
    number = 1
    while failing_at(call, how, number):
        number += 1
        assert number < STEPS_MAX, f'{call}: no end'


def cases():
    for call in CALLS:
        if call in ('write', 'pwrite', 'writev', 'pwritev'):
            yield f'{call}_is_cut_short', lambda call=call: every_step(call, 'short')
        usual = 'io' if call in ('fsync', 'fdatasync') else 'no_space'
        for name, number in REASONS.items():
            test = functools.partial(every_step, call, number)
            test.long = name != usual
            yield f'{call}_{name}', test


def test_calls_are_seen_at_all():
    for call in ('openat', 'pwrite', 'fdatasync', 'fsync', 'renameat2', 'unlinkat'):
        assert failing_at(call, errno.EIO, 1), f'{call} was not seen'
