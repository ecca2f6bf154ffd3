"""SIGTERM: nobody new, farewells to the idle, time for those within a message, and a good end."""
import signal
import time

from deadline import equal, until
from server import Server
from wire import Wire, lenient_client

MESSAGE = b'Subject: x\r\n\r\nin the last minute\r\n'


def test_idle_sessions_are_told_and_the_server_ends():
    with Server(server={'drain_timeout': '30s'}) as server:
        wires = [server.connect() for _ in range(20)]
        for number, wire in enumerate(wires):
            wire.greet()
            if number % 2:
                wire.command('MAIL FROM:<a@s.test>', '250 ')
        with server.connect() as secured:
            secured.greet()
            secured.secure()
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            for wire in [*wires, secured]:
                wire.expect('421 4.3.2')
                wire.expect_end()
        equal(server.wait_exit(), 0, 'exit code')
        assert time.monotonic() - began < 15


def refused(address):
    try:
        Wire(address).close()
        return False
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it lay in the backlog of a listener that closed
        return True


def finish_within_data(secure):
    with Server(server={'drain_timeout': '30s'}) as server, server.connect() as wire:
        wire.greet()
        if secure:
            wire.secure()
        wire.begin()
        wire.send(b'Subject: x\r\n\r\nin the ')
        server.signal(signal.SIGTERM)
        address = server.address()
        until('no new connections', lambda: refused(address))
        wire.send(b'last minute\r\n.\r\n')
        wire.expect('250 2.0.0')
        wire.expect('421 4.3.2')
        wire.expect_end()
        equal(server.wait_exit(), 0, 'exit code')
        server.start()
        equal([got.content for got in server.wait_messages(1)], [MESSAGE], 'messages')


def test_a_message_under_way_may_end():
    finish_within_data(secure=False)


def test_a_message_under_way_within_tls_may_end():
    finish_within_data(secure=True)


def test_a_chunk_under_way_may_end():
    with Server(server={'drain_timeout': '30s'}) as server, server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ')
        wire.send(b'BDAT %d\r\n' % len(MESSAGE) + MESSAGE)
        wire.expect('250 2.0.0')
        server.signal(signal.SIGTERM)
        address = server.address()
        until('no new connections', lambda: refused(address))
        wire.send(b'BDAT 3 LAST\r\nx\r\n')
        wire.expect('250 2.0.0 Ok: queued as')
        equal(server.wait_exit(), 0, 'exit code')
        server.start()
        equal([got.content for got in server.wait_messages(1)], [MESSAGE + b'x\r\n'], 'messages')


def test_who_does_not_end_in_time_is_ended():
    with Server(server={'drain_timeout': '1s'}) as server, server.connect() as wire:
        wire.greet()
        wire.begin()
        wire.send(b'Subject: x\r\n')
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        wire.expect('421 4.3.2')
        wire.expect_end()
        equal(server.wait_exit(), 0, 'exit code')
        assert time.monotonic() - began < 12
        equal(server.messages(), [], 'messages')


def test_a_client_that_reads_nothing_and_a_stalled_handshake_hold_up_no_end():
    with Server({'tls': 'implicit'}, server={'drain_timeout': '1s'}) as server, server.connect() as stalled:
        stalled.send(b'\x16\x03\x01')
        with server.connect(implicit_tls=lenient_client()) as wire:
            wire.greet()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        equal(server.wait_exit(), 0, 'exit code')
        assert time.monotonic() - began < 12


def test_a_session_in_an_error_delay_is_told():
    with Server(server={'drain_timeout': '30s'}, limits={'soft_errors': 1, 'error_delay': '20s'}) as server, server.connect() as wire:
        wire.greet()
        wire.send(b'FOO\r\n' * 5)
        server.wait_log('Command not recognised|command error|500 5.5.1')
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        equal(server.wait_exit(), 0, 'exit code')
        assert time.monotonic() - began < 12


def test_sigint_and_a_second_sigterm():
    for signals in ([signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]):
        with Server() as server:
            for number in signals:
                server.signal(number)
            equal(server.wait_exit(), 0, f'exit code after {signals}')


def test_what_was_accepted_just_before_the_end_is_delivered():
    with Server() as server:
        with server.connect() as wire:
            wire.greet()
            for _ in range(50):
                wire.deliver(MESSAGE)
        server.stop()
        server.start()
        equal({got.content for got in server.wait_messages(50)}, {MESSAGE}, 'messages')
