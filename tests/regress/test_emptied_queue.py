"""A queue that filled its disk, and is empty again: its file never shrinks, so what is free within it must count. Mail was refused for
ever."""
import contextlib
import os

from deadline import until
from faults import Ledger
from test_disk import on_a_small_disk, takes_mail

SIZE = 60_000  # kept within the queue's own file
FULL = 'messages above 64 KiB are answered 452'


@contextlib.contextmanager
def emptied(min_free):
    """A server and its ledger, after that."""
    with on_a_small_disk('size=24m', min_free) as server:
        ledger = Ledger()
        os.rename(server.mail, server.mail + '-away')
        until('a refusal', lambda: not takes_mail(server, ledger, SIZE), 120)
        assert all('452 4.3.1' in reply for reply in ledger.refused.values()), ledger.refused
        os.rename(server.mail + '-away', server.mail)
        server.wait_queue_empty(120)
        until('mail again', lambda: takes_mail(server, ledger, SIZE))
        yield server, ledger
        server.wait_queue_empty(60)
        ledger.check(server)


def mail_is_taken_again_when_it_left_no_room_to_write():
    with emptied('1MiB') as (server, ledger):
        for _ in range(50):
            assert takes_mail(server, ledger, SIZE), ledger.refused


def mail_is_taken_again_when_it_left_less_than_min_free_and_files_are_not_made():
    with emptied('4MiB') as (server, ledger):
        for _ in range(50):
            assert takes_mail(server, ledger, SIZE), ledger.refused
        until('the alarm', lambda: FULL in server.run('status'))  # which looks at the disk now and then
        assert not takes_mail(server, ledger, 3 * SIZE)
        assert '452 4.3.1' in list(ledger.refused.values())[-1], ledger.refused
        server.settings['queue']['min_free'] = '64KiB'
        server.configure()
        server.reload()
        until('large messages again', lambda: takes_mail(server, ledger, 3 * SIZE))
        assert FULL not in server.run('status')


def cases():
    """Only root can mount."""
    tests = (mail_is_taken_again_when_it_left_no_room_to_write,
             mail_is_taken_again_when_it_left_less_than_min_free_and_files_are_not_made)
    return [(test.__name__, test) for test in tests if os.geteuid() == 0]
