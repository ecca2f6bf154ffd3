"""What was answered with 250 is never lost: by kill -9 neither, nor by a Maildir that can't be written."""
import fcntl
import os
import random
import re
import shutil
import signal
import struct
import termios
import threading
import time

from deadline import PATIENCE, contains, equal, until
from server import Server
from wire import Wire

MESSAGE = b'Subject: x\r\n\r\nkept\r\n'
LARGE = {0: 100_000, 7: 300_000}  # of every 14 messages one goes into a pack, one into a file of its own


def numbered(number, size=200):
    return f'Subject: {number}\r\nX-Number: {number}\r\n\r\n'.encode() + bytes(random.Random(number).choices(b'abcdefgh \t.', k=size)) + b'\r\n'


def numbers(messages):
    return sorted(int(re.search(rb'X-Number: (\d+)', message.content)[1]) for message in messages)


def test_a_kill_right_after_the_250_loses_nothing():
    with Server() as server:
        os.rename(server.mail, server.mail + '-away')  # so that nothing is delivered before the end
        small, large = numbered(1), numbered(2, 300_000)  # in the queue's table; in a file of its own
        with server.connect() as wire:
            wire.greet()
            wire.deliver(small)
            wire.deliver(large)
            server.kill()
        os.rename(server.mail + '-away', server.mail)
        server.start()
        got = server.wait_messages(2)
        equal(sorted(message.content for message in got), sorted([small, large]), 'messages')


def test_a_kill_within_the_data_keeps_nothing():
    with Server() as server:
        with server.connect() as wire:
            wire.greet()
            wire.begin()
            wire.send(b'Subject: x\r\n\r\n' + b'half\r\n' * 100_000)
            server.kill()
        server.start()
        server.wait_messages(0)
        bodies = [name for _, _, files in os.walk(server.path('state/bodies')) for name in files]
        equal(bodies, [], 'body files that nobody owns')


class Ledger:
    """Who was told 250 for which number."""

    def __init__(self, address):
        self.address = address
        self.lock = threading.Lock()
        self.acknowledged = []
        self.sent = []

    def send(self, first, count):
        try:
            with Wire(self.address) as wire:
                wire.greet()
                for number in range(first, first + count):
                    wire.begin()
                    with self.lock:
                        self.sent.append(number)
                    wire.send(numbered(number, LARGE[number % 14] if number % 7 == 0 else 300).replace(b'\r\n.', b'\r\n..') + b'.\r\n')
                    wire.expect('250 2.0.0')
                    with self.lock:
                        self.acknowledged.append(number)
        except (AssertionError, OSError):
            pass  # the server was killed


def kill_under_load(acknowledged, lanes=8, start_within=PATIENCE):
    with Server() as server:
        ledger = Ledger(server.address())
        senders = [threading.Thread(target=ledger.send, args=(1000 * lane, 1000)) for lane in range(1, lanes + 1)]
        for sender in senders:
            sender.start()
        until(f'{acknowledged} messages', lambda: len(ledger.acknowledged) >= acknowledged, 60)
        server.kill()
        for sender in senders:
            sender.join()
        began = time.monotonic()
        server.start()
        assert time.monotonic() - began < start_within, f'{time.monotonic() - began:.1f} s from the start to listening'
        server.wait_queue_empty(60)
        got = server.messages()
        for message in got:
            number = numbers([message])[0]
            equal(message.content, numbered(number, LARGE[number % 14] if number % 7 == 0 else 300), f'message {number}')
        delivered = set(numbers(got))
        equal(sorted(set(ledger.acknowledged) - delivered), [], 'acknowledged, and lost')
        equal(sorted(delivered - set(ledger.sent)), [], 'delivered, and never sent')


def test_a_kill_under_load_loses_nothing_acknowledged():
    for acknowledged in (1, 40, 150):
        kill_under_load(acknowledged)


def test_kills_under_load():
    for round_number in range(30):
        kill_under_load(5 + 11 * round_number, lanes=50, start_within=2)


test_kills_under_load.long = True


def waiting(server):
    """The one recipient of the one message in the queue, once it was tried."""
    def tried():
        queued = server.queue()
        return queued and queued[0]['recipients'][0]['tries'] and queued[0]
    return until('a first try', tried)


def deferred(spoil, repair):
    with Server() as server:
        spoil(server)
        with server.connect() as wire:
            wire.greet()
            identity = wire.deliver(MESSAGE)
        queued = waiting(server)
        equal(queued['id'], identity, 'id')
        equal(queued['sender'], 'a@s.test', 'sender')
        recipient = queued['recipients'][0]
        equal((recipient['address'], recipient['state'], recipient['route']), ('u@d.test', 'waiting', 'local'), 'recipient')
        assert recipient['last_reply'].startswith('4.'), recipient
        server.wait_log(rf'{identity}: to=<u@d\.test>, .*dsn=4\.\d\.\d, status=deferred \(.+\)')
        contains(server.run('queue', 'list'), identity, 'the list for people')
        contains(server.run('queue', 'show', identity), recipient['last_reply'], 'queue show')
        repair(server)
        equal([got.content for got in server.wait_messages(1)], [MESSAGE], 'messages')
        server.wait_log(rf'{identity}: removed')


def test_without_the_base_of_the_maildirs_mail_waits():
    def repair(server):
        equal(os.path.exists(server.mail), False, 'the base was made: a store that is not mounted would be written beside')
        os.mkdir(server.mail)

    deferred(lambda server: os.rmdir(server.mail), repair)


