"""What a server lives through: storms of reloads under load, certificates that are renewed in every order, signals at bad times."""
import os
import shutil
import signal
import threading
import time

from clients import smtp_source
from deadline import equal, until
from server import Server
from test_tls import certificate_seen
from tls_tools import der_of, make_certificate

MESSAGE = b'Subject: x\r\n\r\nx\r\n'


# Storms of reloads

def descriptors(process):
    return len(os.listdir(f'/proc/{process.pid}/fd'))


def resident_kib(process):
    with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))


class Hangups(threading.Thread):
    """So many SIGHUPs, evenly over so many seconds."""

    def __init__(self, server, count, seconds):
        super().__init__()
        self.server, self.count, self.seconds = server, count, seconds

    def run(self):
        began = time.monotonic()
        for number in range(self.count):
            time.sleep(max(0.0, began + self.seconds * number / self.count - time.monotonic()))
            self.server.signal(signal.SIGHUP)


def storm(count, seconds):
    """smtp-source ends with an error at the first session that fails."""
    with Server(limits={'sessions_per_client': 1000}) as server:
        to = ('-s', '50', '-f', 'a@s.test', '-t', 'u@d.test')
        smtp_source(server, *to, '-m', '500')
        server.wait_queue_empty(60)
        began, memory = descriptors(server.process), resident_kib(server.process)
        since = server.log_end()
        hangups = Hangups(server, count, seconds)
        hangups.start()
        sent = 500
        while hangups.is_alive():
            smtp_source(server, *to, '-m', '500')
            sent += 500
        hangups.join()
        server.wait_queue_empty(120)
        equal(len(server.messages()), sent, 'messages')
        reloads = server.log(since).count('reload -- ')
        assert reloads > count / 10, f'{reloads} reloads of {count} signals'
        until('the descriptors of before', lambda: descriptors(server.process) <= began)
        grown = resident_kib(server.process) - memory
        assert grown < 64 * 1024, f'{grown} KiB more memory after {reloads} reloads'


def test_200_hangups_under_load_cost_no_session():
    storm(200, 10)


def test_1000_hangups_in_a_minute_under_load_cost_no_session():
    storm(1000, 60)


test_1000_hangups_in_a_minute_under_load_cost_no_session.long = True


# Certificates

def replace(pair, by, *which):
    for kind in which:
        os.rename(by[kind], pair[kind])


class Live:
    """A server with a pair, and two sessions under TLS that began with the first one: one idle, one within a message."""

    def __init__(self, pair=None):
        self.server = Server()
        self.pair = pair or make_certificate(self.server.folder, 'live', 'mx.d.test')
        self.server.settings['tls.certificate'] = [self.pair]
        self.server.configure()

    def __enter__(self):
        self.server.__enter__()
        self.idle, self.busy = self.server.connect(), self.server.connect()
        for wire in (self.idle, self.busy):
            wire.greet()
            wire.secure()
        self.busy.begin()
        self.busy.send(b'Subject: x\r\n\r\n')
        return self

    def fresh(self, **how):
        return make_certificate(self.server.folder, 'fresh', 'mx.d.test', **how)

    def __exit__(self, failed, *rest):
        try:
            if not failed:
                self.busy.send(b'x\r\n.\r\n')
                self.busy.expect('250 2.0.0')
                self.idle.deliver(MESSAGE)
                self.server.wait_messages(2)
        finally:
            for wire in (self.idle, self.busy):
                wire.close()
            self.server.__exit__(failed, *rest)


def test_key_before_certificate_and_certificate_before_key():
    for order in (('key', 'cert'), ('cert', 'key')):
        with Live() as live:
            old, fresh = certificate_seen(live.server), live.fresh()
            replace(live.pair, fresh, order[0])
            live.server.reload('reload refused')
            equal(certificate_seen(live.server), old, f'after {order[0]} alone')
            replace(live.pair, fresh, order[1])
            live.server.reload()
            equal(certificate_seen(live.server), der_of(live.pair['cert']), f'after {order[1]} too')


