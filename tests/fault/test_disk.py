"""The state folder's disk is full, out of inodes, or read-only, and then well again: 452 or 451 meanwhile, nothing accepted is lost, and no
restart is needed."""
import contextlib
import errno
import json
import os
import time

import disks
from deadline import equal, until
from faults import Faulty, Ledger
from server import Server
from test_http import get


PROMPT = 5.0  # seconds


@contextlib.contextmanager
def on_a_small_disk(options, min_free='1MiB'):
    """A server whose state folder is a file system of its own, with room for some messages."""
    disks.apart()
    server = Server(queue={'retry': ['1s'], 'min_free': min_free})
    with disks.mounted(server.path('state'), '-t', 'tmpfs', '-o', options, 'tmpfs'), server:
        yield server


def takes_mail(server, ledger, size=500):
    before = len(ledger.acknowledged)
    ledger.send(server, [size])
    return len(ledger.acknowledged) > before


def fill(path):
    with open(path, 'wb') as file:
        try:
            while True:
                file.write(bytes(65536))
                file.flush()
        except OSError:
            pass


def use_up_names(folder):
    os.makedirs(folder)
    for number in range(100_000):
        try:
            open(os.path.join(folder, str(number)), 'wb').close()
        except OSError:
            return


def through_trouble(server, begin, end, refused, size=500, alarm=True):
    """Mail, trouble, refusals that say so, and mail again; all of it by one server that is never restarted."""
    os.rename(server.mail, server.mail + '-away')  # what is accepted stays in the queue
    ledger = Ledger()
    for _ in range(5):
        assert takes_mail(server, ledger), ledger.refused
    begin()
    until('a refusal', lambda: not takes_mail(server, ledger, size))
    assert any(text in reply for text in refused for reply in ledger.refused.values()), ledger.refused
    for _ in range(20):
        ledger.send(server, [size])
    if alarm:
        until('an alarm', lambda: 'ALARM' in server.run('status'))
    end()
    until('mail again', lambda: takes_mail(server, ledger, size))
    os.rename(server.mail + '-away', server.mail)
    server.wait_queue_empty()
    until('no alarm', lambda: 'ALARM' not in server.run('status'))
    ledger.check(server)


def a_full_disk():
    with on_a_small_disk('size=16m') as server:
        filler = server.path('state/filler')
        through_trouble(server, lambda: fill(filler), lambda: os.remove(filler), ['452 4.3.1'])


def no_inodes():
    """Short messages need none, and are taken all the same."""
    with on_a_small_disk('size=64m,nr_inodes=100') as server:
        filler = server.path('state/filler')
        through_trouble(server, lambda: use_up_names(filler), lambda: disks.checked('rm', '-r', filler), ['452 4.3.1'], size=100_000,
                        alarm=False)


def unmounted_and_mounted_again():
    """F-24: nothing is written where the disk was, and no restart is needed once it is back."""
    disks.apart()
    disk = disks.Disk(['mkfs.ext4', '-q'])
    server = Server(queue={'retry': ['1s'], 'min_free': '1MiB'})
    state = server.path('state')
    os.mkdir(state)
    try:
        with disks.mounted(state, '--bind', disk.mount):
            server.accounts()
            server.start()

            def take_away():
                disks.unmount(state)
                server.wait_log('server.state_dir is another folder')

            through_trouble(server, take_away, lambda: disks.checked('mount', '--bind', disk.mount, state), ['452 4.3.1'])
            server.stop()
        equal(os.listdir(state), [], 'what is in the folder without its disk')
        server.assert_no_defects()
    finally:
        server.__exit__(True)
        disk.remove()


def a_full_disk_below_the_refusals_alone():
    """Nobody who is refused or taken waits for it; what finds no room in memory is dropped and said; the rest is there in the end."""
    disks.apart()
    server = Server(limits={'errors': 1_000_000, 'soft_errors': 1_000_000})
    folder = server.path('state/ledger')
    os.mkdir(server.path('state'))
    with disks.mounted(folder, '-t', 'tmpfs', '-o', 'size=512k', 'tmpfs'), server:
        filler = os.path.join(folder, 'filler')
        fill(filler)
        with server.connect() as wire:
            wire.greet()
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            refuse = lambda number: wire.command(f'RCPT TO:<n{number}@d.test>', '550 5.1.1', within=PROMPT)  # noqa: E731
            refuse(0)
            server.wait_log("the refusal ledger can't be written: ")
            for number in range(1, 200):
                refuse(number)
            wire.command('RSET', '250 ')
            wire.deliver(b'Subject: x\r\n\r\nx\r\n')
            os.remove(filler)
            server.wait_log('the refusal ledger is written again')
            found = json.loads(server.run('ledger', 'find', 'a@s.test', '--json'))['ledger']
            equal(sorted(row['recipient'] for row in found), sorted(f'n{number}@d.test' for number in range(200)), 'refused, each once')
            wire.quit()
        server.wait_messages(1)


def test_a_disk_that_takes_no_write_any_more():
    for error in (errno.EROFS, errno.EIO):
        with Faulty(queue={'retry': ['1s']}) as server:
            server.start_faulty(f'fdatasync {error} 1 1000000')
            through_trouble(server, server.arm, server.disarm, ['451 4.3.0'])


def test_a_flush_that_takes_seconds_holds_up_nobody_who_asks_for_no_flush():
    """F-06: the flush waits on a disk, sessions don't wait on it."""
    with Faulty() as server:
        server.start_faulty('fdatasync slow3 1 1000')
        server.arm()
        with server.connect() as waiting, server.connect() as other:
            waiting.greet()
            other.greet()
            waiting.begin()
            waiting.send(b'Subject: x\r\n\r\nx\r\n.\r\n')
            until('a flush', lambda: server.happened)
            for _ in range(20):
                other.command('NOOP', '250 ', within=1)
                other.command('MAIL FROM:<a@s.test>', '250 ', within=1)
                other.command('RCPT TO:<u@d.test>', '250 ', within=1)
                other.command('RSET', '250 ', within=1)
            assert waiting.nothing_waits(), 'the flush was not waited for'
            waiting.expect('250 2.0.0')
        server.disarm()


def test_health_says_so_while_a_flush_hangs():
    with Faulty(admin={'http': '127.0.0.1:0'}) as server:
        server.start_faulty('fdatasync slow40 1 1')
        server.arm()
        with server.connect() as wire:
            wire.greet()
            wire.begin()
            equal(get(server, '/healthz')[0], 200)
            wire.send(b'Subject: x\r\n\r\nx\r\n.\r\n')
            began = time.monotonic()
            until('an alarm', lambda: get(server, '/healthz')[0] == 503, 38)
            assert time.monotonic() - began > 28
            assert 'has lasted for 3' in get(server, '/healthz')[2], get(server, '/healthz')
            assert 'ALARM: ' in server.run('status')
            wire.expect('250 2.0.0', within=30)
        until('mail again', lambda: get(server, '/healthz')[0] == 200)


test_health_says_so_while_a_flush_hangs.long = True


def cases():
    """Only root can mount."""
    return [(test.__name__, test) for test in (a_full_disk, no_inodes, unmounted_and_mounted_again,
                                                     a_full_disk_below_the_refusals_alone) if os.geteuid() == 0]