def test_a_file_where_the_maildir_should_be_makes_mail_wait():
    deferred(lambda server: server.write('mail/d.test', 'a file'), lambda server: os.unlink(server.path('mail/d.test')))


def test_a_link_where_the_maildir_should_be_makes_mail_wait():
    elsewhere = []

    def spoil(server):
        elsewhere.append(server.path('elsewhere'))
        os.mkdir(elsewhere[0])
        os.symlink(elsewhere[0], server.path('mail/d.test'))

    def repair(server):
        equal(os.listdir(elsewhere[0]), [], 'written through a link')
        os.unlink(server.path('mail/d.test'))

    deferred(spoil, repair)


def test_mail_that_waits_survives_a_restart():
    with Server() as server:
        os.rmdir(server.mail)
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        waiting(server)
        server.stop()
        equal(len(server.queue()), 1, 'the queue of a stopped server')
        server.start()
        os.mkdir(server.mail)
        equal([got.content for got in server.wait_messages(1)], [MESSAGE], 'messages')


def test_a_second_server_on_the_same_state_folder_ends_and_says_why():
    with Server() as server:
        with open(server.config, encoding='utf-8') as file:
            text = file.read()
        other = server.write('second.toml', text.replace('admin.sock', 'second.sock'))
        done = second(server, other)
        assert done.returncode not in (0, None), 'the second server exits with 0'
        contains(done.stdout + done.stderr, server.path('state'), 'the reason')
        contains(done.stdout + done.stderr, str(server.process.pid), 'who has it')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)


def second(server, config):
    held, server.config = server.config, config
    try:
        return server.call('serve')
    finally:
        server.config = held


def test_one_message_to_several_mailboxes_is_one_in_each():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.deliver(MESSAGE, 'u@d.test', 'v@d.test', 'u@d.test')
        equal(len(server.wait_messages(1)), 1, 'u')
        equal(len(server.wait_messages(1, 'v@d.test')), 1, 'v')


def test_sizes_around_that_of_a_body_in_the_queue_itself():
    """64 KiB decide between the queue's table and a file; where the segments are cut must not."""
    with Server() as server:
        sent = []
        with server.connect() as wire:
            wire.greet()
            for size in (65000, 65536, 66000, 72000, 100_000, 131_072, 140_000):
                for first in (1, 30_000, 40_000, 65_000):
                    message = b'Subject: x\r\n\r\n'
                    message += (b'x' * 70 + b'\r\n') * ((size - len(message)) // 72)
                    message += b'y' * (size - len(message) - 2) + b'\r\n'
                    wire.begin()
                    wire.send(message[:first])
                    until('the first part to be read', lambda: unread_by_peer(wire) == 0)
                    wire.send(message[first:] + b'.\r\n')
                    wire.expect('250 2.0.0')
                    sent.append(message)
        equal([got.content == message for got, message in zip(server.wait_messages(len(sent)), sent, strict=True)], [True] * len(sent), 'equal')


def unread_by_peer(wire):
    """Octets that the peer's system has not acknowledged."""
    return struct.unpack('i', fcntl.ioctl(wire.socket.fileno(), termios.TIOCOUTQ, b'\0\0\0\0'))[0]


# The order of system calls

def calls_of(trace):
    """[(call, its arguments)] in the order in which they began, of all threads."""
    made = []
    for line in trace.splitlines():
        found = re.match(r'\d+ +\d+:\d+:\d+\.\d+ (\w+)\((.*)', line)
        if found:
            made.append((found[1], found[2]))
    return made


def test_the_queue_is_flushed_before_the_250():
    trace = None
    with Server() as server:
        server.stop()
        trace = server.path('strace')
        strace = shutil.which('strace')
        assert strace, 'strace is not installed'
        server.start((strace, '-f', '-tt', '-y', '-s', '64', '-o', trace, '-e',
                      'trace=fdatasync,fsync,msync,pwrite64,writev,pwritev,sendto,sendmsg,write'))
        for size in (300, 300_000, 100_000):  # in the table, in a file of its own, in a pack
            with server.connect() as wire:
                wire.greet()
                wire.deliver(numbered(1, size))
                wire.quit()
        server.wait_messages(3)
        os.kill(server_below(server.process.pid), signal.SIGTERM)
        equal(server.wait_exit(), 0, 'exit code')
        with open(trace, encoding='utf-8', errors='replace') as file:
            calls = calls_of(file.read())
    answers = [at for at, (_, arguments) in enumerate(calls) if '250 2.0.0 Ok: queued' in arguments]
    equal(len(answers), 3, f'answers in {len(calls)} calls')
    for number, answer in enumerate(answers):
        began = max(at for at in range(answer) if '354 End data' in calls[at][1])
        between = calls[began:answer]
        flushed = [at for at, (name, what) in enumerate(between)
                   if name in ('fdatasync', 'fsync', 'msync') and 'state/journal' in what]
        assert flushed, f'message {number}: no flush of the journal before the 250: {between}'
        written = [at for at, (name, what) in enumerate(between) if 'write' in name and 'state/journal' in what]
        assert written and written[0] < flushed[-1], f'message {number}: nothing was written before the flush: {between}'
        if number > 0:
            bodies = [at for at, (name, what) in enumerate(between) if name in ('fdatasync', 'fsync') and 'state/bodies/' in what]
            assert bodies and bodies[-1] < flushed[-1], f'the body and its folder are not flushed before the journal names them: {between}'


def server_below(tracer):
    """The process that strace runs."""
    with open(f'/proc/{tracer}/task/{tracer}/children', encoding='ascii') as file:
        return int(file.read().split()[0])
