"""Limits on what one client may take, and balancers."""
import os
import socket
import struct
import threading
import time

from deadline import contains, equal, until
from server import Server
from wire import lenient_client

LOOPBACK = ['127.0.0.0/8']
MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def test_sessions_per_client():
    with Server(limits={'sessions_per_client': 2, 'exempt_clients': []}) as server:
        with server.connect() as one, server.connect() as two:
            one.greet()
            two.greet()
            with server.connect() as third:
                third.expect('421 4.7.0')
                third.expect_end()
            with server.connect(source=('127.0.0.9', 0)) as other:
                other.greet()
            one.quit()
            two.command('NOOP', '250 ')
            until('a free place', lambda: enters(server))


def enters(server):
    with server.connect() as wire:
        if wire.reply().code != '220':
            return False
        wire.quit()
        return True


def test_exempt_clients_are_not_counted():
    with Server(limits={'sessions_per_client': 1, 'exempt_clients': ['127.0.0.1']}) as server:
        with server.connect() as one, server.connect() as two:
            one.greet()
            two.greet()
        with server.connect(source=('127.0.0.9', 0)) as one, server.connect(source=('127.0.0.9', 0)) as two:
            replies = sorted(wire.reply().code for wire in (one, two))
            equal(replies, ['220', '421'], 'replies')


def test_sessions_in_all():
    with Server(limits={'sessions': 2}) as server:
        with server.connect() as one, server.connect() as two:
            one.greet()
            two.greet()
            with server.connect() as third:
                third.expect('421 4.3.2')
                third.expect_end()
            one.reset()
            until('a free place', lambda: enters(server))


def test_command_timeout():
    with Server(limits={'command_timeout': '1s'}) as server, server.connect() as wire:
        wire.greet()
        began = time.monotonic()
        wire.expect('421 4.4.2')
        wire.expect_end()
        assert 0.5 < time.monotonic() - began < 10
        server.wait_log('timeout after EHLO from unknown')


def test_command_timeout_counts_from_the_last_command():
    """An octet now and then is no command."""
    with Server(limits={'command_timeout': '2s'}) as server, server.connect() as wire:
        wire.greet()
        stop = threading.Event()

        def drip():
            while not stop.wait(0.2) and wire.send_if_open(b'N'):
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            wire.expect('421 4.4.2', within=12)
        finally:
            stop.set()
            thread.join()


def test_data_timeout():
    with Server(limits={'data_timeout': '1s'}) as server, server.connect() as wire:
        wire.greet()
        wire.begin()
        wire.send('Subject: x\r\n')
        wire.expect('421 4.4.2')
        wire.expect_end()
        server.wait_messages(0)


def test_session_time():
    with Server(limits={'session_time': '2s', 'junk_commands': 1000000}) as server, server.connect() as wire:
        wire.greet()
        end = time.monotonic() + 15
        code = '250'
        while code == '250' and time.monotonic() < end:
            wire.send(b'NOOP\r\n')
            code = wire.reply().code
        equal(code, '421', 'the last reply')
        wire.expect_end()


def test_data_that_comes_too_slowly():
    with Server(limits={'data_min_rate': '1KiB'}) as server, server.connect() as wire:
        wire.greet()
        wire.begin()
        stop = threading.Event()

        def drip():
            while not stop.wait(1) and wire.send_if_open(b'x' * 70 + b'\r\n'):
                pass

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            wire.expect('421 4.4.2', within=100)
        finally:
            stop.set()
            thread.join()
        server.wait_messages(0)


test_data_that_comes_too_slowly.long = True


def test_the_banner_waits_and_early_talkers_are_refused():
    with Server(limits={'greet_wait': '1s'}) as server:
        with server.connect() as wire:
            began = time.monotonic()
            wire.greet()
            assert time.monotonic() - began >= 0.9
        with server.connect() as wire:
            wire.send('EHLO early.test\r\nMAIL FROM:<a@s.test>\r\n')
            wire.expect('554 5.5.1')
            wire.expect_end()
        server.wait_log('reject|early|before the greeting')


def test_errors_are_answered_late():
    with Server(limits={'soft_errors': 2, 'error_delay': '1s', 'errors': 5}) as server, server.connect() as wire:
        wire.greet()
        began = time.monotonic()
        wire.command('FOO', '500 5.5.1')
        quick = time.monotonic() - began
        for _ in range(2):
            wire.command('FOO', '500 5.5.1')
        began = time.monotonic()
        wire.command('FOO', '500 5.5.1')
        late = time.monotonic() - began
        assert quick < 0.9 <= late, (quick, late)
        wire.send(b'FOO\r\n' * 3)
        while wire.reply().code == '500':
            pass
        wire.expect_end()


def test_nobody_waits_for_another_ones_delay():
    with Server(limits={'soft_errors': 1, 'error_delay': '10s'}, server={'threads': 1}) as server:
        with server.connect() as slow, server.connect() as quick:
            slow.greet()
            slow.send(b'FOO\r\n' * 3)
            began = time.monotonic()
            quick.greet()
            quick.deliver(MESSAGE)
            assert time.monotonic() - began < 8
            assert slow.nothing_waits()


def resident_kib(server):
    with open(f'/proc/{server.process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS:'))


