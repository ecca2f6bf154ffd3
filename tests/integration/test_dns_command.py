"""postern dns, with a real unbound; and what mail clients are told: the settings on the page lead to a login on both ports."""
import contextlib
import hashlib
import json
import smtplib
import socket
import ssl
import subprocess
from unittest import mock
from urllib import request
from xml.etree import ElementTree

from deadline import PATIENCE, contains, equal
from names import Names
from ports import free_port
from server import Server
from tls_tools import make_certificate

PASSWORD = 'correct horse 7 Staple'
HOST = 'd--test.mx.h.test'
ADDRESSES = [f'{name} 60 IN A 192.0.2.1' for name in ('mx.d.test.', 'mx2.d.test.', HOST + '.', 'www.h.test.')]
RIGHT = [*ADDRESSES, 'd.test. 60 IN MX 10 mx.d.test.', 'd.test. 60 IN MX 20 mx2.d.test.', 'd.test. 60 IN TXT "v=spf1 mx -all"',
         f'_submissions._tcp.d.test. 60 IN SRV 0 1 465 {HOST}.', f'_submission._tcp.d.test. 60 IN SRV 0 1 587 {HOST}.',
         'autoconfig.d.test. 60 IN CNAME www.h.test.']
LISTENERS = [{'name': 'mx', 'address': '127.0.0.1:25'},
             {'name': 'second', 'address': '127.0.0.1:2520', 'role': 'secondary', 'hostname': 'mx2.d.test'},
             {'name': 'submissions', 'address': '127.0.0.1:465', 'role': 'submission', 'tls': 'implicit'},
             {'name': 'submission', 'address': '127.0.0.1:587', 'role': 'submission', 'tls': 'starttls'}]
CLIENTS = {'host': '{domain--}.mx.h.test', 'web_host': 'www.h.test'}


@contextlib.contextmanager
def stopped(names, listener=None, **sections):
    """A server that doesn't run, with its accounts and a certificate."""
    server = Server(listener or LISTENERS, autoconfig=CLIENTS, **{'dns': {'servers': [names]}, **sections})
    try:
        server.accounts()
        server.settings['tls.certificate'] = [make_certificate(server.folder, 'all', 'mx.d.test', 'mx2.d.test', '*.mx.h.test')]
        server.configure()
        yield server
    finally:
        server.__exit__(True)


def digest(server):
    key = subprocess.run(['openssl', 'x509', '-in', server.path('all.crt'), '-noout', '-pubkey'], capture_output=True, check=True).stdout
    der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'], input=key, capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def keys(server, *hosts):
    return [f'_25._tcp.{host}. 60 IN TLSA 3 1 1 {digest(server)}' for host in hosts]


def records(server, domain='d.test'):
    return json.loads(server.run('dns', domain, '--json'))['records']


def lines(rows, *states):
    return [' '.join(filter(None, (row['state'], row['name'], row['type'], row['value'], row['there'] and '<' + row['there'] + '>')))
            for row in rows if not states or row['state'] in states]


def test_what_is_there_is_right_whatever_the_case_and_all_else_is_missing():
    with stopped('127.0.0.1:9') as server:
        with Names(RIGHT + keys(server, 'mx.d.test', 'mx2.d.test')) as names:
            server.settings['dns']['servers'] = [names.address()]
            server.configure()
            rows = records(server, 'D.test')
            equal({row['state'] for row in rows}, {'right', 'left out'}, 'states')
            equal(lines(rows, 'left out'), ['left out _mta-sts.d.test. TXT'], 'left out')
            there = lines(rows, 'right')
            equal(len(there), 11, 'records')
            text = server.run('dns', 'd.test')
            equal(text.splitlines()[-1], '11 right, 1 left out', 'sum')
            column = text.index('NAME')
            assert all(line[column - 1] == ' ' != line[column] for line in text.splitlines()[:-2]), text
        with Names([]) as names:
            server.settings['dns']['servers'] = [names.address()]
            server.configure()
            missing = lines(records(server), 'missing')
            equal(sorted(line.split(' <')[0].replace('missing ', '', 1) for line in missing),
                  sorted(line.split(' <')[0].replace('right ', '', 1) for line in there), 'what is missing')


