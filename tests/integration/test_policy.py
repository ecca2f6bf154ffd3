"""Tests 1 to 5 end to end, with a real unbound that knows only these names: the reply, the line in the log, the header."""
import time

from deadline import contains, equal, until
from names import Names, reverse
from server import Server
from test_http import metrics, value

CLIENT = '127.0.0.9'
MESSAGE = 'Subject: x\r\n\r\nx\r\n'
RECORDS = [
    'good.test. 60 IN MX 10 mx.good.test.',
    'mx.good.test. 60 IN A 192.0.2.25',
    'good.test. 60 IN TXT "v=spf1 ip4:127.0.0.9 -all"',
    'plain.test. 60 IN A 192.0.2.26',
    'null.test. 60 IN MX 0 .',
    'inside.test. 60 IN MX 10 mx.inside.test.',
    'mx.inside.test. 60 IN A 10.0.0.1',
    'forged.test. 60 IN A 192.0.2.27',
    'forged.test. 60 IN TXT "v=spf1 ip4:192.0.2.27 -all"',
    'soft.test. 60 IN A 192.0.2.27',
    'soft.test. 60 IN TXT "v=spf1 ip4:192.0.2.27 ~all"',
    'wrong.test. 60 IN A 192.0.2.27',
    'wrong.test. 60 IN TXT "v=spf1 ip5:192.0.2.27 -all"',
    'unsure.test. 60 IN A 192.0.2.27',
    'unsure.test. 60 IN TXT "v=spf1 include:x.broken.test -all"',
    f'{reverse("127.0.0.2", "bl.test")}. 60 IN A 127.0.0.2',
    f'{reverse("127.0.0.66", "bl.test")}. 60 IN A 127.0.0.4',
    f'{reverse("127.0.0.66", "bl.test")}. 60 IN TXT "seen sending spam"',
    f'{reverse("127.0.0.2", "dead.test")}. 60 IN A 127.0.0.2',
    f'{reverse("127.0.0.1", "dead.test")}. 60 IN A 127.0.0.2',
    f'{reverse("127.0.0.9", "dead.test")}. 60 IN A 127.0.0.2',
]
ON = {'mode': 'enforce'}


def policy(names, **sections):
    """A server with tests 1 to 5 on, and one blocklist."""
    wanted = {'sender_domain': ON, 'spf': ON, 'dnsbl': {'exempt_clients': []}, 'dnsbl.zone': [{'name': 'bl.test'}],
              'dns': {'servers': [names.address()], 'timeout': '2s'}}
    for section, keys in sections.items():
        name = section.replace('__', '.')
        wanted[name] = keys if isinstance(keys, list) else {**wanted.get(name, {}), **keys}
    return Server({'tier': 'd'}, **wanted)


def ask(server, sender, recipient='u@d.test', client=CLIENT):
    """The reply to RCPT."""
    with server.connect(source=(client, 0)) as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>', '250 ')
        wire.send(f'RCPT TO:<{recipient}>\r\n')
        said = wire.reply(20).lines[-1]
        wire.quit()
        return said


def deliver(server, sender, client=CLIENT):
    """The message as it came to lie in the Maildir."""
    before = len(server.messages())
    with server.connect(source=(client, 0)) as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ', 20)
        wire.command('DATA', '354')
        wire.send(MESSAGE + '.\r\n')
        wire.expect('250 2.0.0 Ok: queued as ')
        wire.quit()
    return server.wait_messages(before + 1)[-1]


def test_each_test_has_its_reply_and_its_line():
    with Names(RECORDS, broken=['broken.test']) as names, policy(names) as server:
        server.run('rule', 'add', 'deny', '*@denied.test')
        server.run('rule', 'add', 'allow', 'a@forged.test', '--mailbox', 'v@d.test')
        for sender, recipient, client, reply, test in (
                ('a@good.test', 'u@d.test', CLIENT, '250 2.1.5 ', None),
                ('a@plain.test', 'u@d.test', CLIENT, '250 2.1.5 ', None),
                ('a@soft.test', 'u@d.test', CLIENT, '250 2.1.5 ', None),
                ('a@wrong.test', 'u@d.test', CLIENT, '250 2.1.5 ', None),
                ('', 'u@d.test', CLIENT, '250 2.1.5 ', None),
                ('a@denied.test', 'nobody@d.test', '127.0.0.66', '550 5.7.1 ', 'rule'),
                ('a@forged.test', 'v@d.test', '127.0.0.66', '250 2.1.5 ', None),
                ('a@good.test', 'u@d.test', '127.0.0.66', '553 5.7.1 ', 'dnsbl'),
                ('a@gone.test', 'nobody@d.test', '127.0.0.66', '553 5.7.1 ', 'dnsbl'),
                ('a@gone.test', 'postmaster@d.test', '127.0.0.66', '250 2.1.5 ', None),
                ('a@gone.test', 'nobody@d.test', CLIENT, '550 5.1.8 ', 'sender_domain'),
                ('a@inside.test', 'u@d.test', CLIENT, '550 5.1.8 ', 'sender_domain'),
                ('a@null.test', 'u@d.test', CLIENT, '550 5.7.27 ', 'sender_domain'),
                ('a@broken.test', 'u@d.test', CLIENT, '451 4.4.3 ', 'sender_domain'),
                ('a@forged.test', 'nobody@d.test', CLIENT, '550 5.1.1 ', 'recipient'),
                ('a@forged.test', 'u@elsewhere.test', CLIENT, '550 5.7.1 ', 'recipient'),
                ('a@forged.test', 'u@d.test', CLIENT, '550 5.7.23 ', 'spf'),
                ('a@unsure.test', 'u@d.test', CLIENT, '451 4.7.24 ', 'spf')):
            since = server.log_end()
            contains(ask(server, sender, recipient, client), reply, f'{sender} to {recipient} from {client}')
            if test is None:
                equal('reject' in server.log(since), False, f'{sender}: a reject line')
                continue
            server.wait_log(rf'reject: RCPT from unknown\[{client}\]: {reply}.*from=<{sender}> to=<{recipient}>.* test={test} ', since)


