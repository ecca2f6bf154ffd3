"""Who was refused, deferred or would have been, found by address: what sessions leave, what a restart keeps, what the command says."""
import json
import time

from deadline import contains, equal, until
from names import Names
from readers import writing
from server import Server
from test_http import metrics, value
from test_policy import CLIENT, RECORDS, ask, policy

LOOP = 'Delivered-To: u@d.test\r\nSubject: x\r\n\r\nx\r\n'


def rows(server, address, *words):
    return json.loads(server.run('ledger', 'find', address, '--json', *words))['ledger']


def wait_rows(server, address, count):
    """Written within a second or so."""
    until(f'{count} rows of {address}', lambda: len(rows(server, address)) >= count)
    found = rows(server, address)
    equal(len(found), count, f'rows of {address}')
    return found


def test_refused_deferred_and_reported_are_found_by_both_addresses_and_survive_a_restart():
    with Names(RECORDS, broken=['broken.test']) as names, policy(names, sender_domain={'mode': 'report'}) as server:
        began = int(time.time())
        contains(ask(server, 'a@forged.test', 'U@d.test'), '550 5.7.23 ', 'refused')
        contains(ask(server, 'a@unsure.test'), '451 4.7.24 ', 'deferred')
        contains(ask(server, 'a@null.test'), '250 ', 'reported')
        contains(ask(server, '', 'nobody@d.test'), '550 5.1.1 ', 'a bounce to nobody')
        for _ in range(2):  # the second time after a restart
            found = wait_rows(server, 'u@D.test', 3)
            equal([(row['mode'], row['test'], row['sender'], row['reply'][:9]) for row in found],
                  [('reported', 'sender_domain', 'a@null.test', '550 5.7.2'), ('refused', 'spf', 'a@unsure.test', '451 4.7.2'),
                   ('refused', 'spf', 'a@forged.test', '550 5.7.2')], 'rows, newest first')
            last = found[2]
            equal({name: last[name] for name in ('client', 'helo', 'listener', 'recipient', 'cause')},
                  {'client': CLIENT, 'helo': 'c.test', 'listener': 'mx', 'recipient': 'U@d.test', 'cause': 'fail'}, 'the rest')
            assert began <= last['time'] <= time.time(), last
            equal([row['recipient'] for row in wait_rows(server, 'A@FORGED.test', 1)], ['U@d.test'], 'by its sender')
            equal([row['recipient'] for row in wait_rows(server, '<>', 1)], ['nobody@d.test'], 'of the empty sender')
            equal(rows(server, 'v@d.test'), [], 'of who has none')
            server.stop()
            equal(len(rows(server, 'u@d.test')), 3, 'rows with the server stopped')
            server.start()
        text = server.run('ledger', 'find', 'u@d.test').splitlines()
        equal(len(text), 4, 'lines')
        columns = [text[0].index(name) for name in ('RESULT', 'TEST', 'CLIENT', 'SENDER', 'RECIPIENT', 'REPLY')]
        for line, words in zip(text[1:], (('reported', 'sender_domain'), ('deferred', 'spf'), ('refused', 'spf'))):
            equal([line[at - 1] for at in columns], [' '] * 6, f'the end of the column before, in {line!r}')
            equal((line[columns[0]:].split()[0], line[columns[1]:].split()[0]), words, line)


def test_the_last_second_is_written_when_the_server_ends():
    with Server() as server:
        contains(ask(server, 'a@s.test', 'nobody@d.test'), '550 5.1.1 ', 'reply')
        server.stop()
        equal([row['test'] for row in rows(server, 'nobody@d.test')], ['recipient'], 'rows')
        server.start()


def test_a_message_refused_at_its_end_is_a_row_for_each_recipient_and_a_command_that_is_none_is_no_row():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ')
        wire.command('RCPT TO:<v@d.test>', '250 ')
        wire.command('RCPT TO:<>', '501 ')
        wire.command('RCPT TO:<broken@>', '501 ')
        wire.command('RCPT TO:<w@d.test> NONSENSE=1', '555 ')
        wire.command('DATA', '354')
        wire.send(LOOP + '.\r\n')
        contains(wire.reply().lines[-1], '5.4.6', 'reply')
        wire.quit()
        found = wait_rows(server, 'a@s.test', 2)
        equal(sorted(row['recipient'] for row in found), ['u@d.test', 'v@d.test'], 'recipients')
        equal({row['test'] for row in found}, {'loop'}, 'tests')
        contains(found[0]['reply'], '5.4.6', 'reply')


