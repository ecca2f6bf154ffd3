"""Others that read the queue's LMDB environment, and never end: F-08."""
import os

from deadline import PATIENCE, until
from faults import Ledger
from readers import reading
from server import Server
from test_disk import on_a_small_disk, takes_mail

SLOTS_AT_LEAST = 100
LOOKS_EVERY = 30  # seconds, at a queue that it could not read
CLEARS_EVERY = 60  # seconds, the slots of readers that died


def test_mail_is_taken_and_delivered_after_every_readers_slot_was_taken():
    with Server() as server:
        ledger = Ledger()
        with reading(server.path('state/queue'), 10_000) as (_, held):
            assert SLOTS_AT_LEAST < held < 10_000, f'{held} slots'
            for _ in range(5):
                assert takes_mail(server, ledger), ledger.refused
            refused = server.call('queue', 'list')
            assert refused.returncode == 75 and 'no free slot' in refused.stderr, refused
        server.wait_queue_empty(LOOKS_EVERY + PATIENCE)
        ledger.check(server)


def a_reader_that_never_ends_costs_room_and_no_message():
    """The pages that it could still read are not used again: the file grows until the disk says no."""
    with on_a_small_disk('size=24m') as server:
        ledger = Ledger()
        with reading(server.path('state/queue')) as (_, held):
            assert held == 1
            until('a refusal', lambda: not takes_mail(server, ledger, 60_000), 120)
            assert all('452 4.3.1' in reply for reply in ledger.refused.values()), ledger.refused
        until('mail again', lambda: takes_mail(server, ledger, 60_000), CLEARS_EVERY + PATIENCE)
        server.wait_queue_empty(60)
        ledger.check(server)


a_reader_that_never_ends_costs_room_and_no_message.long = True


def cases():
    """Only root can mount."""
    for test in [a_reader_that_never_ends_costs_room_and_no_message] if os.geteuid() == 0 else []:
        yield test.__name__, test
