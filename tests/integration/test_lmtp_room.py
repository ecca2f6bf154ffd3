"""Test 3 where an LMTP server keeps the mailboxes: a real Dovecot is asked at RCPT whether there is room; one that is away, or hangs,
refuses nobody."""
import json
import socket
import threading
import time

from deadline import contains, equal, until
from dovecot import Dovecot
from server import Server
from test_http import metrics, value
from test_lmtp import through

FILL = b'Subject: x\r\n\r\n' + b'y' * 900 + b'\r\n'
CHECKED = 'lmtp_rcpt_check_quota = yes\n'


def ask(server, recipient, within=20):
    with server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.send(f'RCPT TO:<{recipient}>\r\n')
        said = wire.reply(within).lines[-1]
        wire.quit()
        return said


def full_v(dovecot, server):
    """v@d.test has one message more than its quota allows."""
    with server.connect() as wire:
        wire.greet()
        wire.deliver(FILL, 'v@d.test')
        wire.quit()
    server.wait_queue_empty()
    equal(len(dovecot.by_imap('v@d.test')), 1, 'messages of v')
    dovecot.set_user('v@d.test', 'userdb_quota_rule=*:bytes=500')


def test_a_full_mailbox_of_dovecots_is_refused_at_rcpt_until_it_has_room():
    with Dovecot({'u@d.test': '', 'v@d.test': ''}, more=CHECKED) as dovecot, through(dovecot, admin={'http': '127.0.0.1:0'}) as server:
        full_v(dovecot, server)
        until('what was known to be forgotten', lambda: ask(server, 'v@d.test').startswith('552 5.2.2 '), 40)
        contains(ask(server, 'u@d.test'), '250 2.1.5 ', 'another mailbox')
        server.wait_log(r'reject: RCPT from .*: 552 5\.2\.2 .* to=<v@d\.test>.* test=recipient ')
        whole = json.loads(server.run('explain', '--listener', 'mx', '--client', '127.0.0.1', '--from', '<>', '--to', 'v@d.test', '--json'))
        contains(whole['reply'], '552 5.2.2 ', 'explained')
        equal(value(metrics(server), 'postern_queue_messages'), 0, 'nothing was left in the queue')
        server.settings['recipient'] = {'mode': 'report'}
        server.configure()
        server.reload()
        until('a report', lambda: ask(server, 'v@d.test').startswith('250 '))
        dovecot.set_user('v@d.test', '')
        server.settings['recipient'] = {'mode': 'enforce'}
        server.configure()
        server.reload()
        until('room again', lambda: ask(server, 'v@d.test').startswith('250 '), 60)


test_a_full_mailbox_of_dovecots_is_refused_at_rcpt_until_it_has_room.long = True


class Scripted(threading.Thread):
    """An LMTP server that says one thing to every RCPT, and counts them. (No real one says all of these.)"""

    def __init__(self, says):
        super().__init__(daemon=True)
        self.says, self.asked = says, 0
        self.socket = socket.create_server(('127.0.0.1', 0))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *what):
        self.socket.close()

    def transport(self):
        return f'lmtp:127.0.0.1:{self.socket.getsockname()[1]}'

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, client.makefile('rwb') as lines:
                self.converse(lines)

    def converse(self, lines):
        lines.write(b'220 lmtp.test\r\n')
        lines.flush()
        for line in lines:
            self.asked += line.startswith(b'RCPT')
            lines.write((self.says if line.startswith(b'RCPT') else '250-lmtp.test\r\n250 PIPELINING' if line.startswith(b'LHLO') else
                         '250 2.0.0 Ok').encode() + b'\r\n')
            lines.flush()


def test_only_a_word_about_room_refuses_and_it_is_kept_for_a_moment():
    for says, reply in (('250 2.1.5 Ok', '250 2.1.5 '), ('452 4.2.2 full now', '552 5.2.2 '), ('552 5.2.2 full', '552 5.2.2 '),
                        ('552 full', '552 5.2.2 '), ('452 no room on any disk', '250 2.1.5 '),
                        ('552-5.2.2 full\r\n552 5.2.2 it is', '552 5.2.2 '), ('550 5.1.1 nobody', '250 2.1.5 '), ('451 4.3.0 trouble', '250 2.1.5 '), ('552 5.3.4 too large', '250 2.1.5 '), ('nonsense', '250 2.1.5 '), ('421 4.3.2 not now', '250 2.1.5 ')):
        with Scripted(says) as lmtp, Server(local={'transport': lmtp.transport()}, server={'threads': 1}) as server:
            for _ in range(3):
                contains(ask(server, 'u@d.test'), reply, f'after {says}')
            equal(lmtp.asked, 1, f'questions that were answered {says}')


def test_nobody_is_asked_when_the_test_is_off():
    with Scripted('552 5.2.2 full') as lmtp:
        with Server(local={'transport': lmtp.transport()}, recipient={'mode': 'off'}) as server:
            contains(ask(server, 'u@d.test'), '250 2.1.5 ', 'reply')
            equal(lmtp.asked, 0, 'questions')


def test_a_server_that_is_away_or_knows_nobody_refuses_nobody():
    with Dovecot({'u@d.test': ''}, more=CHECKED) as dovecot, through(dovecot) as server:
        contains(ask(server, 'v@d.test'), '250 2.1.5 ', 'whom our tables have and Dovecot has not')
        dovecot.stop()
        began = time.monotonic()
        contains(ask(server, 'u@d.test'), '250 2.1.5 ', 'with Dovecot away')
        assert time.monotonic() - began < 2, 'waited for a server that is away'
        dovecot.start()


def test_a_server_that_hangs_holds_a_recipient_for_seconds_and_is_then_left_alone():
    with socket.socket() as hanging:
        hanging.bind(('127.0.0.1', 0))
        hanging.listen(100)
        where = f'lmtp:127.0.0.1:{hanging.getsockname()[1]}'
        with Server(local={'transport': where}, server={'threads': 1}) as server:
            began = time.monotonic()
            contains(ask(server, 'u@d.test'), '250 2.1.5 ', 'reply')
            took = time.monotonic() - began
            assert 4 < took < 8, f'{took:.1f} s'
            began = time.monotonic()
            contains(ask(server, 'v@d.test'), '250 2.1.5 ', 'reply')
            assert time.monotonic() - began < 1, 'asked again at once'
