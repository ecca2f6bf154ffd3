"""Certificates that can't be used keep the server from starting and leave a running one with those it has; new files count from the
next reload on."""
import os
import stat

from deadline import contains, equal, until
from server import Server
from test_tls import certificate_seen
from tls_tools import der_of, make_certificate

MESSAGE = b'Subject: x\r\n\r\nx\r\n'


def with_pair(server, pair):
    server.settings['tls.certificate'] = [pair]
    server.configure()


def bad_pairs(server):
    """(what is wrong, the key that is named, the pair)"""
    good = make_certificate(server.folder, 'one', 'mx.d.test')
    other = make_certificate(server.folder, 'two', 'mx.d.test')
    garbage = server.write('garbage.pem', '-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n')
    return [
        ('expired', 'cert', make_certificate(server.folder, 'old', 'mx.d.test', expired=True)),
        ('another key', 'key', {**good, 'key': other['key']}),
        ('no certificate file', 'cert', {**good, 'cert': server.path('none.crt')}),
        ('no key file', 'key', {**good, 'key': server.path('none.key')}),
        ('a folder', 'cert', {**good, 'cert': server.folder}),
        ('an empty file', 'cert', {**good, 'cert': server.write('empty.pem', '')}),
        ('garbage', 'cert', {**good, 'cert': garbage}),
        ('a key in place of a certificate', 'cert', {**good, 'cert': good['key']}),
        ('a certificate in place of a key', 'key', {**good, 'key': good['cert']}),
    ]


def named(key):
    return rf'postern\.toml:\d+:\d+: tls\.certificate\[0\]\.{key}: \S'


def test_bad_ones_keep_the_server_from_starting():
    server = Server()
    try:
        for what, key, pair in bad_pairs(server):
            with_pair(server, pair)
            for command in ('check', 'serve'):
                done = server.call(command)
                equal(done.returncode, 78, f'{what}: exit code of {command}: {done.stdout}{done.stderr}')
                contains(done.stdout + done.stderr, f'tls.certificate[0].{key}: ', f'{what}: {command}')
    finally:
        server.__exit__(True)


def test_bad_ones_leave_a_running_server_as_it_is():
    with Server() as server:
        with_pair(server, make_certificate(server.folder, 'first', 'mx.d.test'))
        server.reload()
        before = certificate_seen(server)
        for what, key, pair in bad_pairs(server):
            with_pair(server, pair)
            server.reload(r'reload refused.*' + named(key))
            equal(certificate_seen(server), before, what)
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)


def replace(pair, by, *which):
    for kind in which or ('cert', 'key'):
        os.rename(by[kind], pair[kind])


def test_new_files_count_from_the_next_reload_on():
    with Server() as server:
        pair = make_certificate(server.folder, 'live', 'mx.d.test')
        with_pair(server, pair)
        server.reload()
        equal(certificate_seen(server), der_of(pair['cert']), 'the first')
        with server.connect() as before:
            before.greet()
            before.secure()
            replace(pair, make_certificate(server.folder, 'next', 'mx.d.test'))
            server.reload()
            equal(certificate_seen(server), der_of(pair['cert']), 'the second')
            before.deliver(MESSAGE)
        server.wait_messages(1)


def test_a_certificate_before_its_key_waits_for_it():
    with Server() as server:
        pair = make_certificate(server.folder, 'live', 'mx.d.test')
        with_pair(server, pair)
        server.reload()
        old = certificate_seen(server)
        fresh = make_certificate(server.folder, 'next', 'mx.d.test')
        replace(pair, fresh, 'cert')
        server.reload('reload refused')
        equal(certificate_seen(server), old, 'in between')
        replace(pair, fresh, 'key')
        server.reload()
        equal(certificate_seen(server), der_of(pair['cert']), 'in the end')


def test_new_files_count_without_a_reload_within_a_minute():
    with Server() as server:
        pair = make_certificate(server.folder, 'live', 'mx.d.test')
        with_pair(server, pair)
        server.reload()
        replace(pair, make_certificate(server.folder, 'next', 'mx.d.test'))
        until('the new certificate', lambda: certificate_seen(server) == der_of(pair['cert']), within=90)


test_new_files_count_without_a_reload_within_a_minute.long = True


def test_without_any_the_server_makes_one_and_keeps_it():
    with Server() as server:
        seen = certificate_seen(server)
        equal(der_of(server.path('state/tls/self-signed.crt')), seen, 'the file')
        key = server.path('state/tls/self-signed.key')
        equal(stat.S_IMODE(os.stat(key).st_mode) & 0o077, 0, 'who else may read the key')
        server.reload()
        equal(certificate_seen(server), seen, 'after a reload')
        server.stop()
        server.start()
        equal(certificate_seen(server), seen, 'after a restart')
