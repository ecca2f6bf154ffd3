"""The status page, /healthz and /metrics: what they say, who gets nothing from them, and that they answer to the end."""
import os
import re
import signal
import socket
import sys
import time

from deadline import PATIENCE, contains, equal, until
from server import Server

MESSAGE = b'Subject: x\r\n\r\nx\r\n'
DRAINING = 'draining: no new connections are taken\n'


def with_pages(**sections):
    return Server(admin={'http': '127.0.0.1:0'}, **sections)


def pages(server):
    return ('127.0.0.1', int(server.wait_log(r'listening name=http address=127\.0\.0\.1:(\d+)')[1]))


def connect(server):
    return socket.create_connection(pages(server), timeout=PATIENCE)


def until_end(client):
    got = b''
    while more := client.recv(65536):
        got += more
    return got


def ask(server, octets):
    """(status, header in lower case, body) for the octets of a request."""
    with connect(server) as client:
        client.sendall(octets)
        head, _, body = until_end(client).partition(b'\r\n\r\n')
    status = re.match(rb'HTTP/1\.1 (\d{3}) ', head)
    assert status, head
    return int(status[1]), head.decode().lower(), body.decode()


def get(server, path, *fields, method='GET'):
    return ask(server, '\r\n'.join([f'{method} {path} HTTP/1.1', 'Host: 127.0.0.1', *fields, '', '']).encode())


def families(text):
    """As Prometheus' own client library reads them."""
    sys.path.append('/usr/lib/python3/dist-packages')  # python3-prometheus-client, for whichever Python runs
    from prometheus_client.parser import text_string_to_metric_families
    sys.path.pop()
    return text_string_to_metric_families(text)


def metrics(server):
    """{(name, labels): value}"""
    status, head, body = get(server, '/metrics')
    equal(status, 200)
    contains(head, 'content-type: text/plain; version=0.0.4', 'the header of /metrics')
    read = {}
    for family in families(body):
        assert family.documentation and family.type in ('counter', 'gauge', 'histogram'), family
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            assert key not in read, f'{key} stands there twice'
            read[key] = sample.value
    return read


def value(read, name, **labels):
    return read[(name, *sorted(labels.items()))]


def test_counters_move_when_mail_is_sent():
    with with_pages() as server:
        before = metrics(server)
        equal(value(before, 'postern_messages_accepted_total'), 0)
        with server.connect() as wire:
            wire.greet()
            wire.secure()
            wire.deliver(MESSAGE)
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            wire.command('RCPT TO:<nobody@d.test>', '550 ')
        server.wait_messages(1)
        until('the delivery in /metrics', lambda: value(metrics(server), 'postern_deliveries_total', result='delivered') == 1)
        after = metrics(server)
        address = '%s:%d' % server.address()
        for name, labels in (('messages_accepted_total', {}), ('recipients_refused_total', {}), ('reply_seconds_count', {}),
                             ('queue_messages_committed_total', {}), ('connections_total', {'listener': 'mx', 'address': address}),
                             ('tls_handshakes_total', {'version': 'TLSv1.3', 'resumed': 'false'})):
            equal(value(after, 'postern_' + name, **labels) - value(before, 'postern_' + name, **labels), 1, name)
        assert value(after, 'postern_queue_commits_total') >= 2  # the message, and what came of it
        assert 0 < value(after, 'postern_reply_seconds_sum') < PATIENCE
        assert value(after, 'postern_process_open_fds') < value(after, 'postern_process_max_fds')
        assert value(after, 'postern_process_resident_memory_bytes') > 1e6
        assert value(after, 'postern_disk_free_bytes') > 0
        assert value(after, 'postern_certificate_expiry_timestamp_seconds') > time.time()
        assert abs(value(after, 'postern_start_time_seconds') - time.time()) < 2 * PATIENCE
        equal(value(after, 'postern_queue_messages'), 0)


def test_the_page_shows_what_waits_and_no_address_becomes_markup():
    with with_pages(queue={'retry': ['1h']}) as server:
        equal(get(server, '/')[0], 200)
        server.run('mailbox', 'add', "o'hara&co@d.test")
        os.rename(server.mail, server.mail + '-away')  # nothing can be delivered
        with server.connect() as wire:
            wire.greet()
            wire.command('MAIL FROM:<"<script>alert(1)</script>"@s.test>', '250 ')
            wire.command("RCPT TO:<o'hara&co@d.test>", '250 ')
            wire.command('DATA', '354')
            wire.send(MESSAGE + b'.\r\n')
            wire.expect('250 ')
        until('the message on the page', lambda: 'o&#39;hara&amp;co@d.test <small>4' in get(server, '/')[2])
        shown = get(server, '/')[2]
        contains(shown, '&lt;script&gt;', 'the sender')
        assert '<script' not in shown and "o'hara" not in shown
        contains(shown, 'Messages: 1;', 'the page')


def test_headers_keep_the_page_to_itself():
    with with_pages() as server:
        head = get(server, '/')[1]
        for field in ("content-security-policy: default-src 'none'; style-src 'unsafe-inline'", 'x-content-type-options: nosniff',
                      'cache-control: no-store', 'connection: close', 'content-type: text/html'):
            contains(head, field, 'the header of /')
        status, head, body = get(server, '/', method='HEAD')
        equal((status, body), (200, ''))
        assert int(re.search(r'content-length: (\d+)', head)[1]) > 500


