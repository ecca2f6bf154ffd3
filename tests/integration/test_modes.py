"""Tests 1 to 5 in each mode, by one table: what the client reads, what the log says, what stands in the message that is taken, and what
the ledger keeps. Over a real unbound."""
import json
import re
import time

from deadline import contains, equal, until
from names import Names
from test_policy import CLIENT, MESSAGE, ON, RECORDS, policy

LISTED = '127.0.0.66'
QUOTA, TOO_BIG = 10_000, 20_000
# name: sender, client, listener, octets that MAIL declares, [(test, what it says)] in the order of the verdicts, fields of the message
TABLE = {
    'a listed client': ('a@plain.test', LISTED, 'mx', 0, [('dnsbl', '553 5.7.1 ')], ['Received-SPF: none ']),
    'no such domain': ('a@gone.test', CLIENT, 'mx', 0, [('sender_domain', '550 5.1.8 ')], ['Received-SPF: none ']),
    'a domain that takes no mail': ('a@null.test', CLIENT, 'mx', 0, [('sender_domain', '550 5.7.27 ')], ['Received-SPF: none ']),
    'DNS in trouble': ('a@x.broken.test', CLIENT, 'mx', 0, [('sender_domain', '451 4.4.3 '), ('spf', '451 4.7.24 ')],
                       ['Received-SPF: temperror ']),
    'a full mailbox': ('a@good.test', CLIENT, 'mx', TOO_BIG, [('recipient', '552 5.2.2 ')], ['Received-SPF: pass ']),
    'a stranger': ('b@good.test', CLIENT, 'second', 0, [('greylist', '451 4.7.1 ')], ['Received-SPF: pass ']),
    'SPF fail': ('a@forged.test', CLIENT, 'mx', 0, [('spf', '550 5.7.23 ')], ['Received-SPF: fail ', 'spf=fail']),
    'SPF temperror': ('a@unsure.test', CLIENT, 'mx', 0, [('spf', '451 4.7.24 ')], ['Received-SPF: temperror ', 'spf=temperror']),
    'everything': ('c@forged.test', LISTED, 'second', TOO_BIG,
                   [('dnsbl', '553 5.7.1 '), ('recipient', '552 5.2.2 '), ('greylist', '451 4.7.1 '), ('spf', '550 5.7.23 ')],
                   ['Received-SPF: fail ']),
    'nothing': ('d@good.test', CLIENT, 'mx', 0, [], ['Received-SPF: pass ', 'Authentication-Results: mx.d.test;\r\n\tspf=pass']),
}
LINE = re.compile(r'(reject|reject_warning): RCPT from unknown\[([^]]*)\]: (\d{3} \S+ ).* from=<(.*?)> to=<(.*?)>.* test=(\w+)')
TESTS = ('dnsbl', 'sender_domain', 'recipient', 'greylist', 'spf')


class Session:
    """One transaction, as far as it gets."""

    def __init__(self, server, sender, client, listener, size):
        with server.connect(listener, source=(client, 0)) as wire:
            wire.greet()
            wire.command(f'MAIL FROM:<{sender}> SIZE={size}', '250 ')
            wire.send('RCPT TO:<w@d.test>\r\n')
            self.reply = wire.reply().lines[-1]
            if self.reply.startswith('250 '):
                wire.command('DATA', '354')
                wire.send(f'X-Of: {sender}\r\n{MESSAGE}.\r\n')
                wire.expect('250 2.0.0 ')
            wire.quit()


def delivered(server, sender):
    server.wait_queue_empty()
    return [one for one in server.messages('w@d.test') if f'X-Of: {sender}\r\n'.encode() in one.content]


def check(server, sender, client, listener, size, says, fields, mode):
    since = server.log_end()
    session = Session(server, sender, client, listener, size)
    refused = says[:1] if mode == 'enforce' else []
    reported = says if mode == 'report' else []
    contains(session.reply, refused[0][1] if refused else '250 2.1.5 ', 'reply')
    server.wait_log(rf'disconnect from unknown\[{client}\]', since)
    lines = LINE.findall(server.log(since))
    equal(lines, [(word, client, reply, sender, 'w@d.test', test) for word, rows in (('reject', refused), ('reject_warning', reported))
                  for test, reply in rows], 'lines of the log')
    messages = delivered(server, sender)
    equal(len(messages), 0 if refused else 1, 'delivered messages')
    for message in messages:
        equal(re.findall(r'X-Postern-Report: (.*)\r\n', message.tests), [f'{test} would have said {reply.strip()}' for test, reply in reported],
              'reports in the header')
        if mode == 'off':
            equal(message.tests, '', 'fields of tests that are off')
        for field in fields if mode != 'off' else []:
            contains(message.tests, field, 'fields')
    return [('refused', test, reply) for test, reply in refused] + [('reported', test, reply) for test, reply in reversed(reported)]


def rows(server, sender):
    found = json.loads(server.run('ledger', 'find', sender, '--json'))['ledger']
    return [(row['mode'], row['test'], re.match(r'\d{3} \S+ ', row['reply'])[0]) for row in found if row['recipient'] == 'w@d.test']


def all_cases(words, mode):
    """`words`: the settings of each test, which come to `mode`."""
    with Names(RECORDS, broken=['broken.test']) as names:
        with policy(names, **{test: words for test in TESTS}) as server:
            server.stop()
            server.settings['listener'].append({'name': 'second', 'address': '127.0.0.1:0', 'tier': 'd', 'role': 'secondary'})
            server.configure()
            server.run('mailbox', 'add', 'w@d.test', '--quota', str(QUOTA))
            server.start()
            kept = {}
            for name, (sender, *about) in TABLE.items():
                try:
                    kept[sender] = check(server, sender, *about, mode)
                except AssertionError as trouble:
                    raise AssertionError(f'{name}, {words}: {trouble}') from None
            wanted = sum(len(all_of_one) for all_of_one in kept.values())
            until('all rows', lambda: sum(len(rows(server, sender)) for sender in kept) >= wanted)
            for sender, expected in kept.items():
                equal(sorted(rows(server, sender)), sorted(expected), f'ledger of {sender}, {words}')
            with server.connect() as wire:  # who isn't there is refused in every mode
                wire.greet()
                wire.command('MAIL FROM:<d@good.test>', '250 ')
                wire.command('RCPT TO:<nobody@d.test>', '550 5.1.1 ')


def day(ahead):
    return time.strftime('%Y-%m-%d', time.localtime(time.time() + ahead * 86400))


def cases():
    for name, words, mode in (('enforce', ON, 'enforce'), ('report', {'mode': 'report'}, 'report'), ('off', {'mode': 'off'}, 'off'),
                              ('enforce_from_a_day_to_come', {'mode': 'enforce', 'enforce_from': day(2)}, 'report'),
                              ('enforce_from_yesterday', {'mode': 'enforce', 'enforce_from': day(-1)}, 'enforce')):
        yield f'all_tests_in_mode_{name}', lambda words=words, mode=mode: all_cases(words, mode)