def test_what_is_different_is_shown_beside_what_should_be():
    wrong = [*ADDRESSES[1:], 'mx.d.test. 60 IN CNAME www.h.test.', 'd.test. 60 IN MX 30 mx.d.test.', 'd.test. 60 IN MX 20 mx2.d.test.',
             'd.test. 60 IN MX 40 mx.other.test.', 'd.test. 60 IN TXT "v=spf1 ip4:192.0.2.9 -all"',
             f'_submissions._tcp.d.test. 60 IN SRV 0 1 465 {HOST}.', '_submission._tcp.d.test. 60 IN SRV 0 1 25 smtp.other.test.',
             'autoconfig.d.test. 60 IN A 192.0.2.1', f'_25._tcp.mx.d.test. 60 IN TLSA 3 1 1 {"ab" * 32}']
    with Names(wrong, broken=['_25._tcp.mx2.d.test']) as names, stopped(names.address()) as server:
        found = lines(records(server), 'different', 'extra', 'missing', 'unknown')
        key = digest(server)
        equal(found, ['different d.test. MX 10 mx.d.test. <30 mx.d.test.>',
                      'extra d.test. MX <40 mx.other.test.>',
                      'different d.test. TXT "v=spf1 mx -all" <"v=spf1 ip4:192.0.2.9 -all">',
                      f'different _25._tcp.mx.d.test. TLSA 3 1 1 {key} <3 1 1 {"ab" * 32}>',
                      f'unknown _25._tcp.mx2.d.test. TLSA 3 1 1 {key}',
                      f'different _submission._tcp.d.test. SRV 0 1 587 {HOST}. <0 1 25 smtp.other.test.>',
                      'different mx.d.test. A/AAAA <CNAME www.h.test.>'], 'findings')
        rows = {(row['name'], row['type']): row for row in records(server)}
        contains(rows['_25._tcp.mx2.d.test.', 'TLSA']['note'], 'SERVFAIL', 'what could not be asked')
        equal(rows['autoconfig.d.test.', 'CNAME']['state'], 'right', 'the same address without an alias')


def test_an_spf_policy_is_tried_as_a_receiver_would():
    six = 'mx.d.test. 60 IN AAAA 2001:db8::1'
    for policy, state, note in (('v=spf1 ip4:192.0.2.0/24 -all', 'different', 'does not let 2001:db8::1 send'),
                                ('v=spf1 include:all.h.test -all', 'right', 'lets 192.0.2.1, 2001:db8::1 send'),
                                ('v=spf1 ip4:192.0.2.1 include:nobody.h.test -all', 'different', 'does not let 2001:db8::1 send'),
                                ('v=spf1 include:broken.test -all', 'different', ''),
                                ('v=spf1 mx -all', 'right', '')):
        published = [*ADDRESSES, six, 'd.test. 60 IN MX 10 mx.d.test.', f'd.test. 60 IN TXT "{policy}"',
                     'all.h.test. 60 IN TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::/32 -all"']
        with Names(published, broken=['broken.test']) as names, stopped(names.address()) as server:
            (row,) = [row for row in records(server) if row['purpose'] == 'spf']
            equal((row['state'], row['note']), (state, note), policy)


def test_an_octet_from_dns_is_no_command_for_a_terminal():
    with Names([r'd.test. 60 IN TXT "v=spf1 \027[2Jx"']) as names, stopped(names.address()) as server:
        text = server.run('dns', 'd.test')
        contains(text, 'v=spf1 ?[2Jx', 'the record')
        assert '\x1b' not in text


def test_without_dns_the_records_are_told_and_the_exit_code_says_try_again():
    with stopped('127.0.0.1:9') as server:
        done = server.call('dns', 'd.test')
        equal(done.returncode, 75, 'exit code')
        contains(done.stdout, '10 mx.d.test.', 'records')
        contains(done.stderr, 'd.test: DNS could not be asked', 'stderr')
        done = server.call('dns', 'elsewhere.test', '--json')
        contains(done.stderr, 'elsewhere.test: is not hosted here', 'stderr')
        equal(json.loads(done.stdout)['hosted'], False, 'hosted')
        equal(server.call('dns', 'no domain').returncode, 65, 'exit code for what is no domain')


