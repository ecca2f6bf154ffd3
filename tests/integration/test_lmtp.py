"""Delivery to a real Dovecot over LMTP: read back by IMAP and POP3, octet by octet; what it refuses is told; what it can't take now waits."""
import os
import re

from deadline import equal, until
from dovecot import Dovecot, without_dovecots_fields
from server import Server
from test_notices import blocked, notice, send

OURS = re.compile(rb'\AReceived: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*')


def through(dovecot, by='unix', **sections):
    """A Postern that hands all mail to Dovecot."""
    where = f'unix:{dovecot.socket}' if by == 'unix' else f'127.0.0.1:{dovecot.lmtp_port}'
    return Server(local={'transport': f'lmtp:{where}'}, **sections)


def contents(messages):
    """What was sent, without what Dovecot and we put before it."""
    return sorted(OURS.sub(b'', without_dovecots_fields(raw)) for raw in messages)


def test_mail_is_read_back_by_imap_and_pop3():
    plain = b'Subject: x\r\n\r\nhello\r\n'
    dots = b'Subject: dots\r\n\r\n..\r\n.x\r\n' + b'. \r\n' * 3
    large = b'Subject: large\r\n\r\n' + b'0123456789' * 7 + b'\r\n' + b''.join(b'%06d %s\r\n' % (n, b'y' * 60) for n in range(30000))
    utf8 = 'Subject: ž\r\n\r\nžluťoučký kůň\r\n'.encode()
    for by in ('unix', 'tcp'):
        with Dovecot({'u@d.test': '', 'v@d.test': ''}) as dovecot, through(dovecot, by) as server:
            with server.connect() as wire:
                wire.greet()
                for message in (plain, dots, large, utf8):
                    wire.deliver(message, 'u@d.test', 'v@d.test')
                wire.quit()
            server.wait_queue_empty(60)
            for box in ('u@d.test', 'v@d.test'):
                equal(contents(dovecot.by_imap(box)), sorted([plain, dots, large, utf8]), f'{box} by IMAP, {by}')
                equal(contents(dovecot.by_pop3(box)), sorted([plain, dots, large, utf8]), f'{box} by POP3, {by}')
            relays = set(re.findall(r'postfix/lmtp\[.*relay=([^,]+), .*status=sent', server.log()))
            equal(relays, {dovecot.socket if by == 'unix' else f'127.0.0.1:{dovecot.lmtp_port}'}, 'relays in the log')


def binary(server, message, sender='u@d.test', recipient='v@d.test', mail=' BODY=BINARYMIME', code='250 '):
    """Sent by BDAT."""
    with server.connect() as wire:
        offer = wire.greet()
        wire.command(f'MAIL FROM:<{sender}>{mail}', code)
        if code == '250 ':
            wire.command(f'RCPT TO:<{recipient}>', '250 ')
            wire.send(b'BDAT %d LAST\r\n' % len(message) + message)
            wire.expect('250 2.0.0')
        wire.quit()
        return offer


def with_maildirs(server, transport, act):
    """What `act` sends while Maildirs are what mail goes to; then it goes by LMTP again."""
    server.stop()
    server.settings['local']['transport'] = 'maildir'
    blocked(server, 'v@d.test')
    server.configure()
    server.start()
    act()
    until('a try', lambda: server.queue()[0]['recipients'][0]['tries'] > 0)
    server.stop()
    server.settings['local']['transport'] = transport
    server.configure()
    server.start()


def test_what_dovecot_does_not_take_is_not_offered():
    with Dovecot({'u@d.test': ''}) as dovecot, through(dovecot) as server:
        offer = str(binary(server, b'', code='501 5.5.4'))
        assert 'CHUNKING' in offer and 'BINARYMIME' not in offer and 'SMTPUTF8' not in offer, offer
        binary(server, b'', mail=' SMTPUTF8', code='555 5.5.4')


def test_text_that_was_taken_as_binary_is_delivered():
    with Dovecot({'u@d.test': '', 'v@d.test': ''}) as dovecot, through(dovecot) as server:
        text = 'Subject: x\r\n\r\n.žluťoučký\r\n'.encode()
        with_maildirs(server, server.settings['local']['transport'], lambda: binary(server, text))
        server.wait_queue_empty()
        equal(contents(dovecot.by_imap('v@d.test')), [text], 'what came')


