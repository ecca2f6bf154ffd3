"""Recipients of one message that differ: each one's own answer (PRDR), the Junk folder, and what was found once the message was stored. The
server here judges by names (judging_checks.cpp): of a message from spam@s.test, v refuses, w puts off, x and y take it as junk."""
import json
import os
import re

from clients import exim, swaks
from deadline import contains, equal, until
from dovecot import Dovecot
from ports import free_port
from server import BINARY, Server
from test_ledger import wait_rows
from test_notices import blocked, notice, send
from test_secondary import Secondary

FLAG = 'X-Spam-Flag: YES\r\n'
STATUS = 'X-Spam-Status: Yes, score=7\r\n\ttests=judging\r\n'
FORGED = b'X-Spam-Flag: NO\r\nx-spam-status: No,\r\n score=-9\r\n'
MESSAGE = b'From: spam@s.test\r\nSubject: x\r\n\r\nbody\r\n'


JUDGING = os.path.join(os.path.dirname(BINARY), 'postern-judging')


class Judging(Server):
    binary = JUDGING

    def accounts(self):
        super().accounts()
        for local in 'wxy':
            self.run('mailbox', 'add', f'{local}@d.test')


class JudgingSecondary(Secondary):
    binary = JUDGING


def answers(server, *recipients, sender='spam@s.test', mail=' PRDR', message=MESSAGE):
    """The lines that the end of the data is answered with."""
    with server.connect() as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>{mail}', '250 ')
        for recipient in recipients:
            wire.command(f'RCPT TO:<{recipient}>', '250 ')
        wire.command('DATA', '354 ')
        wire.send(message + b'.\r\nNOOP\r\n')
        lines = []
        while not lines or lines[-1] != '250 2.0.0 Ok':
            lines.append(wire.line())
        wire.quit()
        return lines[:-1]


def test_swaks_is_offered_prdr_and_has_one_answer_where_nobody_differs():
    with Server() as server:
        output = swaks(server, '--to', 'u@d.test,v@d.test', '--prdr')
        contains(output, '250 PRDR', 'EHLO')
        contains(output, 'MAIL FROM:<a@s.test> PRDR', 'MAIL')
        assert '353' not in output and len(re.findall('250 2.0.0 Ok: queued as', output)) == 1, output
        server.wait_messages(1)
        server.wait_messages(1, 'v@d.test')


def test_swaks_hears_each_recipients_own_answer():
    with Judging() as server:
        output = swaks(server, '--to', 'u@d.test,v@d.test,w@d.test,x@d.test', '--prdr', '--from', 'spam@s.test')
        after = output[output.index(' -> .\n'):]
        lines = [line[4:] for line in after.splitlines()[1:]]
        equal(lines[:5], ['353 content analysis has started', '250 2.1.5 <u@d.test>: Ok', '554 5.7.1 <v@d.test>: spam',
                          '451 4.7.1 <w@d.test>: not now', '250 2.1.5 <x@d.test>: Ok'], 'what swaks heard')
        contains(lines[5], '250 2.0.0 Ok: queued as ', 'the whole')
        server.wait_messages(1)
        for refused in 'vw':
            equal(server.messages(f'{refused}@d.test') + server.messages(f'{refused}@d.test', '.Junk'), [], refused)
        equal(len(server.messages('x@d.test', '.Junk')), 1, 'junk')
        log = server.log()
        assert re.search(r'reject: END-OF-MESSAGE from .*: 554 5\.7\.1 <v@d\.test>: spam; from=<spam@s\.test> to=<v@d\.test>', log), log
        assert re.search(r'reject: END-OF-MESSAGE from .*: 451 4\.7\.1 <w@d\.test>: not now; from=<spam@s\.test> to=<w@d\.test>', log), log
        (row,) = wait_rows(server, 'v@d.test', 1)
        equal((row['mode'], row['test'], row['reply'], row['cause']), ('refused', 'judging', '554 5.7.1 <v@d.test>: spam', 'score 12'), 'ledger')
        (row,) = wait_rows(server, 'w@d.test', 1)
        equal((row['test'], row['reply'][:9]), ('judging', '451 4.7.1'), 'ledger')
        equal(wait_rows(server, 'u@d.test', 0), [], 'ledger of who took it')


