"""Renewals that the server finds by itself: a pair that can't be used now is told once, tried until it can, and holds up no other."""
import os

from deadline import equal, until
from server import Server
from test_tls import certificate_seen
from tls_tools import der_of, make_certificate

NOT_TAKEN = 'certificate not taken, the old one goes on: '


def replace(pair, by, *which):
    for kind in which or ('cert', 'key'):
        os.rename(by[kind], pair[kind])


def test_a_pair_that_failed_once_is_tried_again():
    with Server() as server:
        pair = make_certificate(server.folder, 'one', 'mx.d.test')
        other = make_certificate(server.folder, 'two', 'two.test')
        server.settings['tls.certificate'] = [pair, other]
        server.configure()
        server.reload()
        old = certificate_seen(server)
        since = server.log_end()
        fresh = make_certificate(server.folder, 'fresh', 'two.test')
        kept = server.path('kept')
        os.rename(pair['key'], kept)
        os.symlink(server.path('way/key'), pair['key'])  # its folder isn't there, as on a disk that isn't mounted
        replace(other, fresh)
        server.wait_log(NOT_TAKEN + r'.*tls\.certificate\[0\]\.key: ', since)
        equal(certificate_seen(server), old, 'the one that cannot be read')
        equal(certificate_seen(server, name='two.test'), der_of(other['cert']), 'the other one')
        assert 'a certificate on disk' in server.run('status'), server.run('status')
        os.mkdir(server.path('way'))
        os.rename(kept, server.path('way/key'))
        server.wait_log('certificates changed on disk: the new ones are in use', since)
        equal(server.log(since).count(NOT_TAKEN), 1, 'complaints')
        assert 'a certificate on disk' not in server.run('status'), server.run('status')


def test_a_renewal_in_two_steps_is_taken_in_the_end():
    with Server() as server:
        pair = make_certificate(server.folder, 'one', 'mx.d.test')
        server.settings['tls.certificate'] = [pair]
        server.configure()
        server.reload()
        since = server.log_end()
        fresh = make_certificate(server.folder, 'fresh', 'mx.d.test')
        replace(pair, fresh, 'cert')
        server.wait_log(NOT_TAKEN, since)
        replace(pair, fresh, 'key')
        until('the new certificate', lambda: certificate_seen(server) == der_of(pair['cert']), within=40)
        equal(server.log(since).count(NOT_TAKEN), 1, 'complaints')