REFUSED = (
    ('another method', b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 405),
    ('a method of its own', b'EHLO / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 405),
    ('a path that is none', b'GET /marker HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 404),
    ('a whole address', b'GET http://127.0.0.1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n', 404),
    ('a body', b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6\r\n\r\nmarker', 400),
    ('chunks', b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    ('chunks under HTTP/1.0', b'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    ('chunks and a length', b'GET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
    ('another encoding', b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: identity\r\n\r\n', 400),
    ('two lengths', b'GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n', 400),
    ('a negative length', b'GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 400),
    ('a header that is too long', b'GET / HTTP/1.1\r\nA: ' + b'marker' * 2000 + b'\r\n\r\n', 431),
    ('a header without an end', b'GET / HTTP/1.1\r\n' + b'marker: marker\r\n' * 2000, 431),
    ('a path that is too long', b'GET /' + b'marker' * 2000 + b' HTTP/1.1\r\n\r\n', 431),
    ('no HTTP', b'marker\r\n\r\n', 400),
    ('SMTP', b'EHLO marker\r\nMAIL FROM:<marker@d.test>\r\n\r\n', 400),
    ('a zero octet', b'GET /\0marker HTTP/1.1\r\n\r\n', 400),
    ('TLS', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + b'\r\n\r\n', 400),
    ("a name that isn't here", b'GET / HTTP/1.1\r\nHost: marker.example:8025\r\n\r\n', 421),
)


def test_what_is_no_plain_request_is_refused_and_nothing_of_it_comes_back():
    with with_pages() as server:
        for what, octets, wanted in REFUSED:
            status, head, body = ask(server, octets)
            equal(status, wanted, what)
            assert 'marker' not in head + body, f'{what}: {head}{body}'
            equal('allow: get, head' in head, wanted == 405, f'{what}: Allow')
            contains(head, 'connection: close', what)
        for host in ('localhost', 'localhost:8025', '127.0.0.1:8025', '[::1]:8025', '[::1]', '10.0.0.1'):
            equal(ask(server, f'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n'.encode())[0], 200, host)
        equal(ask(server, b'GET /?refresh=1 HTTP/1.0\r\n\r\n')[0], 200, 'a query, and no Host')


def test_a_second_request_on_the_connection_is_not_answered():
    with with_pages() as server, connect(server) as client:
        client.sendall(b'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n' + b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        equal(until_end(client).count(b'HTTP/1.1 '), 1, 'answers')


def test_clients_that_send_nothing_are_bounded_and_lose_their_places():
    with with_pages() as server:
        began = time.monotonic()
        silent = [connect(server) for _ in range(32)]
        silent[0].sendall(b'GET / HTTP/1.1\r\nA: ')
        with connect(server) as late:
            equal(until_end(late), b'', 'what the 33rd hears')
        assert time.monotonic() - began < 4, 'the places were free again before the test had looked'
        with server.connect() as wire:  # nobody else notices
            wire.greet()
            wire.deliver(MESSAGE)
        for client in silent:
            until_end(client)
            client.close()
        assert 4 < time.monotonic() - began < PATIENCE
        equal(get(server, '/healthz')[0], 200)


def test_health_is_about_new_mail():
    with with_pages() as server:
        equal(get(server, '/healthz')[::2], (200, 'ok\n'))
        state, away = server.path('state'), server.path('away')
        os.rename(state, away)
        os.mkdir(state)
        server.wait_log('server.state_dir is another folder')
        status, _, body = get(server, '/healthz')
        equal(status, 503)
        contains(body, 'MAIL is answered 452', 'the reason')
        until('a fresh look', lambda: value(metrics(server), 'postern_disk_low') == 1)
        equal(value(metrics(server), 'postern_alarms', severity='refusing'), 1)
        contains(get(server, '/')[2], 'No new mail is taken.', 'the page')
        os.rmdir(state)
        os.rename(away, state)
        server.wait_log('mail is accepted')
        equal(get(server, '/healthz')[::2], (200, 'ok\n'))


def test_pages_answer_while_the_server_drains():
    with with_pages(server={'drain_timeout': '30s'}) as server:
        with server.connect() as wire:
            wire.greet()
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            wire.command('RCPT TO:<u@d.test>', '250 ')
            wire.command('DATA', '354')
            server.signal(signal.SIGTERM)
            server.wait_log('no new connections')
            equal(get(server, '/healthz')[::2], (503, DRAINING))
            contains(get(server, '/')[2], 'The server is stopping', 'the page')
            wire.send(MESSAGE + b'.\r\n')
            wire.expect('250 ')
        equal(server.wait_exit(), 0, 'exit code')


def test_pages_are_off_or_refuse_the_start():
    with Server() as server:
        assert 'name=http' not in server.log()
    with with_pages() as first:
        taken = '%s:%d' % pages(first)
        second = Server(admin={'http': taken})
        try:
            second.launch()
            second.wait_log(r'cannot start: admin\.http: cannot listen on .*ddress already in use; stop what listens there')
            equal(second.wait_exit(), 69, 'exit code')
        finally:
            second.__exit__(True)


def test_a_reload_says_that_the_address_needs_a_restart():
    with with_pages() as server:
        server.settings['admin']['http'] = ''
        server.configure()
        server.reload(r'admin\.http: the change takes effect at the next start')
        equal(get(server, '/healthz')[0], 200)


def test_an_address_for_everybody_is_warned_of():
    with Server(admin={'http': '0.0.0.0:0'}) as server:
        server.wait_log(r'admin\.http: warning: .*there is no password')
        contains(server.run('check'), 'there is no password', 'postern check')