def test_exim_takes_each_recipients_own_answer():
    with Judging() as server:
        log = exim(server, MESSAGE, 'u@d.test', 'v@d.test', sender='spam@s.test')
        server.wait_messages(1)
        assert re.search(r'=> u@d\.test .*PRDR', log), log
        assert re.search(r'\*\* v@d\.test .*554 5\.7\.1 <v@d\.test>: spam', log), log


def test_a_message_that_all_refuse_is_refused_with_and_without_prdr():
    with Judging() as server:
        equal(answers(server, 'v@d.test', mail=''), ['554 5.7.1 <v@d.test>: spam'], 'one recipient')
        equal(answers(server, 'v@d.test'), ['554 5.7.1 <v@d.test>: spam'], 'one recipient, PRDR')
        equal(answers(server, 'v@d.test', 'v@d.test', mail=''), ['554 5.7.1 <v@d.test>: spam'], 'two')
        equal(answers(server, 'v@d.test', 'v@d.test'), ['353 content analysis has started', *['554 5.7.1 <v@d.test>: spam'] * 2,
                                                        '554 5.7.1 Refused for all recipients'], 'two, PRDR')
        equal(answers(server, 'w@d.test', 'v@d.test')[-1], '450 4.7.1 Taken for none of the recipients now; try again later', 'later')
        equal(server.queue(), [], 'queue')
        wait_rows(server, 'v@d.test', 7)
        equal(os.listdir(server.mail), [], 'Maildirs')


def test_without_prdr_those_who_would_refuse_have_it_in_junk():
    with Judging() as server:
        (line,) = answers(server, 'u@d.test', 'v@d.test', 'x@d.test', mail='', message=FORGED + MESSAGE)
        contains(line, '250 2.0.0 Ok: queued as', 'answer')
        (inbox,) = server.wait_messages(1)
        equal((inbox.tests, inbox.content), (STATUS, MESSAGE), 'who takes it')
        for box in ('v@d.test', 'x@d.test'):
            (junk,) = server.messages(box, '.Junk')
            equal((junk.tests, junk.content, junk.delivered_to), (FLAG + STATUS, MESSAGE, box), box)
            equal(server.messages(box), [], f'inbox of {box}')
            equal(sorted(os.listdir(server.maildir(box))), ['.Junk', 'cur', 'new', 'tmp'], 'folders')
            equal(sorted(os.listdir(server.maildir(box) + '/.Junk')), ['cur', 'maildirfolder', 'new', 'tmp'], 'Junk')
        (line,) = answers(server, 'u@d.test', 'w@d.test', mail='')
        equal(line, '451 4.7.1 <w@d.test>: not now', 'one who can\'t say now')


def test_the_folder_has_the_name_of_the_configuration():
    with Judging(local={'junk_folder': 'Spam'}) as server:
        answers(server, 'x@d.test')
        server.wait_queue_empty()
        equal(len(server.messages('x@d.test', '.Spam')), 1, 'messages')
        server.settings['local']['junk_folder'] = 'a/b'
        server.configure()
        contains(server.run('check', code=78), 'junk_folder', 'check')


def test_junk_that_waits_survives_a_kill():
    with Judging() as server:
        blocked(server, 'x@d.test')
        answers(server, 'u@d.test', 'x@d.test', 'v@d.test')
        (inbox,) = until('a delivery', lambda: server.messages())
        equal(inbox.tests, STATUS, 'fields')
        server.kill()
        (waiting,) = server.queue()
        equal(waiting['result_fields'], ['X-Spam-Status: Yes, score=7', ' tests=judging'], 'queue list')
        equal([(to['address'], to['junk']) for to in waiting['recipients']], [('u@d.test', False), ('x@d.test', True)], 'recipients')
        shown = server.run('queue', 'show', waiting['id'])
        assert 'into Junk' in shown and 'X-Spam-Status: Yes, score=7' in shown, shown
        os.remove(server.maildir('x@d.test'))
        server.start()
        server.wait_queue_empty()
        (junk,) = server.messages('x@d.test', '.Junk')
        equal((junk.tests, junk.content), (FLAG + STATUS, MESSAGE), 'junk')
        equal(len(server.messages()), 1, 'copies of the other')


