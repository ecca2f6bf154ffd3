"""A small internet on one machine: domains below a signed root, their mail hosts on port 25 of addresses of their own, and one Postern that
has mail for all of them. What each gets, how it is secured, and what waits and why (RFC 7672)."""
import json
import os
import re
import shutil
import subprocess
import tempfile

from clients import UNPACKED, unpacked
from deadline import contains, equal, until
from mx_hosts import BROKEN, GOOD, NONE, MailHost
from names import Names
from own_network import in_a_network_of_its_own, lead_back
from signed_names import SignedNames, checked, tlsa
from test_http import get
from test_submission import MESSAGE, People, swaks_submits
from tls_tools import make_certificate

OTHERS = '3 1 1 ' + '07' * 32  # nobody's key
VERIFIED, ENCRYPTED, PLAIN, WAITS = 'delivered encrypted and verified', 'delivered encrypted', 'delivered plain', 'queued'
MINUTE = 60


def authority(folder, host):
    """A host's certificate with that of its authority behind it, and the authority's alone."""
    make_certificate(folder, 'ca', 'authority.test')
    checked('openssl', 'req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'below.key', '-subj',
            f'/CN={host}', '-addext', f'subjectAltName=DNS:{host}', '-out', 'below.csr', folder=folder)
    checked('openssl', 'x509', '-req', '-in', 'below.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30',
            '-copy_extensions', 'copy', '-out', 'leaf.crt', folder=folder)
    with open(os.path.join(folder, 'below.crt'), 'wb') as both:
        for name in ('leaf.crt', 'ca.crt'):
            with open(os.path.join(folder, name), 'rb') as one:
                both.write(one.read())
    return {'cert': os.path.join(folder, 'below.crt'), 'key': os.path.join(folder, 'below.key')}, os.path.join(folder, 'ca.crt')


class World:
    """The names and hosts. `hosts`: by name; `wanted`: what is to become of mail for a domain: (how, text of the log or the queue)."""

    def __init__(self, folder):
        self.folder, self.hosts, self.records, self.unsigned, self.broken, self.wanted, self.next = folder, {}, [], [], [], {}, 10

    def certificate(self, host, **how):
        return make_certificate(self.folder, host, host, **how)

    def host(self, name, tls=GOOD, pair=None, records=(), zone=None):
        address = f'198.51.100.{self.next}'
        self.next += 1
        if tls == GOOD and not pair:
            pair = self.certificate(name)
        self.hosts[name] = (address, tls, pair)
        into = self.records if zone is None else zone
        into.append(f'{name}. 60 IN A {address}')
        for record in records:
            data = record if isinstance(record, str) else tlsa(pair['cert'], *record)
            into.append(f'_25._tcp.{name}. 60 IN TLSA {data}')

    def domain(self, name, hosts, how, text, zone=None):
        into = self.records if zone is None else zone
        for place, host in enumerate(hosts):
            into.append(f'{name}. 60 IN MX {10 * (place + 1)} {host}.')
        self.wanted[name] = (how, text)

    def usual(self, name, how, text, **of_host):
        """A domain with one host."""
        self.host('mx.' + name, **of_host)
        self.domain(name, ['mx.' + name], how, text)


def inhabit(world):
    world.usual('match.test', VERIFIED, 'DANE-EE 3 1 1', records=[(3, 1, 1)])
    world.usual('roll.test', VERIFIED, 'DANE-EE 3 1 1', records=[(3, 1, 1), OTHERS])
    world.usual('wrong.test', WAITS, 'its certificate is not the one of the TLSA records: no matching DANE TLSA records', records=[OTHERS])
    world.usual('old.test', VERIFIED, 'DANE-EE 3 1 1', records=[(3, 1, 1)], pair=world.certificate('old-and-misnamed.test', expired=True))
    pair, ca = authority(world.folder, 'mx.ca.test')
    world.usual('ca.test', VERIFIED, 'DANE-TA 2 0 1', pair=pair, records=[tlsa(ca, 2, 0, 1)])
    world.usual('misnamed.test', WAITS, 'hostname mismatch', pair=pair, records=[tlsa(ca, 2, 0, 1)])
    world.usual('unusable.test', ENCRYPTED, 'TLSv1.3', records=[(1, 1, 1)])
    world.usual('unusable-plain.test', WAITS, 'the server does not offer it', tls=NONE, records=['0 1 1 ' + '07' * 32])
    world.usual('bogus.test', WAITS, 'the TLSA records of _25._tcp.mx.bogus.test cannot be looked up now: SERVFAIL', records=[(3, 1, 1)])
    world.broken.append(('_25._tcp.mx.bogus.test.', 'TLSA'))
    world.usual('none.test', ENCRYPTED, 'TLSv1.3')
    world.usual('notls.test', PLAIN, 'tls=plain', tls=NONE)
    world.usual('broken.test', PLAIN, 'tls=plain', tls=BROKEN)
    world.usual('stripped.test', WAITS, 'the server does not offer it', tls=NONE, records=[OTHERS])
    world.usual('cut.test', WAITS, 'the TLS handshake failed', tls=BROKEN, records=[OTHERS])
    world.domain('second.test', ['mx.wrong.test', 'mx.match.test'], VERIFIED, 'relay=mx.match.test[')
    world.records.append('alias.test. 60 IN CNAME mx.match.test.')
    world.domain('byalias.test', ['alias.test'], VERIFIED, 'relay=alias.test[')
    # Where names aren't signed: MX records may say whatever they like, the host's records count all the same.
    world.domain('insecure.plain.test', ['mx.match.test'], VERIFIED, 'DANE-EE 3 1 1', zone=world.unsigned)
    world.host('mx.plain.test', records=[OTHERS], zone=world.unsigned)
    world.domain('far.test', ['mx.plain.test'], ENCRYPTED, 'TLSv1.3')