def test_both_at_once_by_a_symbolic_link():
    """As acme clients and Kubernetes do: one link to a folder is swapped, whatever its files' times are."""
    server = Server()
    stems = ('one', 'two')
    for stem in stems:
        os.mkdir(server.path(stem))
        made = make_certificate(server.folder, stem, 'mx.d.test')
        for kind, path in made.items():
            shutil.move(path, server.path(f'{stem}/{kind}.pem'))
    os.symlink('one', server.path('now'))
    server.settings['tls.certificate'] = [{'cert': server.path('now/cert.pem'), 'key': server.path('now/key.pem')}]
    server.configure()
    with server:
        equal(certificate_seen(server), der_of(server.path('one/cert.pem')), 'the first')
        for stem in ('two', 'one'):
            since = server.log_end()
            os.symlink(stem, server.path('next'))
            os.rename(server.path('next'), server.path('now'))
            server.wait_log('certificates changed on disk: the new ones are in use', since)
            equal(certificate_seen(server), der_of(server.path(f'{stem}/cert.pem')), 'without a reload')


def test_an_expired_one_and_a_wrong_key_keep_the_old_pair():
    with Live() as live:
        old = certificate_seen(live.server)
        kept = {kind: shutil.copy(path, path + '.kept') for kind, path in live.pair.items()}
        replace(live.pair, live.fresh(expired=True), 'cert', 'key')
        live.server.reload('reload refused')
        equal(certificate_seen(live.server), old, 'the expired one')
        replace(live.pair, kept, 'cert', 'key')
        replace(live.pair, live.fresh(), 'key')
        live.server.reload('reload refused')
        equal(certificate_seen(live.server), old, 'the wrong key')
        replace(live.pair, live.fresh(), 'cert', 'key')
        live.server.reload()
        equal(certificate_seen(live.server), der_of(live.pair['cert']), 'a good pair in the end')


# Signals

def stop_for(server, seconds, meanwhile=lambda: None):
    """SIGSTOP, and SIGCONT after a while."""
    server.signal(signal.SIGSTOP)
    until('a stopped process', lambda: all(state == 'T' for state in thread_states(server.process)))
    began = time.monotonic()
    meanwhile()
    until('some time', lambda: time.monotonic() - began > seconds)
    server.signal(signal.SIGCONT)


def thread_states(process):
    for task in os.listdir(f'/proc/{process.pid}/task'):
        with open(f'/proc/{process.pid}/task/{task}/stat', encoding='ascii') as file:
            yield file.read().rsplit(') ', 1)[1][0]


def test_a_stop_and_a_continue_lose_nothing():
    with Server(limits={'command_timeout': '30s'}) as server, server.connect() as busy:
        busy.greet()
        busy.begin()
        busy.send(b'Subject: x\r\n\r\n')
        waiting = []

        def meanwhile():
            waiting.append(server.connect())
            busy.send(b'x\r\n.\r\n')

        stop_for(server, 3, meanwhile)
        with waiting[0] as wire:
            busy.expect('250 2.0.0')
            wire.greet()
            wire.deliver(MESSAGE)
        server.reload()
        equal([got.content for got in server.wait_messages(2)], [MESSAGE] * 2, 'messages')


def test_a_time_that_passed_while_it_was_stopped_ends_the_idle():
    with Server(limits={'command_timeout': '2s'}) as server, server.connect() as idle:
        idle.greet()
        stop_for(server, 3)
        idle.expect('421 4.4.2')
        idle.expect_end()
        with server.connect() as wire:
            wire.greet()
            wire.quit()


def test_a_second_sigterm_ends_a_message_under_way():
    with Server(server={'drain_timeout': '60s'}) as server, server.connect() as busy:
        busy.greet()
        busy.begin()
        server.signal(signal.SIGTERM)
        server.wait_log('running transactions may finish')
        assert busy.nothing_waits(), 'the first one lets it go on'
        server.signal(signal.SIGTERM)
        busy.expect('421 4.3.2')
        busy.expect_end()
        equal(server.wait_exit(), 0, 'exit code')


def test_a_hangup_within_a_drain_changes_nothing():
    with Server(server={'drain_timeout': '60s'}) as server, server.connect() as busy:
        busy.greet()
        busy.begin()
        server.signal(signal.SIGTERM)
        server.wait_log('running transactions may finish')
        server.signal(signal.SIGHUP)
        busy.send(MESSAGE + b'.\r\n')
        busy.expect('250 2.0.0')
        equal(server.wait_exit(), 0, 'exit code')


def test_connections_that_came_just_before_the_end_hear_something():
    """Accepted or not: nobody who was accepted is left without a word."""
    for _ in range(15):
        with Server() as server:
            wires = []
            for number in range(40):
                wires.append(server.connect())
                if number == 30:
                    server.signal(signal.SIGTERM)
                    break
            for wire in wires:
                try:
                    first = wire.line()
                except ConnectionResetError:
                    first = None
                assert first is None or first.startswith(('220 ', '421 ')), first
            equal(server.wait_exit(), 0, 'exit code')
