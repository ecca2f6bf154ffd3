"""The server's own TLSA records: a renewed certificate whose key nobody could prove waits until it is published, or for a reload; the next
key can be published before it is used."""
import contextlib
import json
import os
import shutil
import tempfile

from deadline import contains, equal
from server import Server
from signed_names import SignedNames, tlsa
from test_certificates import with_pair
from test_tls import certificate_seen
from tls_tools import der_of, make_certificate

HOST = 'mx.d.test'
A_LOOK = 60  # seconds; the files are looked at every ten
NOT_TAKEN = r'error: renewed certificates are not taken \(tls\.dane_check\), a reload takes them: the TLSA records of mx\.d\.test name other keys'


def replace(pair, by):
    for kind in ('cert', 'key'):
        shutil.copyfile(by[kind], pair[kind] + '.new')
        os.rename(pair[kind] + '.new', pair[kind])


@contextlib.contextmanager
def published(unsigned=False):
    """A server whose first certificate has its TLSA record, and pairs to come."""
    folder = tempfile.mkdtemp(prefix='postern-keys-')
    try:
        first, second = (make_certificate(folder, stem, HOST) for stem in ('first', 'second'))
        records = ['d.test. 60 IN MX 10 mx.d.test.', 'mx.d.test. 60 IN A 192.0.2.1', f'_25._tcp.{HOST}. 60 IN TLSA {tlsa(first["cert"], 3, 1, 1)}']
        zones = {'d.test.': records} if unsigned else None
        with SignedNames([] if unsigned else records, zones) as names, Server(dns={'servers': [names.address()]}) as server:
            own = make_certificate(server.folder, 'own', HOST)
            replace(own, first)
            with_pair(server, own)
            server.reload()
            equal(certificate_seen(server), der_of(first['cert']), 'the certificate at first')
            yield server, own, first, second
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_renewed_certificate_whose_key_is_not_published_waits():
    with published() as (server, own, first, second):
        replace(own, second)
        server.wait_log(NOT_TAKEN, within=A_LOOK)
        equal(certificate_seen(server), der_of(first['cert']), 'the certificate that is shown')
        contains(server.run('status'), 'ALARM: renewed certificates are not taken', 'the status')
        server.reload()
        equal(certificate_seen(server), der_of(second['cert']), 'after a reload')
        server.wait_log(r'error: the TLSA records of mx\.d\.test name other keys', within=A_LOOK)
        replace(own, first)  # the key that is published
        server.wait_log('certificates changed on disk: the new ones are in use', within=A_LOOK)
        equal(certificate_seen(server), der_of(first['cert']), 'after a renewal that fits')
        assert 'name other keys' not in server.run('status'), 'the alarm is over'


def test_where_nothing_is_vouched_for_a_renewal_counts_by_itself():
    with published(unsigned=True) as (server, own, _, second):
        replace(own, second)
        server.wait_log('certificates changed on disk: the new ones are in use', within=A_LOOK)
        equal(certificate_seen(server), der_of(second['cert']), 'the certificate')


def test_it_can_be_switched_off():
    with published() as (server, own, _, second):
        server.settings['tls'] = {'dane_check': False}
        server.configure()
        server.reload()
        replace(own, second)
        server.wait_log('certificates changed on disk: the new ones are in use', within=A_LOOK)
        server.wait_log(r'error: the TLSA records of mx\.d\.test name other keys', within=A_LOOK)
        equal(certificate_seen(server), der_of(second['cert']), 'the certificate')


def test_postern_dns_shows_the_next_key_too():
    with published() as (server, own, first, second):
        with_pair(server, {**own, 'next_key': second['key']})
        rows = [row for row in json.loads(server.run('dns', 'd.test', '--json'))['records'] if row['type'] == 'TLSA']
        equal([(row['state'], row['value']) for row in rows], [('right', tlsa(first['cert'], 3, 1, 1)),
                                                               ('missing', tlsa(second['cert'], 3, 1, 1))], 'TLSA records')