def relaying(names, tls='dane'):
    """One whose users write to anybody."""
    return People(dns={'servers': [names.address()]}, admin={'http': '127.0.0.1:0'}, queue={'retry': ['1h']}, relay={'tls': tls})


def send_to_all(server, world):
    with server.login() as wire:
        for domain in world.wanted:
            wire.deliver(MESSAGE, f'u@{domain}', sender='u@d.test')
        wire.quit()


def became_of(server, domain):
    """(how, what was told): by the log of the delivery, or by the queue."""
    found = re.search(rf'to=<u@{domain}>, (.*)', server.log())
    if not found:
        return None
    line = found[1]
    if 'status=sent' in line:
        how = {'verified': VERIFIED, 'encrypted': ENCRYPTED, 'plain': PLAIN}[re.search(r', tls=(\w+)', line)[1]]
        return how, line
    contains(line, 'tls=refused', f'{domain}: its line of the log')
    waiting = [to for one in server.queue() for to in one['recipients'] if to['address'] == f'u@{domain}']
    equal(len(waiting), 1, f'{domain}: recipients that wait')
    return WAITS, waiting[0]['last_reply']


def table(rows):
    print(f'{"domain":22} {"what became of its mail":34} why, or how')
    for domain, (how, told) in rows.items():
        print(f'{domain:22} {how:34} {told if how == WAITS else re.search(r"tls=([^,]*)", told)[1]}')


def with_the_world(test):
    """test(names, world, hosts, folder) in a network of its own."""
    def run():
        lead_back('198.51.100.0/24')
        folder = tempfile.mkdtemp(prefix='postern-dane-')
        try:
            world = World(folder)
            inhabit(world)
            hosts = {name: MailHost(name, *what) for name, what in world.hosts.items()}
            with SignedNames(world.records, {'plain.test.': world.unsigned}, world.broken) as names:
                test(names, world, hosts)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    in_a_network_of_its_own([], run)


def test_what_becomes_of_mail_by_what_its_domain_publishes():
    def run(names, world, hosts):
        with relaying(names) as server:
            server.wait_log('validates answers')
            send_to_all(server, world)
            until('all tries', lambda: all(became_of(server, domain) for domain in world.wanted), MINUTE)
            rows = {domain: became_of(server, domain) for domain in world.wanted}
            table(rows)
            for domain, (how, text) in world.wanted.items():
                equal(rows[domain][0], how, f'{domain}: {rows[domain][1]}')
                contains(rows[domain][1], text, domain)
                if how == WAITS:
                    contains(rows[domain][1], '4.7.5 ', domain)
            # What the hosts themselves saw.
            for host in hosts.values():
                for recipient, version in host.taken:
                    how = world.wanted[recipient.partition('@')[2]][0]
                    assert how != WAITS, f'{host.name} has the mail of {recipient}'
                    equal(version is None, how == PLAIN, f'{host.name} {recipient}: plain')
            equal(len([one for host in hosts.values() for one in host.taken]), sum(how != WAITS for how, _ in world.wanted.values()), 'mails')
            contains(hosts['mx.match.test'].asked_for, 'mx.match.test', 'names by SNI')
            _, _, metrics = get(server, '/metrics')
            for word, what in (('verified', VERIFIED), ('encrypted', ENCRYPTED), ('plain', PLAIN), ('refused', WAITS)):
                count = sum(how == what for how, _ in world.wanted.values())
                contains(metrics, f'postern_relayed_total{{tls="{word}"}} {count}\n', 'metrics')

    with_the_world(run)


def test_what_is_asked_for_can_be_less():
    """relay.tls = "opportunistic": nothing is proved, nothing waits; "off": all is plain."""

    def run(names, world, hosts):
        for level, wanted in (('opportunistic', ENCRYPTED), ('off', PLAIN)):
            world.wanted = {name: world.wanted[name] for name in ('match.test', 'wrong.test', 'none.test')}
            with relaying(names, level) as server:
                send_to_all(server, world)
                until('all tries', lambda: all(became_of(server, domain) for domain in world.wanted), MINUTE)
                for domain in world.wanted:
                    equal(became_of(server, domain)[0], wanted, f'{level}: {domain}')

    with_the_world(run)


