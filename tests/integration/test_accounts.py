"""Whom mail is taken for, as the commands said, also while the server runs."""
import os

from deadline import contains, equal
from server import Server

MESSAGE = b'Subject: x\r\n\r\nfor somebody\r\n'


class Session:
    """A session within a transaction: asks for recipients."""

    def __init__(self, server):
        self.wire = server.connect()
        self.wire.greet()
        self.wire.command('MAIL FROM:<a@s.test>', '250 2.1.0')

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.wire.close()

    def ask(self, recipient, start):
        return self.wire.command(f'RCPT TO:<{recipient}>', start)


def test_unknown_and_foreign_recipients():
    with Server() as server, Session(server) as session:
        contains(session.ask('x@d.test', '550 5.1.1').text, 'x@d.test', 'reply')
        session.ask('u@f.test', '550 5.7.1')
        session.ask('u@sub.d.test', '550 5.7.1')
        session.ask('u+tag@d.test', '550 5.1.1')
        session.ask('U@D.TEST', '250 2.1.5')
        session.ask('"u"@d.test', '250 2.1.5')
        server.wait_log(r'NOQUEUE: reject: RCPT from unknown\[127\.0\.0\.1\]: 550 5\.1\.1 <x@d\.test>.*from=<a@s\.test> to=<x@d\.test>')


def test_a_change_is_seen_at_once_by_a_running_session():
    with Server() as server, Session(server) as session:
        session.ask('new@d.test', '550 5.1.1')
        server.run('mailbox', 'add', 'new@d.test')
        session.ask('new@d.test', '250 2.1.5')
        session.ask('u@e.test', '550 5.7.1')
        server.run('domain', 'add', 'e.test')
        session.ask('u@e.test', '550 5.1.1')
        server.run('alias', 'add', 'u@e.test', 'u@d.test')
        session.ask('u@e.test', '250 2.1.5')
        server.run('mailbox', 'remove', 'v@d.test')
        session.ask('v@d.test', '550 5.1.1')


def test_a_mailbox_that_went_between_its_250_and_delivery_is_no_loss():
    with Server() as server, Session(server) as session:
        session.ask('u@d.test', '250 2.1.5')
        session.ask('v@d.test', '250 2.1.5')
        server.run('mailbox', 'remove', 'v@d.test')
        session.wire.command('DATA', '354 ')
        session.wire.send(MESSAGE + b'.\r\n')
        session.wire.expect('250 2.0.0')
        equal(server.wait_messages(1)[0].content, MESSAGE, 'u')


def test_a_full_mailbox():
    with Server() as server:
        server.run('mailbox', 'set', 'u@d.test', '--quota', '10KiB')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(b'Subject: x\r\n\r\n' + b'x' * 8000 + b'\r\n')
            server.wait_messages(1)
            wire.command('MAIL FROM:<a@s.test> SIZE=5000', '250 2.1.0')
            contains(wire.command('RCPT TO:<u@d.test>', '552 5.2.2').text, 'full', 'reply')
            wire.command('RCPT TO:<v@d.test>', '250 2.1.5')
            wire.command('RSET', '250 ')
            wire.command('MAIL FROM:<a@s.test> SIZE=100', '250 2.1.0')
            wire.command('RCPT TO:<u@d.test>', '250 2.1.5')
            wire.command('RSET', '250 ')
            for name in os.listdir(server.maildir() + '/new'):
                os.unlink(os.path.join(server.maildir(), 'new', name))
            wire.command('MAIL FROM:<a@s.test> SIZE=5000', '250 2.1.0')
            wire.command('RCPT TO:<u@d.test>', '250 2.1.5')


def test_a_message_that_turns_out_too_large_for_the_quota_is_not_lost_silently():
    with Server() as server:
        server.run('mailbox', 'set', 'u@d.test', '--quota', '10KiB')
        with server.connect() as wire:
            wire.greet()
            wire.begin('u@d.test')
            wire.send(b'Subject: x\r\n\r\n' + (b'x' * 70 + b'\r\n') * 1000 + b'.\r\n')
            answer = wire.reply()
        if answer.code == '250':
            server.wait_log(r'status=(deferred|bounced) \(.*full')
        else:
            contains(answer.text, '5.2.2', 'reply')
        equal(server.messages(), [], 'messages')


def test_aliases_within_aliases():
    with Server() as server:
        server.run('alias', 'add', 'all@d.test', 'team@d.test', 'v@d.test')
        server.run('alias', 'add', 'team@d.test', 'lead@d.test', 'u@d.test')
        server.run('alias', 'add', 'lead@d.test', 'u@d.test')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE, 'all@d.test')
        equal(server.wait_messages(1)[0].content, MESSAGE, 'u gets one')
        got = server.wait_messages(1, 'v@d.test')[0]
        equal(got.content, MESSAGE, 'v gets one')
        equal(got.delivered_to, 'v@d.test', 'Delivered-To')
        server.wait_log(r'to=<v@d\.test>, orig_to=<all@d\.test>, .*status=sent')


def test_an_alias_that_is_a_mailbox_too():
    with Server() as server:
        server.run('alias', 'add', 'u@d.test', 'u@d.test', 'v@d.test')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_messages(1)
        server.wait_messages(1, 'v@d.test')