def test_a_list_says_why():
    with Names(RECORDS) as names, policy(names) as server:
        equal(ask(server, 'a@good.test', client='127.0.0.66'),
              '553 5.7.1 <u@d.test>: Service unavailable; Client host [127.0.0.66] blocked using bl.test; seen sending spam', 'reply')


def test_a_dead_list_is_set_aside_with_an_alarm():
    with Names(RECORDS) as names, policy(names, dnsbl__zone=[{'name': 'dead.test'}]) as server:
        server.wait_log(r'dnsbl: dead\.test is set aside: it lists 127\.0\.0\.1')
        contains(ask(server, 'a@good.test'), '250 2.1.5 ', 'with a dead list')
        contains(server.run('status'), 'the blocklist dead.test is not asked', 'alarms')


def test_what_was_found_out_stands_in_the_header():
    with Names(RECORDS) as names, policy(names) as server:
        good = deliver(server, 'a@good.test')
        contains(good.tests, 'Received-SPF: pass (', 'SPF')
        contains(good.tests, 'client-ip=127.0.0.9', 'SPF')
        contains(good.tests, 'Authentication-Results: mx.d.test;\r\n\tspf=pass', 'results')
        contains(good.tests, 'smtp.mailfrom=a@good.test', 'results')
        contains(deliver(server, 'a@soft.test').tests, 'Received-SPF: softfail (', 'SPF')
        contains(deliver(server, 'a@wrong.test').tests, 'Received-SPF: permerror (', 'SPF')


def test_report_says_what_would_be_refused_until_the_day_has_come():
    tomorrow = time.strftime('%Y-%m-%d', time.localtime(time.time() + 2 * 86400))
    with Names(RECORDS) as names, policy(names, spf={'mode': 'enforce', 'enforce_from': tomorrow},
                                         sender_domain={'mode': 'report'}) as server:
        since = server.log_end()
        message = deliver(server, 'a@forged.test')
        contains(message.tests, 'X-Postern-Report: spf would have said 550 5.7.23\r\n', 'header')
        server.wait_log(r'reject_warning: RCPT from unknown\[127\.0\.0\.9\]: 550 5\.7\.23 .* test=spf ', since)
        since = server.log_end()
        contains(deliver(server, 'a@null.test').tests, 'X-Postern-Report: sender_domain would have said 550 5.7.27\r\n', 'header')
        server.wait_log(r'reject_warning: .* test=sender_domain ', since)
        server.settings['spf'] = {'mode': 'enforce', 'enforce_from': '2026-01-01'}
        server.configure()
        server.reload()
        contains(ask(server, 'a@forged.test'), '550 5.7.23 ', 'after the day')


def test_a_silent_resolver_defers_and_harms_nobody_else():
    with policy(type('', (), {'address': staticmethod(lambda: '127.0.0.1:9')}), dns={'timeout': '1s'}) as server:
        contains(ask(server, 'a@good.test'), '451 4.4.3 ', 'reply')
        contains(ask(server, ''), '451 4.7.24 ', 'a bounce, whose HELO name is not known either')


def test_lists_follow_a_reload():
    with Names(RECORDS) as names, policy(names, dnsbl__zone=[]) as server:
        contains(ask(server, 'a@plain.test', client='127.0.0.66'), '250 ', 'without a list')
        server.settings['dnsbl.zone'] = [{'name': 'bl.test'}]
        server.configure()
        server.reload()
        until('a refusal', lambda: ask(server, 'a@plain.test', client='127.0.0.66').startswith('553 '))


def test_a_tempfail_listener_answers_everything_with_4yz():
    with Server([{'role': 'mx'}, {'name': 'last', 'role': 'tempfail'}], admin={'http': '127.0.0.1:0'}) as server:
        with server.connect('last') as wire:
            wire.expect('220 ')
            for line in ('EHLO c.test', 'HELO c.test', 'MAIL FROM:<a@s.test>', 'RCPT TO:<u@d.test>', 'DATA', 'RSET', 'NONSENSE'):
                wire.command(line, '450 4.3.2 ')
            wire.quit()
        with server.connect() as wire:
            wire.greet()
            wire.quit()
        contains(server.run('status'), 'tempfail', 'listeners')
        equal(value(metrics(server), 'postern_tempfail_answers_total'), 7)


def test_verdicts_are_counted():
    with Names(RECORDS) as names, policy(names, admin={'http': '127.0.0.1:0'}) as server:
        ask(server, 'a@good.test')
        ask(server, 'a@null.test')
        ask(server, 'a@forged.test')
        found = metrics(server)
        for test, verdict, count in (('sender_domain', 'rejected', 1), ('sender_domain', 'passed', 2), ('spf', 'rejected', 1),
                                     ('spf', 'passed', 1), ('recipient', 'passed', 2), ('dnsbl', 'rejected', 0)):
            equal(value(found, 'postern_test_verdicts_total', test=test, verdict=verdict), count, f'{test} {verdict}')
