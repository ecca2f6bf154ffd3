"""F-10: a file of the state folder that is cut or overwritten: the start is refused with its name, nothing is made anew or thrown away,
and with the file back all is there."""
import contextlib
import os

from deadline import contains, equal, until
from faults import Ledger
from server import Server

PAGE = 4096
SIZES = (300, 60_000, 200_000, 300_000)  # in the queue's table, in a pack, in a file of its own


def without_end(octets):
    return octets[:len(octets) // 2]


def with_meta_pages_flipped(octets):
    return bytes(octet ^ 0xff for octet in octets[:2 * PAGE]) + octets[2 * PAGE:]


def with_pages_zeroed(octets):
    return octets[:2 * PAGE] + bytes(len(octets) - 2 * PAGE)


def emptied(octets):
    return octets[:0]


def everything_below(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            if name not in ('lock', 'lock.mdb'):
                with open(os.path.join(where, name), 'rb') as file:
                    found[os.path.join(where, name)] = file.read()
    return found


@contextlib.contextmanager
def stopped_with_mail(which):
    """A stopped server whose queue holds mail, its ledger, and a file of its state folder with what is in it."""
    with Server() as server:
        ledger = Ledger()
        os.rename(server.mail, server.mail + '-away')
        ledger.send(server, SIZES)
        equal(len(ledger.acknowledged), len(SIZES), 'messages taken')
        server.stop()
        os.rename(server.mail + '-away', server.mail)
        path = server.path(f'state/{which}/data.mdb')
        with open(path, 'rb') as file:
            right = file.read()
        yield server, ledger, path, right
        if server.process is None:
            with open(path, 'wb') as file:
                file.write(right)
            server.start()
        server.wait_queue_empty()
        ledger.check(server)


def without_its_last_page(which):
    """It may be one that nothing uses: then nothing is lost."""
    with stopped_with_mail(which) as (server, _, path, right):
        os.truncate(path, len(right) - PAGE)
        server.launch()
        until('a start or its end', lambda: 'listening name=mx' in server.log() or server.process.poll() is not None)
        if server.process.poll() is not None:
            assert 'damaged, or not of our form' in server.log()
            server.wait_exit()


def damaged(which, how):
    with stopped_with_mail(which) as (server, _, path, right):
        with open(path, 'wb') as file:
            file.write(how(right))
        before = everything_below(server.path('state'))
        server.launch()
        server.wait_log('damaged, or not of our form')
        assert server.wait_exit() not in (0, -6, -7, -11)
        contains(server.log(), server.path('state'), 'what is damaged')
        equal(everything_below(server.path('state')), before, 'the state folder after the refused start')


def cases():
    for which in ('queue', 'accounts'):
        yield f'{which}_without_its_last_page', lambda which=which: without_its_last_page(which)
        for how in (without_end, with_meta_pages_flipped, with_pages_zeroed, emptied):
            yield f'{which}_{how.__name__}', lambda which=which, how=how: damaged(which, how)