def test_a_binary_message_that_comes_back_brings_no_commands():
    """A bare LF, a dot and CRLF in what is returned were the end of DATA for Dovecot, and the rest its commands. (In a field nobody takes
    it any more: tests/regress/protocol/binary_header_test.cpp.)"""
    users = {'u@d.test': '', 'v@d.test': '', 'w@d.test': ''}
    injected = b'MAIL FROM:<>\r\nRCPT TO:<w@d.test>\r\nDATA\r\nSubject: injected\r\n\r\nx\n.\r\n'
    with Dovecot(users) as dovecot, through(dovecot) as server:
        with_maildirs(server, server.settings['local']['transport'],
                      lambda: binary(server, b'Subject: x\r\nno field\n.\r\n' + injected + b'X: y\r\n\r\nbody\r\n'))
        server.wait_queue_empty()
        until('the notice', lambda: dovecot.by_imap('u@d.test'))
        (told,) = dovecot.by_imap('u@d.test')
        assert b'Status: 5.6.1' in told and b'injected' not in told, told
        equal((dovecot.by_imap('v@d.test'), dovecot.by_imap('w@d.test')), ([], []), 'mail of others')


def test_connections_are_used_again():
    with Dovecot({'u@d.test': ''}) as dovecot, through(dovecot) as server:
        with server.connect() as wire:
            wire.greet()
            for _ in range(60):
                wire.deliver(b'Subject: x\r\n\r\nx\r\n')
            wire.quit()
        server.wait_queue_empty()
        equal(len(dovecot.by_imap('u@d.test')), 60, 'messages')
        connects = dovecot.log().count('Connect from local')
        assert 0 < connects < 20, f'{connects} connections for 60 messages'


def test_each_recipient_has_its_own_answer():
    with Dovecot({'u@d.test': '', 'v@d.test': 'userdb_quota_rule=*:bytes=100'}) as dovecot, through(dovecot) as server:
        server.run('mailbox', 'add', 'gone@d.test')  # which Dovecot doesn't know
        send(server, b'Subject: x\r\n\r\n' + b'y' * 900 + b'\r\n', recipients=['u@d.test', 'v@d.test', 'gone@d.test'])
        server.wait_queue_empty()
        first, told = dovecot.by_imap('u@d.test')
        assert b'yyyy' in first, first
        subject, text, _, groups, _ = notice(told)
        equal(subject, 'Undelivered Mail Returned to Sender', 'subject')
        equal({group['Final-Recipient']: (group['Action'], group['Status']) for group in groups},
              {'rfc822; v@d.test': ('failed', '5.2.2'), 'rfc822; gone@d.test': ('failed', '5.1.1')}, 'what is told')
        assert "mx.d.test said:\r\n    550 5.1.1 <gone@d.test> User doesn't exist" in text, text
        equal({group['Remote-MTA'] for group in groups}, {'dns; mx.d.test'}, 'who said it')
        assert all(group['Diagnostic-Code'].startswith('smtp; 55') for group in groups), [group.as_string() for group in groups]


def test_a_server_that_is_down_costs_time_and_no_message():
    with Dovecot({'u@d.test': ''}) as dovecot:
        with through(dovecot, 'tcp') as server:
            dovecot.stop()
            send(server, recipients=['u@d.test'])
            until('a deferral', lambda: server.queue()[0]['recipients'][0]['tries'] > 0)
            assert 'cannot connect' in server.queue()[0]['recipients'][0]['last_reply'], server.queue()
            dovecot.start()
            server.wait_queue_empty()
            equal(len(dovecot.by_imap('u@d.test')), 1, 'messages')


def test_a_kept_connection_that_died_costs_nothing():
    with Dovecot({'u@d.test': ''}) as dovecot, through(dovecot, 'tcp', queue={'retry': ['1h']}) as server:
        send(server, recipients=['u@d.test'])
        server.wait_queue_empty()
        dovecot.stop()
        dovecot.start()
        send(server, recipients=['u@d.test'])
        server.wait_queue_empty()
        equal(len(dovecot.by_imap('u@d.test')), 2, 'messages')
        assert 'status=deferred' not in server.log(), server.log()


def test_postern_killed_while_it_delivers_loses_nothing():
    with Dovecot({'u@d.test': ''}) as dovecot, through(dovecot) as server:
        with server.connect() as wire:
            wire.greet()
            for number in range(200):
                wire.deliver(b'Subject: %d\r\n\r\nx\r\n' % number)
        server.kill()
        server.start()
        server.wait_queue_empty(60)
        seen = {re.search(rb'\r\nSubject: (\d+)\r\n', raw)[1] for raw in dovecot.by_imap('u@d.test')}
        equal(len(seen), 200, 'different messages')
