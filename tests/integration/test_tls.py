"""Which TLS is spoken, with which certificate, and what a handshake must never let through."""
import socket
import ssl

from deadline import contains, equal
from server import Server
from tls_tools import (GOOD_CIPHERS, HANDSHAKE_FAILURE, NO_APPLICATION_PROTOCOL, OLD_CIPHERS, PROTOCOL_VERSION, WEAK_CIPHERS, answer_to,
                       client_hello, der_of, make_certificate)
from wire import Wire, lenient_client

BOTH = [{'name': 'mx'}, {'name': 'mxs', 'tls': 'implicit'}, {'name': 'other', 'tls': 'implicit'}]
MESSAGE = b'Subject: x\r\n\r\nover TLS\r\n'


def only_version(version):
    context = lenient_client()
    context.minimum_version = context.maximum_version = version
    return context


def versions_are_spoken(version, name):
    with Server(BOTH) as server:
        with server.connect() as wire:
            wire.greet()
            wire.secure(only_version(version))
            equal(wire.socket.version(), name, 'version')
            wire.deliver(MESSAGE)
        with server.connect('mxs', implicit_tls=only_version(version)) as wire:
            wire.greet()
            equal(wire.socket.version(), name, 'version')
            wire.deliver(MESSAGE)
        equal([got.content for got in server.wait_messages(2)], [MESSAGE] * 2, 'messages')


def test_version_1_2():
    versions_are_spoken(ssl.TLSVersion.TLSv1_2, 'TLSv1.2')


def test_version_1_3():
    versions_are_spoken(ssl.TLSVersion.TLSv1_3, 'TLSv1.3')


def hello(server, octets):
    with server.connect('mxs') as wire:
        return answer_to(wire, octets)


def test_old_versions_are_refused():
    with Server(BOTH) as server:
        equal(hello(server, client_hello(GOOD_CIPHERS)), ('hello', 0x0303), 'TLS 1.2, to show that the question is right')
        for version in (0x0301, 0x0302):
            equal(hello(server, client_hello(OLD_CIPHERS + GOOD_CIPHERS, version)), ('alert', PROTOCOL_VERSION), hex(version))
        equal(hello(server, client_hello(OLD_CIPHERS, 0x0300)), ('alert', HANDSHAKE_FAILURE), 'SSL 3')


def test_old_versions_are_spoken_when_configured():
    with Server(BOTH, tls={'min_version': '1.0'}) as server:
        for version in (0x0301, 0x0302):
            equal(hello(server, client_hello(OLD_CIPHERS, version)), ('hello', version), hex(version))
        equal(hello(server, client_hello(OLD_CIPHERS, 0x0300)), ('alert', HANDSHAKE_FAILURE), 'SSL 3')


def test_weak_ciphers_are_refused():
    with Server(BOTH) as server:
        for name, ciphers in WEAK_CIPHERS.items():
            equal(hello(server, client_hello(ciphers)), ('alert', HANDSHAKE_FAILURE), name)


def test_alpn():
    with Server(BOTH) as server:
        for wrong in ([b'http/1.1'], [b'imap'], [b'h2', b'http/1.1']):
            equal(hello(server, client_hello(GOOD_CIPHERS, protocols=wrong)), ('alert', NO_APPLICATION_PROTOCOL), str(wrong))
        for right in ([b'smtp'], [b'http/1.1', b'smtp'], None):
            equal(hello(server, client_hello(GOOD_CIPHERS, protocols=right)), ('hello', 0x0303), str(right))
        context = lenient_client()
        context.set_alpn_protocols(['smtp'])
        with server.connect() as wire:
            wire.greet()
            wire.secure(context)
            equal(wire.socket.selected_alpn_protocol(), 'smtp', 'protocol')


def test_odd_server_names_get_an_answer_and_harm_nobody():
    names = [b'unknown.test', b'a' * 255, b'.'.join([b'a' * 63] * 4), b'mx.d.test\\', b'127.0.0.1', b'::1', b'\xff\xfe', b'-', b'mx.d.test.']
    with Server(BOTH) as server:
        for name in names:
            kind, _ = hello(server, client_hello(GOOD_CIPHERS, name=name))
            assert kind in ('hello', 'alert'), f'{name!r}: {kind}'
        for name in (b'unknown.test', b'127.0.0.1', None):
            equal(hello(server, client_hello(GOOD_CIPHERS, name=name)), ('hello', 0x0303), repr(name))
        equal(hello(server, client_hello(GOOD_CIPHERS, name=b'a\0b'))[0], 'alert', 'a name with a NUL')
        with server.connect() as wire:
            wire.greet()
            wire.secure()


def certificate_seen(server, name=None, version=None):
    context = only_version(version) if version else lenient_client()
    with Wire(server.address()) as wire:
        wire.greet()
        wire.command('STARTTLS', '220 ')
        wire.start_tls(context, name=name)
        return wire.socket.getpeercert(binary_form=True)


