"""Power loss under load: what was not flushed is gone from the disk, what was acknowledged is not. On ext4 and on xfs."""
import functools
import os
import threading

import disks
from deadline import until
from faults import Faulty, Ledger, numbered

LANES = 8
SIZES = (300, 3_000, 90_000, 300_000)  # in the queue's table, in a pack, in a file of its own
MAKERS = {'ext4': ['mkfs.ext4', '-q'], 'xfs': ['mkfs.xfs', '-q']}


class OnADisk(Faulty):
    """State and Maildirs lie on a disk of their own."""

    def __init__(self, disk):
        super().__init__(queue={'retry': ['1s'], 'min_free': '1MiB'})
        self.settings['server']['state_dir'] = os.path.join(disk.mount, 'state')
        self.mail = os.path.join(disk.mount, 'mail')
        self.under = disk.mount
        os.mkdir(self.mail)
        self.settings['local']['maildir'] = self.mail + '/{domain}/{local}'
        self.configure()


def send_until_it_ends(server, ledger, lock):
    """Messages, one after the other, until the connection breaks or a refusal comes: from then on nothing is promised."""
    try:
        with server.connect() as wire:
            wire.greet()
            while True:
                with lock:
                    number = len(ledger.sent) + 1
                    ledger.sent[number] = numbered(number, SIZES[number % len(SIZES)])
                refused = len(ledger.refused)
                ledger.one(wire, number, ('u@d.test',))
                if len(ledger.refused) > refused:
                    return
    except (AssertionError, OSError):
        return


def power_is_lost(kind, after, fault=''):
    disks.apart()
    disk = disks.Disk(MAKERS[kind])
    try:
        with OnADisk(disk) as server:
            server.start_faulty(fault)
            server.arm()
            ledger, lock = Ledger(), threading.Lock()
            lanes = [threading.Thread(target=send_until_it_ends, args=(server, ledger, lock)) for _ in range(LANES)]
            for lane in lanes:
                lane.start()
            until(f'{after} messages', lambda: len(ledger.acknowledged) >= after, 60)
            disk.lose_power()
            with lock:
                acknowledged = set(ledger.acknowledged)
            server.kill()
            for lane in lanes:
                lane.join()
            acknowledged |= ledger.acknowledged  # a 250 after the loss would be a lie, and is held against us
            ledger.acknowledged = acknowledged
            disk.start_again()
            server.start()
            server.wait_queue_empty(60)
            ledger.check(server)
    finally:
        disk.remove()


def a_server_that_does_not_flush_is_found_out(kind):
    """Else the rounds would pass for nothing."""
    try:
        power_is_lost(kind, 30, 'fdatasync skip 1 1000000')
    except AssertionError:
        return
    raise AssertionError('nothing was lost without a flush')


def ten_times(kind):
    for round_number in range(10):
        power_is_lost(kind, 3 + 29 * round_number)


def cases():
    """Only root can mount."""
    for kind in MAKERS if os.geteuid() == 0 else ():
        for name, what in (('ten_times', ten_times), ('can_fail', a_server_that_does_not_flush_is_found_out)):
            test = functools.partial(what, kind)
            test.long = True
            yield f'{kind}_{name}', test