def test_alias_loops_are_refused():
    with Server() as server:
        server.run('alias', 'add', 'one@d.test', 'two@d.test')
        warned = server.call('alias', 'add', 'two@d.test', 'one@d.test')
        equal(warned.returncode, 0, 'exit code')
        contains(warned.stderr, 'warning', 'stderr')
        server.run('alias', 'add', 'half@d.test', 'one@d.test', 'u@d.test')
        with Session(server) as session:
            session.ask('one@d.test', '554 5.4.6')
            session.ask('two@d.test', '554 5.4.6')
            session.ask('half@d.test', '250 2.1.5')


def test_an_alias_domain():
    with Server() as server:
        server.run('domain', 'add', 'also.test', '--alias-of', 'd.test')
        server.run('alias', 'add', 'info@d.test', 'u@d.test')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE, 'u@also.test')
            wire.deliver(MESSAGE, 'info@ALSO.test')
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            wire.command('RCPT TO:<x@also.test>', '550 5.1.1')
        for got in server.wait_messages(2):
            equal(got.delivered_to, 'u@d.test', 'Delivered-To')


def test_postmaster_is_always_somebody():
    with Server() as server:
        with server.connect() as wire:
            wire.greet()
            for recipient in ('postmaster', 'PostMaster', 'postmaster@d.test', 'POSTMASTER@d.test', 'postmaster@mx.d.test'):
                wire.deliver(MESSAGE, recipient)
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            wire.command('RCPT TO:<postmaster@f.test>', '550 5.7.1')
        equal(len(server.wait_messages(5, 'postmaster@mx.d.test')), 5, 'messages')


def test_postmaster_of_the_settings():
    with Server(local={'postmaster': 'u@d.test'}) as server:
        server.run('domain', 'add', 'own.test')
        server.run('mailbox', 'add', 'postmaster@own.test')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE, 'postmaster')
            wire.deliver(MESSAGE, 'postmaster@d.test')
            wire.deliver(MESSAGE, 'postmaster@own.test')
        server.wait_messages(2)
        server.wait_messages(1, 'postmaster@own.test')


def test_a_catch_all_only_where_it_was_granted():
    with Server() as server:
        refused = server.call('alias', 'add', '@d.test', 'u@d.test', '--catch-all')
        equal(refused.returncode, 65, 'exit code without a grant')
        with Session(server) as session:
            session.ask('anybody@d.test', '550 5.1.1')
        server.settings['local']['catch_all_domains'] = ['d.test']
        server.configure()
        server.reload()
        equal(server.call('alias', 'add', '@d.test', 'u@d.test').returncode, 65, 'exit code without --catch-all')
        server.run('alias', 'add', '@d.test', 'u@d.test', '--catch-all')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE, 'anybody@d.test')
            wire.deliver(MESSAGE, 'v@d.test')
            wire.deliver(MESSAGE, 'postmaster@d.test')
        equal(server.wait_messages(1)[0].delivered_to, 'u@d.test', 'the catch-all')
        server.wait_messages(1, 'v@d.test')
        server.settings['local']['catch_all_domains'] = []  # a grant that is taken back counts
        server.configure()
        server.reload()
        with Session(server) as session:
            session.ask('anybody@d.test', '550 5.1.1')


def test_a_message_that_was_here_before_is_in_a_loop():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.deliver(MESSAGE)
        back = server.wait_messages(1)[0].raw
        wire.begin()
        wire.send(back + b'.\r\n')
        wire.expect('554 5.4.6')
        wire.begin('v@d.test')  # forwarded to somebody else it is none
        wire.send(back + b'.\r\n')
        wire.expect('250 2.0.0')
        server.wait_messages(1)
        server.wait_messages(1, 'v@d.test')


def test_delivered_to_written_by_others_in_odd_ways_is_a_loop_too():
    with Server() as server, server.connect() as wire:
        wire.greet()
        for field in (b'delivered-to: U@D.Test', b'Delivered-To :  u@d.test '):
            wire.begin()
            wire.send(field + b'\r\n' + MESSAGE + b'.\r\n')
            answer = wire.reply()
            assert answer.lines[-1].startswith('554 5.4.6'), f'{field!r}: {answer}'
        wire.deliver(b'X-Delivered-To: u@d.test\r\n' + MESSAGE)
        wire.deliver(b'Subject: x\r\n\r\nDelivered-To: u@d.test\r\n')
        server.wait_messages(2)


def test_the_null_sender():
    with Server() as server, server.connect() as wire:
        wire.greet()
        wire.deliver(b'Return-Path: <forged@f.test>\r\n' + MESSAGE, sender='')
        got = server.wait_messages(1)[0]
        equal(got.return_path, '', 'Return-Path')
        assert b'forged' not in got.raw, got.raw


def test_names_that_mean_something_to_a_file_system():
    with Server() as server:
        server.run('mailbox', 'add', '"../../escape"@d.test')
        server.run('mailbox', 'add', '".hidden"@d.test')
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE, '"../../escape"@d.test')
            wire.deliver(MESSAGE, '".hidden"@d.test')
        server.wait_queue_empty()
        equal(len(server.messages_everywhere()), 2, 'messages')
        equal(sorted(os.listdir(server.mail)), ['d.test'], 'the base of the Maildirs')
        equal(all(not name.startswith('.') for name in os.listdir(server.mail + '/d.test')), True, 'no hidden folder')
