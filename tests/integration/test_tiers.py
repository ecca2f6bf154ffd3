"""A host as its MX records show it: four names of the primary, one for each tier, three of the secondary and the last one that puts everybody
off, each on port 25 of an address of its own. What one and the same message gets there."""
import subprocess

from deadline import contains, equal, until
from names import Names, reverse
from own_network import in_a_network_of_its_own
from server import Server
from test_policy import ON
from wire import Wire

PRIMARIES = {'a': '192.0.2.11', 'b': '192.0.2.12', 'c': '192.0.2.13', 'd': '192.0.2.14'}
SECONDARIES = {'b': '192.0.2.22', 'c': '192.0.2.23', 'd': '192.0.2.24'}
LAST = '192.0.2.30'
GOOD, LISTED = '198.51.100.9', '198.51.100.66'
RECORDS = [
    'good.test. 60 IN MX 10 mx.good.test.',
    'mx.good.test. 60 IN A 203.0.113.25',
    'good.test. 60 IN TXT "v=spf1 ip4:198.51.100.0/24 -all"',
    'forged.test. 60 IN A 203.0.113.27',
    'forged.test. 60 IN TXT "v=spf1 ip4:203.0.113.27 -all"',
    f'{reverse("127.0.0.2", "bl.test")}. 60 IN A 127.0.0.2',
    f'{reverse(LISTED, "bl.test")}. 60 IN A 127.0.0.4',
]
MESSAGE = b'Subject: the same\r\n\r\nx\r\n'


def rows(names, role, preference):
    return [{'name': f'mx1{tier}{preference}', 'hostname': f'mx1{tier}{preference}.example.test', 'address': f'{address}:25', 'role': role,
             'tier': tier} for tier, address in names.items()]


def host(names, listeners, **sections):
    wanted = {'sender_domain': ON, 'spf': ON, 'dnsbl': {'exempt_clients': []}, 'dnsbl.zone': [{'name': 'bl.test'}],
              'dns': {'servers': [names.address()]}, 'limits': {'error_delay': '0s', 'exempt_clients': ['198.51.100.0/24']}}
    return Server(listeners, **wanted, **sections)


def ask(address, sender, client, recipient='u@d.test'):
    """The last line of the greeting, and the reply to RCPT."""
    with Wire((address, 25), source=(client, 0)) as wire:
        greeting = wire.reply().lines[-1]
        wire.command('EHLO client.test', '250', 20)
        wire.send(f'MAIL FROM:<{sender}>\r\n')
        said = wire.reply(20).lines[-1]
        if said.startswith('250'):
            wire.send(f'RCPT TO:<{recipient}>\r\n')
            said = wire.reply(20).lines[-1]
        wire.send('QUIT\r\n')
        contains(wire.reply().lines[-1], '221 ', 'QUIT')
        return greeting, said


def expected(secondary, tier, sender, client):
    if tier == 'd' and client == LISTED:
        return '553 5.7.1 '
    if secondary:
        return '451 4.7.1 '
    return '550 5.7.23 ' if sender == 'a@forged.test' else '250 2.1.5 '


def send_to(address, client, *recipients):
    with Wire((address, 25), source=(client, 0)) as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@good.test>', '250 ')
        for recipient in recipients:
            wire.command(f'RCPT TO:<{recipient}>', '250 ', 20)
        wire.command('DATA', '354')
        wire.send(MESSAGE + b'.\r\n')
        wire.expect('250 2.0.0')
        wire.quit()


def the_hosts():
    with Names(RECORDS) as names, \
            host(names, rows(PRIMARIES, 'mx', 10)) as first, \
            host(names, [*rows(SECONDARIES, 'secondary', 20), {'name': 'mx1last', 'address': f'{LAST}:25', 'role': 'tempfail'}],
                 **{'relay.route': {'"d.test"': f'{PRIMARIES["a"]}:25', '"strict.test"': f'{PRIMARIES["a"]}:25'}}) as second:
        for secondary, listeners in ((False, PRIMARIES), (True, SECONDARIES)):
            for tier, address in listeners.items():
                for sender, client in (('a@good.test', LISTED), ('a@forged.test', LISTED), ('a@forged.test', GOOD), ('a@good.test', GOOD)):
                    where = f'tier {tier}, {"secondary" if secondary else "primary"}, {sender} from {client}'
                    greeting, said = ask(address, sender, client)
                    contains(greeting, f'220 mx1{tier}{20 if secondary else 10}.example.test ', where)
                    contains(said, expected(secondary, tier, sender, client), where)
        the_last_one_puts_everybody_off()
        a_domains_own_tier_wins(first)
        mail_of_a_secondary_arrives(first, second)


def the_last_one_puts_everybody_off():
    with Wire((LAST, 25), source=(GOOD, 0)) as wire:
        wire.expect('220 ')
        for request in ('EHLO client.test', 'MAIL FROM:<a@good.test>', 'RCPT TO:<u@d.test>', 'DATA'):
            wire.command(request, '450 4.3.2 ', 20)
        wire.quit()


def a_domains_own_tier_wins(first):
    first.run('domain', 'add', 'strict.test', '--tier', 'd')
    first.run('mailbox', 'add', 'w@strict.test')
    contains(ask(PRIMARIES['a'], 'a@good.test', LISTED, 'w@strict.test')[1], '553 5.7.1 ', 'a domain of tier d at the name of tier a')
    with Wire((PRIMARIES['a'], 25), source=(GOOD, 0)) as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@good.test>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ', 20)
        wire.command('RCPT TO:<w@strict.test>', '452 4.5.3 ', 20)
        wire.quit()
    for tier in PRIMARIES:
        send_to(PRIMARIES[tier], GOOD, 'u@d.test', 'v@d.test')
    first.wait_messages(4)
    first.wait_messages(4, 'v@d.test')


def mail_of_a_secondary_arrives(first, second):
    first.run('rule', 'add', 'allow', '192.0.2.0/24')  # its mail comes from the secondary, which is in nobody's SPF record
    for tier, address in SECONDARIES.items():
        second.run('greylist', 'allow', 'a@good.test', GOOD)  # within the second of the attempt above
        until('a pair that was let through', lambda: ask(address, 'a@good.test', GOOD)[1].startswith('250 '))
        send_to(address, GOOD, 'u@d.test')
    second.wait_queue_empty()
    got = first.wait_messages(7)
    equal([message.content.endswith(MESSAGE) for message in got], [True] * 7, 'what came is the same')
    equal(sum(b'20.example.test (Postern)' in message.content for message in got), 3, 'messages that a secondary held')


def test_each_name_gives_the_answers_of_its_tier():
    in_a_network_of_its_own([*PRIMARIES.values(), *SECONDARIES.values(), LAST, GOOD, LISTED], the_hosts)