def test_a_mail_that_is_refused_is_a_row_of_its_senders_without_a_recipient():
    with Server({'max_message_size': '1MB'}) as server, server.connect() as wire:
        wire.greet()
        since = server.log_end()
        wire.command('MAIL FROM:<Big@s.test> SIZE=2000000', '552 5.3.4 ')
        wire.command('MAIL FROM:<broken@> SIZE=2000000', '501 ')
        wire.command('MAIL FROM:<> SIZE=2000000', '552 5.3.4 ')
        server.wait_log(r'reject: MAIL from .*: 552 5\.3\.4 .* from=<Big@s\.test>', since)
        found = wait_rows(server, 'big@S.test', 1)[0]
        equal({name: found[name] for name in ('mode', 'sender', 'recipient', 'test')},
              {'mode': 'refused', 'sender': 'Big@s.test', 'recipient': '', 'test': ''}, 'row')
        contains(found['reply'], '552 5.3.4 ', 'reply')
        equal([row['recipient'] for row in wait_rows(server, '<>', 1)], [''], 'of the empty sender')
        server.settings['queue']['min_free'] = '1024GiB'
        server.configure()
        server.reload()
        until('a full disk', lambda: '452 4.3.1' in refused_mail(server))
        found = until('its row', lambda: rows(server, 'a@full.test'))
        equal({(row['recipient'], row['reply'][:9]) for row in found}, {('', '452 4.3.1')}, 'rows of a full disk')
        equal([line.split()[8] for line in server.run('ledger', 'find', 'big@s.test').splitlines()[1:]], ['-'], 'recipient in the table')


def refused_mail(server):
    """The reply to MAIL."""
    with server.connect() as wire:
        wire.greet()
        wire.send('MAIL FROM:<a@full.test>\r\n')
        return wire.reply().lines[-1]


def test_a_message_that_a_chunk_ends_is_a_row_for_each_recipient():
    with Server({'max_message_size': '1MB'}) as server, server.connect() as wire:
        wire.greet()
        for line in ('MAIL FROM:<a@s.test>', 'RCPT TO:<u@d.test>', 'RCPT TO:<v@d.test>'):
            wire.command(line, '250 ')
        since = server.log_end()
        wire.send(b'BDAT 2000000\r\n' + b'x' * 2000000)
        wire.expect('552 5.3.4 ')
        wire.send(b'BDAT 3 LAST\r\nabc')
        wire.expect('503 ')
        wire.quit()
        server.wait_log(r'reject: BDAT from .*: 552 5\.3\.4 .* from=<a@s\.test> to=<u@d\.test>', since)
        found = wait_rows(server, 'a@s.test', 2)
        equal(sorted((row['recipient'], row['reply'][:9]) for row in found), [('u@d.test', '552 5.3.4'), ('v@d.test', '552 5.3.4')], 'rows')


def test_rows_that_find_no_room_are_counted_and_told_and_mail_goes_on():
    with Server(queue={'min_free': '1024GiB'}, admin={'http': '127.0.0.1:0'}) as server:
        equal(value(metrics(server), 'postern_ledger_rows_dropped_total'), 0, 'before')
        until('a full disk', lambda: '452 4.3.1' in refused_mail(server))
        with writing(server.path('state/ledger')), server.connect() as wire:
            wire.greet()
            since, long_name = server.log_end(), 'x' * 63 + '.' + 'y' * 63 + '.' + 'z' * 63 + '.test'
            for _ in range(60):  # some 9 MB of rows, where 8 MiB may wait
                wire.send(f'MAIL FROM:<a@{long_name}>\r\n' * 300)
                for _ in range(300):
                    wire.expect('452 ')
            until('rows to be dropped', lambda: value(metrics(server), 'postern_ledger_rows_dropped_total') > 0)
            wire.quit()
        server.wait_log(r'the refusal ledger has no room in memory: [1-9]\d* rows were dropped', since)
        dropped = value(metrics(server), 'postern_ledger_rows_dropped_total')
        until('the others to be written', lambda: len(rows(server, f'a@{long_name}')) == 60 * 300 - dropped)


def test_since_and_bad_words():
    with Server() as server:
        ask(server, 'a@s.test', 'nobody@d.test')
        wait_rows(server, 'a@s.test', 1)
        equal(len(rows(server, 'a@s.test', '--since', '1h')), 1, 'rows of the last hour')
        until('it to be older than a second', lambda: not rows(server, 'a@s.test', '--since', '1s'))
        server.run('ledger', 'find', 'a@s.test', '--since', 'yesterday', code=64)
        server.run('ledger', 'find', 'not an address', code=65)
        equal(len(server.run('ledger', 'find', 'who@s.test').splitlines()), 1, 'lines of nothing')


def test_what_is_old_enough_goes_and_nothing_is_written_when_nothing_is_kept():
    with Server(ledger={'keep': '3s'}) as server:
        ask(server, 'a@s.test', 'nobody@d.test')
        wait_rows(server, 'a@s.test', 1)
        until('it to be forgotten', lambda: not rows(server, 'a@s.test'))
        server.settings['ledger'] = {'keep': '0s'}
        server.configure()
        server.reload()
        ask(server, 'a@s.test', 'never-written@d.test')
        server.stop()
        with open(server.path('state/ledger/data.mdb'), 'rb') as file:
            octets = file.read()
        assert b'nobody' in octets and b'never-written' not in octets  # LMDB leaves what was removed where it was
        server.start()