def test_a_notice_returns_what_was_found():
    with Judging(queue={'retry': ['1s'], 'expire': '1s'}) as server:
        server.run('mailbox', 'add', 'spam@d.test')
        blocked(server, 'x@d.test')
        send(server, MESSAGE, sender='spam@d.test', recipients=['x@d.test'])
        (told,) = server.wait_messages(1, 'spam@d.test')
        (returned,) = notice(told.raw)[4]
        assert returned.as_bytes().replace(b'\r\n', b'\n').startswith(STATUS.replace('\r\n', '\n').encode()), told.raw


def test_report_tells_of_it_in_the_message_and_changes_nothing():
    with Judging(dnsbl={'mode': 'report'}) as server:
        (line,) = answers(server, 'u@d.test', 'v@d.test', 'x@d.test')
        contains(line, '250 2.0.0', 'answer')
        for box in 'uvx':
            (got,) = server.wait_messages(1, f'{box}@d.test')
            equal(got.tests, 'X-Postern-Report: judging would have said 554 5.7.1\r\n' + STATUS, box)
        (row,) = wait_rows(server, 'v@d.test', 1)
        equal((row['mode'], row['test']), ('reported', 'judging'), 'ledger')
        equal(wait_rows(server, 'x@d.test', 0), [], 'ledger of others')


def explained(server, recipient):
    path = server.write('message', FORGED + MESSAGE)
    made = server.call('explain', '--json', '--listener', 'mx', '--client', '192.0.2.1', '--from', 'spam@s.test', '--to', recipient,
                       '--message', path)
    return json.loads(made.stdout)


def test_explain_says_what_becomes_of_one_recipient():
    with Judging() as server:
        made = explained(server, 'x@d.test')
        test = next(row for row in made['tests'] if row['test'] == 'judging')
        equal((made['verdict'], test['verdict'], test['reason']), ('accept', 'junk', 'score 7'), 'junk')
        equal(made['message']['added'][0], STATUS.rstrip().replace('\r\n\t', ' '), 'added')
        equal(len(made['message']['removed']), 2, 'removed')
        made = explained(server, 'v@d.test')
        test = next(row for row in made['tests'] if row['test'] == 'judging')
        equal((made['verdict'], made['reply'], test['verdict']), ('refuse', '554 5.7.1 <v@d.test>: spam', 'refuse'), 'refused')


def test_dovecot_gets_the_mark_of_each_recipient_alone():
    users = {f'{local}@d.test': '' for local in 'uvxy'}
    with Dovecot(users) as dovecot, Judging(local={'transport': f'lmtp:unix:{dovecot.socket}'}) as server:
        (line,) = answers(server, 'u@d.test', 'x@d.test', 'v@d.test', 'y@d.test', mail='', message=FORGED + MESSAGE)
        contains(line, '250 2.0.0 Ok: queued as', 'answer')
        server.wait_queue_empty()
        for local, marked in (('u', False), ('v', True), ('x', True), ('y', True)):
            (got,) = dovecot.by_imap(f'{local}@d.test')
            header = got[:got.index(b'Received: from c.test')].decode()
            assert header.endswith((FLAG if marked else '') + STATUS), (local, got)
            equal(got.count(b'X-Spam-Flag'), int(marked), f'marks of {local}')
            assert got.endswith(MESSAGE), got


def test_a_primary_judges_itself():
    port = free_port()
    with Judging({'address': f'127.0.0.1:{port}', 'tier': 'a'}) as primary, JudgingSecondary(port) as secondary:
        (line,) = answers(secondary, 'x@d.test', mail='')
        contains(line, '250 2.0.0 Ok: queued as', 'answer')
        secondary.wait_queue_empty()
        primary.wait_queue_empty()
        (junk,) = primary.messages('x@d.test', '.Junk')
        equal(junk.tests, FLAG + STATUS, 'what the primary found')
        assert b'X-Spam-' not in junk.content, junk.raw