def push_without_reading(server, octets, most):
    """Sends until the server reads no more, or ended; returns how much it took."""
    taken = 0
    with server.connect() as wire:
        wire.expect('220 ')
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.socket.settimeout(1)
        try:
            while taken < most:
                taken += wire.socket.send(octets)
        except OSError:
            pass
    return taken


def test_floods_take_no_memory():
    floods = {'NOOP': b'NOOP\r\n' * 1000, 'no line end': b'x' * 65536, 'RSET': b'RSET\r\n' * 1000, 'errors': b'FOO\r\n' * 1000}
    with Server(limits={'junk_commands': 1000000, 'errors': 1000000}) as server:
        with server.connect() as wire:
            wire.greet()
            before = resident_kib(server)
            for name, octets in floods.items():
                push_without_reading(server, octets, 20_000_000)
                wire.command('NOOP', '250 ')
                grown = resident_kib(server) - before
                assert grown < 16384, f'{name}: {grown} KiB more'
            wire.deliver(MESSAGE)
        server.wait_messages(1)


def test_what_sessions_held_is_given_back():
    with Server() as server:
        descriptors = lambda: len(os.listdir(f'/proc/{server.process.pid}/fd'))  # noqa: E731
        before = descriptors()
        wires = [server.connect() for _ in range(90)]
        for wire in wires:
            wire.greet()
        assert descriptors() >= before + 90
        for wire in wires[::2]:
            wire.begin()
        for wire in wires:
            wire.reset()
        until('the descriptors back', lambda: descriptors() <= before)
        server.wait_messages(0)


# Balancers

def v2(source='198.51.100.7', command=0x21, family=0x11):
    body = socket.inet_aton(source) + socket.inet_aton('192.0.2.1') + struct.pack('>HH', 4711, 25)
    return b'\r\n\r\n\0\r\nQUIT\n' + bytes([command, family]) + struct.pack('>H', len(body)) + body


V1 = b'PROXY TCP4 198.51.100.7 192.0.2.1 4711 25\r\n'
V1_6 = b'PROXY TCP6 2001:db8::7 2001:db8::1 4711 25\r\n'


def announced(server, header, client, octet_by_octet=False):
    since = server.log_end()
    with server.connect() as wire:
        for piece in [header[at:at + 1] for at in range(len(header))] if octet_by_octet else [header]:
            wire.send(piece)
        wire.greet()
        wire.deliver(MESSAGE)
        wire.quit()
    server.wait_log(rf'connect from unknown\[{client}\]', since)
    server.wait_log(rf': client=unknown\[{client}\]', since)


def test_the_announced_client_is_believed():
    with Server({'proxy_from': LOOPBACK}) as server:
        announced(server, V1, '198.51.100.7')
        announced(server, v2(), '198.51.100.7')
        announced(server, V1_6, '2001:db8::7')
        announced(server, V1, '198.51.100.7', octet_by_octet=True)
        announced(server, v2(), '198.51.100.7', octet_by_octet=True)
        announced(server, b'PROXY UNKNOWN\r\n', '127.0.0.1')
        announced(server, v2(command=0x20, family=0x00), '127.0.0.1')
        for got in server.wait_messages(7):
            assert '[198.51.100.7]' in got.received or 'db8::7' in got.received or '[127.0.0.1]' in got.received, got.received
        contains(server.messages()[0].received, '([198.51.100.7])', 'Received')


def test_the_announced_client_is_the_one_that_is_counted():
    with Server({'proxy_from': LOOPBACK}, limits={'sessions_per_client': 1, 'exempt_clients': []}) as server:
        with server.connect() as one, server.connect() as two, server.connect() as same:
            one.send(V1)
            one.greet()
            two.send(v2('198.51.100.8'))
            two.greet()
            same.send(v2())
            same.expect('421 4.7.0')


def test_a_header_before_implicit_tls():
    with Server({'proxy_from': LOOPBACK, 'tls': 'implicit'}) as server, server.connect() as wire:
        wire.send(V1)
        wire.start_tls(lenient_client())
        wire.greet()
        server.wait_log(r'connect from unknown\[198\.51\.100\.7\]')


def test_others_are_not_believed():
    with Server({'proxy_from': ['192.0.2.0/24']}) as server:
        with server.connect() as wire:
            wire.greet()
            wire.command(V1.decode().rstrip(), '502 5.5.1')
            wire.command('XCLIENT ADDR=198.51.100.7', '50')
        with server.connect() as wire:
            wire.send_if_open(v2())
            while wire.receive(20):
                pass
        assert '198.51.100.7]' not in server.log().replace('PROXY TCP4 198.51.100.7', ''), server.log()


def test_a_listed_peer_without_a_header_is_closed():
    wrong = [b'EHLO c.test\r\n', b'PROXY TCP4 1.2.3.4\r\n', b'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n', b'PROXY ' + b'x' * 200, b'\r\n\r\n\0\r\nQUIT\n\xff',
             v2()[:12] + b'\x21\x11\xff\xff' + b'x' * 600]
    with Server({'proxy_from': LOOPBACK}, limits={'handshake_timeout': '2s'}) as server:
        for octets in wrong:
            with server.connect() as wire:
                wire.send_if_open(octets)
                wire.expect_end()
        with server.connect() as wire:  # says nothing at all
            wire.expect_end()
        until('a line in the log for each', lambda: server.log().count('no PROXY header from a listed balancer') == len(wrong) + 1)
