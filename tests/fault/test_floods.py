"""Peers that ask for much at little cost to themselves: others are answered meanwhile, memory stays bounded, and it is over when they
are gone."""
import contextlib
import functools
import os
import socket
import subprocess
import tempfile
import threading
import time

from deadline import PATIENCE, equal, until
from server import Server
from test_limits import resident_kib
from wire import lenient_client

MESSAGE = b'Subject: x\r\n\r\nx\r\n'
IDLE = 10_000
PROMPT = 10.0  # seconds that others may wait: less than any peer may hold the server's time, more than a busy machine takes
ROUNDS = 30
HERE = os.path.dirname(os.path.abspath(__file__))


@contextlib.contextmanager
def flood(attack, threads=2):
    """Runs attack() again and again beside what is within; yields a function that tells how often it was done."""
    over, wrong, done = threading.Event(), [], []

    def go_on():
        try:
            while not over.is_set():
                attack()
                done.append(True)
        except Exception as trouble:  # told by the test
            wrong.append(trouble)
            done.extend([True] * 1_000_000)  # nobody waits for more

    running = [threading.Thread(target=go_on) for _ in range(threads)]
    for each in running:
        each.start()
    try:
        yield lambda: len(done)
    finally:
        over.set()
        for each in running:
            each.join()
    assert not wrong, wrong


def others_are_served(server, done=lambda: 0, until_done=0):
    """An old session and new ones get prompt answers all the time: at least ROUNDS of them, and until the attack was made so often."""
    rounds, slowest, end = 0, 0, time.monotonic() + 120
    with server.connect() as old:
        old.greet()
        while rounds < ROUNDS or done() < until_done:
            assert time.monotonic() < end, f'the attack was made {done()} times, not {until_done}'
            began = time.monotonic()
            old.command('NOOP', '250 ', within=PROMPT)
            old.deliver(MESSAGE)
            with server.connect() as new:
                new.greet()
                new.deliver(MESSAGE)
            slowest = max(slowest, time.monotonic() - began)
            rounds += 1
    assert slowest < PROMPT, f'{slowest:.2f} s'
    print(f'# {rounds} rounds, the slowest {slowest:.3f} s')


MAIL, RCPT = b'MAIL FROM:<a@s.test>\r\n', b'RCPT TO:<u@d.test>\r\n'
STATES = {'before EHLO': [], 'after EHLO': [b'EHLO c.test\r\n'], 'after MAIL': [b'EHLO c.test\r\n', MAIL],
          'after RCPT': [b'EHLO c.test\r\n', MAIL, RCPT]}
CONTENT = {'in DATA': [*STATES['after RCPT'], b'DATA\r\n'], 'in a chunk': [*STATES['after RCPT'], b'BDAT 1000000\r\n']}


def dripping(server, states, limit):
    """A client in each state, in the clear and within TLS, that sends an octet now and then: 421 4.4.2, and the end. The answers come all
    the same when others ask."""
    wires, over = {}, threading.Event()
    for listener, tls in (('mx', None), ('smtps', lenient_client())):
        for state, steps in states.items():
            wire = wires[listener, state] = server.connect(listener, implicit_tls=tls)
            wire.expect('220 ')
            for step in steps:
                wire.send(step)
                if not step.startswith(b'BDAT'):
                    assert wire.reply().code[0] in '23', step

    def drip():
        while not over.wait(0.2):
            for wire in wires.values():
                wire.send_if_open(b'x')

    dripper = threading.Thread(target=drip)
    dripper.start()
    try:
        others_are_served(server)
        for where, wire in wires.items():
            equal(wire.reply(within=limit + 30).lines[-1][:9], '421 4.4.2', where)
            wire.expect_end()
    finally:
        over.set()
        dripper.join()
    server.wait_messages(ROUNDS * 2)


def test_an_octet_now_and_then_in_each_state():
    """DS-01: it's no command."""
    with Server([{}, {'name': 'smtps', 'tls': 'implicit'}], limits={'command_timeout': '3s'}) as server:
        dripping(server, STATES, 3)


def test_an_octet_now_and_then_within_a_message():
    """DS-01: the rate is looked at after a minute."""
    with Server([{}, {'name': 'smtps', 'tls': 'implicit'}]) as server:
        dripping(server, CONTENT, 60)


test_an_octet_now_and_then_within_a_message.long = True


def test_connections_that_are_reset_at_once():
    """DS-02."""
    with Server() as server:
        descriptors = lambda: len(os.listdir(f'/proc/{server.process.pid}/fd'))  # noqa: E731
        before, memory = descriptors(), resident_kib(server)

        def attack():
            with socket.create_connection(server.address(), timeout=PATIENCE) as peer:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')

        with flood(attack) as done:
            others_are_served(server, done, 1000)
        until('the descriptors back', lambda: descriptors() <= before)
        assert resident_kib(server) - memory < 16384


def test_one_client_with_thousands_of_connections():
    """DS-02: those above its limit are told so and closed; another client doesn't notice."""
    with Server(limits={'sessions_per_client': 20, 'exempt_clients': []}) as server:
        held = [socket.create_connection(server.address(), timeout=PATIENCE) for _ in range(2000)]
        try:
            with server.connect(source=('127.0.0.2', 0)) as other:
                other.greet()
                other.deliver(MESSAGE)
            first_octets = [peer.recv(100)[:4] for peer in held]
            assert first_octets.count(b'220 ') == 20 and first_octets.count(b'421 ') == 1980, set(first_octets)
        finally:
            for peer in held:
                peer.close()


