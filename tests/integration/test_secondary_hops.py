"""Next hops that hang, have names, or are found by MX records: what one of them does is no other's trouble."""
import re
import socket
import subprocess
import sys
import threading
import time

from deadline import contains, equal, until
from names import Names
from server import Server
from test_secondary import MINUTE, Secondary, ask, free_port, primary, send

MUCH = 40  # messages: more than there are deliveries at the same time


class Hanging:
    """Talks as a server does until `at`, and then says nothing any more, to any number of connections."""

    REPLIES = {'EHLO': '250 hanging.test', 'MAIL': '250 ok', 'RCPT': '250 ok', 'DATA': '354 go', 'QUIT': '221 bye', 'RSET': '250 ok'}

    def __init__(self, at):
        self.at, self.open, self.most, self.taken = at, 0, 0, 0
        self.lock = threading.Lock()
        self.listening = socket.create_server(('127.0.0.1', 0), backlog=100)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.hold, args=(peer,), daemon=True).start()

    def hold(self, peer):
        with self.lock:
            self.open, self.taken = self.open + 1, self.taken + 1
            self.most = max(self.most, self.open)
        try:
            with peer, peer.makefile('rwb', buffering=0) as wire:
                self.talk(wire)
                while wire.read(1000):
                    pass
        except OSError:
            pass
        with self.lock:
            self.open -= 1

    def talk(self, wire):
        if self.at == 'greeting':
            return
        wire.write(b'220 hanging.test\r\n')
        for line in wire:
            verb = line.decode()[:4].upper()
            if verb == self.at:
                return
            wire.write(self.REPLIES.get(verb, '250 ok').encode() + b'\r\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()


def test_a_primary_that_hangs_is_nobody_elses_trouble():
    """Maildirs, other primaries, and questions to them go on; it has a few connections, and its mail waits."""
    for at in ('greeting', 'MAIL'):
        port, first = primary()
        with first, Hanging(at) as hanging, Secondary(port, knowing=True) as second:
            second.settings['relay.route']['"h.test"'] = f'127.0.0.1:{hanging.port}'
            second.settings['relay.route']['"e.test"'] = f'127.0.0.1:{port}'
            second.configure()
            second.reload()
            first.run('domain', 'add', 'e.test')
            first.run('mailbox', 'add', 'e@e.test')
            for words in (('domain', 'add', 'h.test'), ('mailbox', 'add', 'x@h.test'), ('domain', 'add', 'm.test'), ('mailbox', 'add', 'm@m.test')):
                second.run(*words)
            for _ in range(MUCH):
                send(second, 'x@h.test')
            until(f'{at}: conversations that hang', lambda: hanging.open > 0)
            began = time.monotonic()
            # One message for all three, and one for each of those that are there.
            send(second, 'x@h.test', 'm@m.test', 'u@d.test')
            send(second, 'm@m.test')
            send(second, 'u@d.test')
            contains(ask(second, 'e@e.test'), '250 2.1.5 ', f'{at}: another primary is asked')
            until(f'{at}: mail of a Maildir', lambda: len(second.messages('m@m.test')) == 2)
            until(f'{at}: mail of another primary', lambda: len(first.messages()) == 2)
            took = time.monotonic() - began
            assert took < 10, f'{at}: it took {took:.0f} s'
            assert hanging.most <= 9, f'{at}: {hanging.most} connections at a time'  # eight, and one probe
            until(f'{at}: nothing but what waits for it', lambda: len(second.queue()) == MUCH + 1)
            began = time.monotonic()
            second.stop()
            took = time.monotonic() - began
            assert took < 10, f'{at}: the end took {took:.0f} s'


def test_who_asks_another_primary_than_the_one_that_hangs_is_answered():
    port, first = primary()
    with first, Hanging('RCPT') as hanging, Secondary(port) as second:
        second.settings['relay.route']['"h.test"'] = f'127.0.0.1:{hanging.port}'
        second.configure()
        second.reload()
        waiting = [threading.Thread(target=ask, args=(second, f'x{number}@h.test')) for number in range(40)]
        for one in waiting:
            one.start()
        until('questions that hang', lambda: hanging.open >= 4)
        contains(ask(second, 'u@d.test'), '250 2.1.5 ', 'another primary')
        for one in waiting:
            one.join()
        assert hanging.most <= 17, f'{hanging.most} connections at a time'  # sixteen, and one probe


def test_many_messages_wait_in_line_without_a_deferral():
    port, first = primary()
    with first, Secondary(port, knowing=True) as second:
        for number in range(MUCH):
            send(second, 'u@d.test', content=b'Subject: %d\r\n\r\nx\r\n' % number)
        second.wait_queue_empty(MINUTE)
        first.wait_messages(MUCH)
        equal(second.log().count('status=deferred'), 0, 'deferrals')


def test_what_waits_in_line_can_be_steered():
    with Hanging('MAIL') as hanging, Secondary(hanging.port, knowing=True) as second:
        for _ in range(MUCH):
            send(second, 'u@d.test')
        until('conversations that hang', lambda: hanging.open >= 4)
        last = second.queue()[-1]['id']
        second.run('queue', 'delete', last)
        equal(last in [one['id'] for one in second.queue()], False, 'deleted')


def test_a_slow_greeting_is_waited_for_by_all_alike():
    """One that the probe gave up, and a delivery would not, was away for ever."""

    class Slow(Hanging):
        def talk(self, wire):
            time.sleep(12)
            super().talk(wire)

    with Slow('none') as slow, Secondary(slow.port, knowing=True) as second:
        until('a probe that ends well', lambda: slow.taken >= 1)
        send(second, 'u@d.test')
        second.wait_queue_empty(MINUTE)
        equal(second.log().count('is away'), 0, 'absences')


def test_a_route_to_a_name_tries_its_addresses_in_turn():
    port, first = primary()
    records = ['mx1.p.test. 60 IN A 127.0.0.9', 'mx1.p.test. 60 IN A 127.0.0.1']
    with Names(records) as names, first, Secondary(port) as second:
        second.settings['dns'] = {'servers': [names.address()], 'timeout': '2s'}
        second.settings['relay.route']['"d.test"'] = f'mx1.p.test:{port}'
        second.configure()
        second.reload()
        contains(ask(second, 'u@d.test'), '250 2.1.5 ', 'a recipient')
        contains(ask(second, 'nobody@d.test'), '550 5.1.1 ', 'nobody')
        send(second, 'u@d.test')
        second.wait_queue_empty(MINUTE)
        first.wait_messages(1)
        contains(second.log(), f'relay=mx1.p.test[127.0.0.1]:{port}', 'the log')


def test_a_name_that_cannot_be_looked_up_is_away():
    with Names([], broken=['p.test']) as names, Secondary(free_port(), knowing=True) as second:
        second.settings['dns'] = {'servers': [names.address()], 'timeout': '1s'}
        second.settings['relay.route']['"d.test"'] = 'mx1.p.test:25'
        second.configure()
        second.reload()
        send(second, 'u@d.test')
        until('a deferral', lambda: second.queue()[0]['recipients'][0]['tries'] > 0)
        contains(second.queue()[0]['recipients'][0]['last_reply'], 'cannot be looked up now', 'why it waits')


def inside():
    """Run in a network of its own, where public addresses lead to this machine and are none of its interfaces'."""
    for words in (('link', 'set', 'lo', 'up'), ('route', 'add', 'local', '8.8.1.1/32', 'dev', 'lo'), ('addr', 'add', '8.8.2.2/32', 'dev', 'lo')):
        subprocess.run(('ip', *words), check=True)
    records = ['d.test. 60 IN MX 10 mx1.d.test', 'd.test. 60 IN MX 20 backup.test', 'mx1.d.test. 60 IN A 8.8.1.1', 'backup.test. 60 IN A 8.8.2.2',
               'lost.test. 60 IN MX 10 mx1.d.test', 'ours.test. 60 IN MX 5 other.test', 'ours.test. 60 IN MX 10 mx1.d.test', 'other.test. 60 IN A 8.8.2.2']
    with Names(records) as names, Server({'address': '8.8.1.1:25', 'tier': 'a'}) as first, Secondary(1, knowing=True) as second:
        for domain in ('lost.test', 'ours.test'):
            second.run('domain', 'add', domain)
            second.run('mailbox', 'add', f'u@{domain}')
        second.settings['dns'] = {'servers': [names.address()], 'timeout': '2s'}
        second.settings['relay.route'] = {'"d.test"': 'mx', '"lost.test"': 'mx', '"ours.test"': 'mx'}
        second.configure()
        second.reload()
        for domain in ('d.test', 'lost.test', 'ours.test'):
            send(second, f'u@{domain}')
        until('the message', first.messages)
        until('what has no way on waits', lambda: all(one['recipients'][0]['tries'] for one in second.queue()) and len(second.queue()) == 2)
        whys = sorted(one['recipients'][0]['last_reply'] for one in second.queue())
        contains(whys[0] + whys[1], 'loop guard: this server is none of the MX hosts of lost.test', 'why it waits')
        contains(whys[0] + whys[1], 'loop guard: this server is the best MX host of ours.test', 'why it waits')
        contains(second.log(), 'relay=mx1.d.test[8.8.1.1]:25', 'the log')
        assert re.search(r'the primary mx:lost\.test is away: loop guard', second.log()), second.log()[-2000:]


def test_a_domains_mx_hosts_before_us_get_its_mail():
    done = subprocess.run(['unshare', '-rn', sys.executable, __file__, 'inside'], capture_output=True, text=True, timeout=2 * MINUTE)
    equal(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])


if __name__ == '__main__' and sys.argv[1:] == ['inside']:
    inside()