HOST, AT = 'mx.d.test', '198.51.100.5'


def finger(folder, domain):
    """What Postfix's posttls-finger says of a domain's host by DANE, with the resolver on port 53 of this network."""
    with open(os.path.join(folder, 'resolv.conf'), 'w', encoding='ascii') as file:
        file.write('nameserver 127.0.0.1\noptions trust-ad\n')
    with open(os.path.join(folder, 'main.cf'), 'w', encoding='ascii') as file:
        file.write('myhostname = c.test\ncompatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n')
    program = unpacked('posttls-finger')
    command = f'mount --bind {folder}/resolv.conf /etc/resolv.conf && exec {program} -l dane -L summary -t 20 {domain}'
    done = subprocess.run(['unshare', '--mount', 'sh', '-c', command], capture_output=True, text=True, timeout=MINUTE,
                          env={**os.environ, 'MAIL_CONFIG': folder, 'LD_LIBRARY_PATH': os.path.join(UNPACKED, 'usr/lib/postfix')})
    return done.stdout + done.stderr


def test_the_records_that_postern_dns_prints_prove_its_listener_to_postfix():
    def run():
        lead_back('198.51.100.0/24')
        with People([{'name': 'mx', 'address': f'{AT}:25', 'hostname': HOST, 'tier': 'a'}]) as server:
            server.settings['tls.certificate'] = [make_certificate(server.folder, 'own', 'elsewhere.test')]
            server.configure()
            server.reload()
            printed = json.loads(server.call('dns', 'd.test', '--json').stdout)['records']
            keys = [f'{row["name"].rstrip(".")}. 60 IN {row["type"]} {row["value"]}' for row in printed if row['type'] == 'TLSA']
            equal(len(keys), 1, f'TLSA records that are printed: {printed}')
            there = [f'd.test. 60 IN MX 10 {HOST}.', f'{HOST}. 60 IN A {AT}']
            with SignedNames([*there, *keys], port=53):
                contains(finger(server.folder, 'd.test'), f'Verified TLS connection established to {HOST}[{AT}]:25', 'by the records')
            with SignedNames([*there, f'_25._tcp.{HOST}. 60 IN TLSA {OTHERS}'], port=53):
                said = finger(server.folder, 'd.test')
                assert 'Verified' not in said, f"by another's record: {said}"
                contains(said, 'ntrusted TLS connection established to', "by another's record")

    in_a_network_of_its_own([], run)


def test_dane_is_loudly_off_where_the_resolver_does_not_validate():
    def run():
        lead_back('198.51.100.0/24')
        folder = tempfile.mkdtemp(prefix='postern-dane-')
        try:
            world = World(folder)
            world.usual('wrong.test', ENCRYPTED, 'TLSv1.3', records=[OTHERS])
            host = MailHost('mx.wrong.test', *world.hosts['mx.wrong.test'])
            with Names(world.records) as names, relaying(names) as server:
                server.wait_log(r'error: DANE is off: what 127\.0\.0\.1:\d+ says was not validated by DNSSEC')
                contains(server.run('status'), 'ALARM: DANE is off', 'the status')
                contains(get(server, '/metrics')[2], 'postern_dane_active 0\n', 'metrics')
                send_to_all(server, world)
                server.wait_queue_empty(MINUTE)
                equal(became_of(server, 'wrong.test')[0], ENCRYPTED, 'how its mail went')
                equal(len(host.taken), 1, 'mails')
                server.settings['relay'] = {'tls': 'opportunistic'}
                server.configure()
                server.reload()
                server.wait_log('DANE is no longer off')
                assert 'DANE is off' not in server.run('status'), 'who does not ask for it is not told'
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    in_a_network_of_its_own([], run)


def test_what_swaks_submits_is_delivered_under_dane():
    """The whole way: port 587, AUTH, the queue, MX, TLSA, and the log of it by the queue id that swaks was told."""
    def run(names, world, hosts):
        with relaying(names) as server:
            server.wait_log('validates answers')
            said = swaks_submits(server, 'submission', '--auth', 'PLAIN', '--to', 'friend@match.test')
            queue_id = re.search(r'queued as (\w+)', said)[1]
            server.wait_log(rf'{queue_id}: removed')
            lines = [line for line in server.log().splitlines() if queue_id in line]
            print('\n'.join(lines))
            for text in ('sasl_method=PLAIN, sasl_username=u@d.test', 'from=<u@d.test>', 'postfix/smtp[', 'to=<friend@match.test>', 'relay=mx.match.test[198.51.100.',
                         'status=sent', 'tls=verified TLSv1.3', 'DANE-EE 3 1 1', 'removed'):
                contains('\n'.join(lines), text, 'the log by queue id')
            equal([to for to, _ in hosts['mx.match.test'].taken], ['friend@match.test'], 'what the host has')

    with_the_world(run)
