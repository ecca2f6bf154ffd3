"""The wall clock jumps: nothing expires untried, nothing is forgotten, sessions keep their time."""
import os

from deadline import equal, until
from faults import Faulty, Ledger
from test_notices import blocked

DAY = 86400
JUMPS = {'400_days_ahead': 400 * DAY, '2_days_back': -2 * DAY, 'to_after_2038': 13 * 365 * DAY, 'to_1971': -55 * 365 * DAY}


def jump(offset):
    with Faulty(queue={'retry': ['1s', '2s', '2s', '2s', '2s', '2s'], 'expire': '5d', 'delay_notice': '0s'}) as server:
        server.set_clock(0)
        server.start_faulty(clock=True)
        ledger = Ledger()
        blocked(server, 'u@d.test')
        ledger.send(server, [300, 90_000])
        until('a try of each', lambda: all(message['recipients'][0]['tries'] for message in server.queue()))
        with server.connect() as wire:
            wire.greet()
            server.set_clock(offset)
            tried = min(message['recipients'][0]['tries'] for message in server.queue())
            until('another try', lambda: min(message['recipients'][0]['tries'] for message in server.queue()) > tried, 60)
            wire.command('NOOP', '250 ')  # no session was timed out by the jump
            wire.quit()
        equal(len(server.queue()), 2, 'messages that wait: none expired by the jump alone')
        os.remove(server.maildir())
        ledger.send(server, [400])
        server.wait_queue_empty(60)
        ledger.check(server)
        equal(len(server.messages()), 3, 'messages')
        server.set_clock(0)  # and back again
        ledger.send(server, [400])
        server.wait_queue_empty(60)
        ledger.check(server)


def cases():
    for name, offset in JUMPS.items():
        yield name, lambda offset=offset: jump(offset)