def test_the_servers_own_certificate_is_digested_once_it_is_there():
    with Names(ADDRESSES) as names, stopped(names.address()) as server:
        del server.settings['tls.certificate']
        server.settings['listener'] = [{'name': 'mx', 'address': '127.0.0.1:0'}]
        server.configure()
        (row,) = [row for row in records(server) if row['type'] == 'TLSA']
        equal((row['state'], row['note']), ('left out', 'the server makes its own certificate when it starts for the first time'))
        server.start()
        server.stop()
        server.write('all.crt', open(server.path('state/tls/self-signed.crt'), 'rb').read())
        (row,) = [row for row in records(server) if row['type'] == 'TLSA']
        equal((row['state'], row['value']), ('missing', f'3 1 1 {digest(server)}'))
        contains(row['note'], 'made itself', 'note')


def ask(port, path, host='127.0.0.1'):
    asked = request.Request(f'http://127.0.0.1:{port}{path}', headers={'Host': host})
    with request.urlopen(asked, timeout=PATIENCE) as answer:
        equal(answer.headers['Content-Type'], 'text/xml; charset=utf-8', 'content type')
        return ElementTree.fromstring(answer.read())


def log_in(one, trusted, user):
    """As a mail client does: by the host's name, which the certificate must have."""
    host, port = one.findtext('hostname'), int(one.findtext('port'))
    context = ssl.create_default_context(cafile=trusted)
    connect = socket.create_connection
    with mock.patch('socket.create_connection', lambda where, *more, **keys: connect(('127.0.0.1', where[1]), *more, **keys)):
        if one.findtext('socketType') == 'SSL':
            client = smtplib.SMTP_SSL(host, port, 'c.test', timeout=PATIENCE, context=context)
        else:
            client = smtplib.SMTP(host, port, 'c.test', timeout=PATIENCE)
            client.starttls(context=context)
    with client:
        client.login(user, PASSWORD)
        client.sendmail(user, ['v@d.test'], f'From: {user}\r\nSubject: {port}\r\n\r\nx\r\n')


def test_the_settings_that_clients_are_told_lead_to_a_login_on_both_ports():
    ports = [free_port(), free_port(), free_port()]
    listeners = [{'name': 'mx'}, {'name': 'submissions', 'address': f'127.0.0.1:{ports[0]}', 'role': 'submission', 'tls': 'implicit', 'tier': 'a'},
                 {'name': 'submission', 'address': f'127.0.0.1:{ports[1]}', 'role': 'submission', 'tls': 'starttls', 'tier': 'a'}]
    server = Server(listeners, autoconfig={**CLIENTS, 'imap': 'imap.h.test:993', 'name': 'H & co.'}, identity={'http': f'127.0.0.1:{ports[2]}'})
    server.settings['tls.certificate'] = [make_certificate(server.folder, 'all', '*.mx.h.test')]
    server.configure()
    with server:
        server.run('mailbox', 'set', 'u@d.test', '--password-stdin', stdin=PASSWORD + '\n')
        server.run('domain', 'add', 'e.test', '--alias-of', 'd.test')
        for path, host in (('/mail/config-v1.1.xml?emailaddress=u%40d.test', 'autoconfig.d.test'),
                           ('/.well-known/autoconfig/mail/config-v1.1.xml', 'd.test')):
            told = ask(ports[2], path, host)
            equal(told.findtext('emailProvider/displayName'), 'H & co.', 'name')
            equal([one.findtext('hostname') for one in told.iter('incomingServer')], ['imap.h.test'], 'where to read')
            sending = list(told.iter('outgoingServer'))
            equal([(one.findtext('hostname'), one.findtext('port'), one.findtext('socketType')) for one in sending],
                  [(HOST, str(ports[0]), 'SSL'), (HOST, str(ports[1]), 'STARTTLS')], 'where to send')
            for one in sending:
                log_in(one, server.path('all.crt'), one.findtext('username').replace('%EMAILADDRESS%', 'u@d.test'))
        server.wait_messages(4, 'v@d.test')
        alias = ask(ports[2], '/mail/config-v1.1.xml?emailaddress=u@e.test')
        equal(alias.findtext('emailProvider/outgoingServer/username'), '%EMAILLOCALPART%@d.test', 'login in an alias domain')
        for path in ('/mail/config-v1.1.xml?emailaddress=u@elsewhere.test', '/mail/config-v1.1.xml'):
            try:
                ask(ports[2], path)
                raise AssertionError('there is a page for ' + path)
            except request.HTTPError as refusal:
                equal(refusal.code, 404, path)