def test_the_certificate_is_chosen_by_name():
    with Server(BOTH) as server:
        first = make_certificate(server.folder, 'first', 'mx.d.test')
        second = make_certificate(server.folder, 'second', 'mail.e.test', '*.f.test')
        server.settings['tls.certificate'] = [first, second]
        server.configure()
        server.reload()
        for name, pair in (('mx.d.test', first), ('mail.e.test', second), ('MAIL.e.TEST', second), ('a.f.test', second),
                           ('a.b.f.test', first), ('f.test', first), ('unknown.test', first), (None, first)):
            equal(certificate_seen(server, name) == der_of(pair['cert']), True, f'the right certificate for {name}')


def test_one_name_with_two_kinds_of_key():
    with Server(BOTH) as server:
        elliptic = make_certificate(server.folder, 'ec', 'mx.d.test')
        rsa = make_certificate(server.folder, 'rsa', 'mx.d.test', key='rsa')
        server.settings['tls.certificate'] = [elliptic, rsa]
        server.configure()
        server.reload()
        for cipher, pair in (('ECDHE-RSA-AES128-GCM-SHA256', rsa), ('ECDHE-ECDSA-AES128-GCM-SHA256', elliptic)):
            context = only_version(ssl.TLSVersion.TLSv1_2)
            context.set_ciphers(cipher)
            with server.connect() as wire:
                wire.greet()
                wire.secure(context)
                equal(wire.socket.getpeercert(binary_form=True), der_of(pair['cert']), cipher)


# Resumption

def visit(server, listener, context, session=None):
    """A TLS session on a listener; returns (whether it was resumed, its ticket)."""
    with server.connect(listener) as wire:
        wire.start_tls(context, session=session)
        wire.greet()
        wire.quit()
        return wire.socket.session_reused, wire.socket.session


def resumption(version):
    with Server(BOTH) as server:
        context = only_version(version)
        resumed, session = visit(server, 'mxs', context)
        equal(resumed, False, 'the first session')
        equal(visit(server, 'mxs', context, session)[0], True, 'the same listener')
        server.reload()
        equal(visit(server, 'mxs', context, session)[0], True, 'after a reload')
        equal(visit(server, 'other', context, session)[0], False, 'another listener')


def test_resumption_1_2():
    resumption(ssl.TLSVersion.TLSv1_2)


def test_resumption_1_3():
    resumption(ssl.TLSVersion.TLSv1_3)


# STARTTLS

def clear_text_after_the_go_ahead(octets):
    with Server(limits={'handshake_timeout': '1s'}) as server, server.connect() as wire:
        wire.greet()
        wire.command('STARTTLS', '220 2.0.0')
        wire.send(octets)
        while wire.receive(20):
            pass
        assert wire.buffer[:1] in (b'', b'\x15'), f'an answer in clear text: {wire.buffer!r}'
        server.wait_log('TLS handshake failed')


def test_clear_text_in_place_of_a_handshake():
    clear_text_after_the_go_ahead(b'QUIT\r\n')


def test_garbage_in_place_of_a_handshake():
    clear_text_after_the_go_ahead(bytes(range(256)) * 256)


def test_an_sslv2_hello_in_place_of_a_handshake():
    clear_text_after_the_go_ahead(b'\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80' + b'\0' * 31)


def test_a_handshake_that_stalls_is_ended():
    clear_text_after_the_go_ahead(client_hello(GOOD_CIPHERS)[:40])


def test_a_listener_without_tls():
    with Server({'tls': 'off'}) as server, server.connect() as wire:
        assert 'STARTTLS' not in wire.greet().text
        wire.command('STARTTLS', '502 5.5.1')
        wire.deliver(MESSAGE)
        server.wait_messages(1)


def test_starttls_is_not_offered_under_implicit_tls():
    with Server(BOTH) as server, server.connect('mxs', implicit_tls=lenient_client()) as wire:
        assert 'STARTTLS' not in wire.greet().text
        wire.command('STARTTLS', '503 5.5.1')


def test_starttls_takes_no_argument():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.command('STARTTLS x', '501 5.5.4')
        wire.secure()


def test_clear_text_behind_starttls_is_never_answered_within_tls():
    for injected in (b'NOOP\r\n', b'EHLO x\r\n', b'MAIL FROM:<a@s.test>\r\n', b'N'):
        with Server() as server, server.connect() as wire:
            wire.greet()
            wire.send(b'STARTTLS\r\n' + injected)
            wire.expect('554 5.5.0')
            wire.expect_end()


def test_nothing_is_read_after_the_end_of_tls():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.secure()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ')
        wire.send('BDAT 30 LAST\r\nabc')
        plain = socket.socket(fileno=wire.socket.detach()) if not finish_tls(wire) else wire.socket
        plain.settimeout(20)
        try:
            plain.sendall(b'x' * 27 + b'NOOP\r\n')
            equal(plain.recv(4096)[:1] in (b'', b'\x15'), True, 'no answer in clear text')
        except ConnectionError:
            pass
        plain.close()
        server.wait_log('lost connection after')
        server.wait_messages(0)


def finish_tls(wire):
    """Sends close_notify; True when the peer answered with its own, so that the socket is plain again."""
    try:
        wire.socket = wire.socket.unwrap()
        return True
    except (ssl.SSLError, OSError):
        return False


def test_the_protocol_of_the_log_is_the_clients():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.secure(only_version(ssl.TLSVersion.TLSv1_2))
        contains(server.wait_log('TLS connection established.*')[0], 'TLSv1.2 with cipher ECDHE-', 'log')