def test_large_messages_side_by_side_are_never_held():
    """DS-03: 100 at once of 5 MB each."""
    body = (b'x' * 998 + b'\r\n') * 5000
    with Server() as server:
        before, wires = resident_kib(server), [server.connect() for _ in range(100)]
        for wire in wires:
            wire.greet()
            wire.begin()
        at = 0
        while at < len(body):
            for wire in wires:
                wire.send(body[at:at + 100_000])
            at += 100_000
        grown = resident_kib(server) - before
        for wire in wires:
            wire.send(b'.\r\n')
        for wire in wires:
            wire.expect('250 2.0.0', within=120)
            wire.close()
        assert grown < 65536, f'{grown} KiB more'
        server.wait_messages(100, within=120)


def test_ten_thousand_recipients():
    """DS-04: the first hundred count, the rest are told to come again."""
    with Server(limits={'max_recipients': 100, 'error_delay': '0s', 'errors': 100_000, 'soft_errors': 100_000}) as server:
        with server.connect() as wire:
            wire.greet()
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            codes = []
            for _ in range(100):
                wire.send(b'RCPT TO:<u@d.test>\r\n' * 100)
                codes += [wire.reply().code for _ in range(100)]
            assert codes.count('250') == 100 and codes.count('452') == 9_900, set(codes)
            wire.command('DATA', '354 ')
            wire.send(MESSAGE + b'.\r\n')
            wire.expect('250 2.0.0')
        server.wait_messages(1)


def test_a_hundred_thousand_noops():
    """DS-04: a peer that only keeps a session busy is sent away."""
    with Server() as server:

        def attack():
            with server.connect() as wire:
                wire.greet()
                wire.send_if_open(b'NOOP\r\n' * 100_000)
                answered = 0
                while wire.reply().code == '250':
                    answered += 1
                wire.expect_end()
                assert answered < 100, answered

        with flood(attack, 1) as done:
            others_are_served(server, done, 10)


def test_unknown_commands():
    """DS-04: a peer that only makes errors is made to wait, then sent away; nobody else waits for it."""
    with Server(limits={'error_delay': '1s', 'soft_errors': 3, 'errors': 5}) as server:

        def attack():
            with server.connect() as wire:
                wire.greet()
                began = time.monotonic()
                wire.send_if_open(b'FOO\r\n' * 10_000)
                codes = [wire.reply().code for _ in range(6)]
                wire.expect_end()
                equal(codes, ['500'] * 5 + ['421'], 'replies')
                assert time.monotonic() - began > 1

        with flood(attack, 4) as done:
            others_are_served(server, done, 8)


def test_handshakes_that_never_end():
    """TL-05: 500 that say half a hello."""
    with Server([{}, {'name': 'smtps', 'tls': 'implicit'}]) as server:
        held = [socket.create_connection(server.address('smtps'), timeout=PATIENCE) for _ in range(500)]
        for peer in held:
            peer.send(b'\x16\x03\x01\x02\x00\x01\x00')
        others_are_served(server)
        for peer in held:
            peer.settimeout(60)  # a handshake has 30 s
            equal(peer.recv(100), b'', 'what a handshake gets that never ends')
            peer.close()


test_handshakes_that_never_end.long = True


def test_handshakes_again_and_again():
    """TL-05: as many as four processes of clients can ask for; who speaks in the clear is answered."""
    with Server([{}, {'name': 'smtps', 'tls': 'implicit'}]) as server:
        command = ['openssl', 's_time', '-connect', '127.0.0.1:%d' % server.address('smtps')[1], '-new', '-time', '120']
        clients = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
        try:
            others_are_served(server, lambda: server.log().count('TLS connection established'), 500)
        finally:
            for client in clients:
                client.kill()
                client.wait()


def test_new_keys_a_million_times():
    """TL-05: nobody needs more than a few without a word in between."""
    with tempfile.TemporaryDirectory(prefix='postern-tls-') as folder:
        program = os.path.join(folder, 'key_updates')
        subprocess.run(['clang-19', '-O1', '-o', program, os.path.join(HERE, 'key_updates.c'), '-lssl', '-lcrypto'], check=True)
        with Server([{}, {'name': 'smtps', 'tls': 'implicit'}]) as server:

            def attack():
                done = subprocess.run([program, str(server.address('smtps')[1]), '1000000'], capture_output=True, text=True, timeout=60)
                assert done.returncode == 0 and int(done.stdout) < 100_000, done

            with flood(attack, 1) as done:
                others_are_served(server, done, 10)


def ten_thousand_idle_sessions(listener, most_kib):
    """They are held, cost little each, and others are answered meanwhile."""
    with Server([{}, {'name': 'smtps', 'tls': 'implicit'}], limits={'sessions': 11_000, 'command_timeout': '1h'}) as server:
        others_are_served(server)
        before, held = own_kib(server), []
        for _ in range(IDLE):
            wire = server.connect(listener, implicit_tls=lenient_client() if listener == 'smtps' else None)
            held.append(wire)
            wire.expect('220 ')
        each = (own_kib(server) - before) / IDLE
        print(f'# {IDLE} idle sessions at {listener}: {each:.2f} KiB each')
        others_are_served(server)
        for wire in held[::100]:
            wire.command('NOOP', '250 ')
        assert each <= most_kib, f'{each:.2f} KiB a session'
        for wire in held:
            wire.close()


def own_kib(server):
    with open(f'/proc/{server.process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('RssAnon:'))


def cases():
    for listener, most_kib in (('mx', 4), ('smtps', 24)):
        test = functools.partial(ten_thousand_idle_sessions, listener, most_kib)
        test.long = True
        yield f'ten_thousand_idle_sessions_at_{listener}', test
