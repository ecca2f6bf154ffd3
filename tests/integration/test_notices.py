"""What senders are told: notices of failure, of delay, and of delivery where it was asked for."""
import collections
import email
import json
import os
import re
import socket
import threading
import time

from deadline import equal, until
from server import Server

MESSAGE = b'Message-ID: <1@s.test>\r\nSubject: the subject\r\n\r\nthe body\r\n'


def blocked(server, mailbox):
    """Nothing can be delivered to the mailbox: a file stands where its Maildir should be."""
    path = server.maildir(mailbox)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb'):
        pass


def notice(raw):
    """(subject, text for people, fields of the message, fields of each recipient, what is returned, if anything) of a notice."""
    message = email.message_from_bytes(raw)
    equal(message.get_content_type(), 'multipart/report', 'type')
    equal(message.get_param('report-type'), 'delivery-status', 'report-type')
    equal(message['Auto-Submitted'], 'auto-replied', 'Auto-Submitted')
    text, status, *returned = message.get_payload()
    groups = status.get_payload()
    return message['Subject'], text.get_payload(), groups[0], groups[1:], returned[0].get_payload() if returned else None


def send(server, message=MESSAGE, sender='u@d.test', recipients=('v@d.test',), mail='', rcpt=''):
    with server.connect() as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>{mail}', '250 ')
        for recipient in recipients:
            wire.command(f'RCPT TO:<{recipient}>{rcpt}', '250 ')
        wire.command('DATA', '354 ')
        wire.send(message + b'.\r\n')
        wire.expect('250 2.0.0')
        wire.quit()


QUICK = {'retry': ['1s'], 'expire': '1s'}


def test_a_sender_is_told_of_a_failure():
    with Server(queue=QUICK) as server:
        blocked(server, 'v@d.test')
        send(server, recipients=['v@d.test'], mail=' ENVID=QQ+2B1', rcpt=' ORCPT=rfc822;v+40d.test')
        got = server.wait_messages(1)[0]
        equal(got.return_path, '', 'Return-Path')
        subject, text, of_message, (of_recipient,), returned = notice(got.raw)
        equal(subject, 'Undelivered Mail Returned to Sender', 'subject')
        assert '<v@d.test>: failed (5.4.7)' in text and 'Maildir' in text, text
        equal(of_message['Original-Envelope-Id'], 'QQ+1', 'envelope id')
        equal(of_message['Reporting-MTA'], 'dns; mx.d.test', 'Reporting-MTA')
        equal(of_recipient['Action'], 'failed', 'Action')
        equal(of_recipient['Status'], '5.4.7', 'Status')
        equal(of_recipient['Final-Recipient'], 'rfc822; v@d.test', 'Final-Recipient')
        equal(of_recipient['Original-Recipient'], 'rfc822; v@d.test', 'Original-Recipient')
        equal(returned[0]['Subject'], 'the subject', 'what is returned')
        equal(returned[0].get_payload(), 'the body\r\n', 'the body that is returned')
        server.wait_log(r'postfix/bounce\[\d+\]: \w+: notice to the sender: \w+')


def test_only_the_header_is_returned_where_the_sender_wants_it_or_the_message_is_long():
    for mail, message in ((' RET=HDRS', MESSAGE), ('', MESSAGE + b'x' * 70000 + b'\r\n')):
        with Server(queue=QUICK) as server:
            blocked(server, 'v@d.test')
            send(server, message, mail=mail)
            raw = server.wait_messages(1)[0].raw
            assert b'Content-Type: text/rfc822-headers' in raw and b'the subject' in raw and b'the body' not in raw, raw


def test_nobody_is_told_who_does_not_want_it():
    with Server(queue=QUICK) as server:
        blocked(server, 'v@d.test')
        for sender, rcpt in (('', ''), ('u@d.test', ' NOTIFY=NEVER'), ('u@d.test', ' NOTIFY=DELAY'), ('nobody@d.test', '')):
            send(server, sender=sender, rcpt=rcpt)
        server.wait_queue_empty()
        equal(server.messages(), [], 'notices')
        server.wait_log('nobody is told: the sender is <>')
        server.wait_log("nobody is told: the sender's address leads nowhere")
        equal(server.log().count('status=bounced'), 4, 'failures in the log')


def test_a_delivery_is_told_of_where_it_was_asked_for():
    with Server() as server:
        send(server, rcpt=' NOTIFY=SUCCESS,FAILURE')
        server.wait_queue_empty()
        equal(len(server.messages('v@d.test')), 1, 'messages')
        subject, _, _, (of_recipient,), _ = notice(server.messages()[0].raw)
        equal(subject, 'Successful Mail Delivery Report', 'subject')
        equal((of_recipient['Action'], of_recipient['Status']), ('delivered', '2.0.0'), 'what happened')


def test_a_delay_is_told_of_once():
    with Server(queue={'retry': ['1s'], 'expire': '1h', 'delay_notice': '1s'}) as server:
        blocked(server, 'v@d.test')
        send(server)
        until('a notice', lambda: server.messages())
        subject, text, _, (of_recipient,), _ = notice(server.messages()[0].raw)
        equal(subject, 'Delayed Mail (still being retried)', 'subject')
        equal(of_recipient['Action'], 'delayed', 'Action')
        assert of_recipient['Will-Retry-Until'] and 'YOU DO NOT NEED TO SEND' in text, text
        until('more tries', lambda: server.queue()[0]['recipients'][0]['tries'] > 4)
        equal(len(server.messages()), 1, 'notices')
        server.stop()
        server.start()
        until('more tries', lambda: server.queue()[0]['recipients'][0]['tries'] > 6)
        equal(len(server.messages()), 1, 'notices after a restart')


def test_one_notice_tells_of_all_recipients_and_those_that_have_it_hear_nothing():
    with Server(queue=QUICK) as server:
        server.run('mailbox', 'add', 'w@d.test')
        blocked(server, 'v@d.test')
        blocked(server, 'w@d.test')
        send(server, recipients=['v@d.test', 'w@d.test', 'u@d.test'])
        got = server.wait_messages(2)
        _, _, _, groups, _ = notice(got[1].raw)
        equal([group['Final-Recipient'] for group in groups], ['rfc822; v@d.test', 'rfc822; w@d.test'], 'who is named')


def test_of_a_notice_that_cannot_be_delivered_nobody_is_told():
    """LP-05."""
    with Server(queue=QUICK) as server:
        blocked(server, 'u@d.test')
        blocked(server, 'v@d.test')
        send(server, recipients=['v@d.test'])
        server.wait_log('notice to the sender')
        about = server.wait_log('notice to the sender: (\\w+)')[1]
        server.wait_log(f'{about}: removed')
        server.wait_queue_empty()
        equal(server.log().count('notice to the sender'), 1, 'notices')
        assert f'{about}: to=<u@d.test>' in server.log() and 'status=bounced' in server.log()


class Refusing:
    """A server that refuses every recipient for good."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def address(self):
        return '127.0.0.1:%d' % self.listener.getsockname()[1]

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its replies come one by one
            threading.Thread(target=self.converse, args=(client.makefile('rwb'),), daemon=True).start()

    def converse(self, stream):
        def say(line):
            stream.write(line + b'\r\n')
            stream.flush()

        say(b'220 refusing.test')
        for line in stream:
            verb = line[:4].upper()
            if verb == b'EHLO':
                say(b'250-refusing.test\r\n250-PIPELINING\r\n250 8BITMIME')
            elif verb == b'RCPT':
                say(b'550 5.1.1 ' + line[8:].strip() + b' User unknown')
            else:
                say(b'503 5.5.1 no recipients' if verb == b'DATA' else b'250 ok')


def notices(server):
    return [row for row in server.queue() if not row['sender']]


def told_of(rows):
    """How many of the messages wait for their sender to be told."""
    return sum(all(to['state'] == 'to be told' for to in row['recipients']) for row in rows if row['sender'])


def test_a_refusal_is_told_with_the_server_its_words_and_the_id_in_the_log():
    with Server(**{'relay.route': {'"o.test"': Refusing().address}}) as server:
        server.run('alias', 'add', 'x@d.test', 'x@o.test')
        send(server, sender='u@d.test', recipients=['x@d.test'])
        raw = server.wait_messages(1)[0].raw
        _, text, _, (of_recipient,), _ = notice(raw)
        about = server.wait_log(r'(\w+): notice to the sender: \w+')[1]
        equal(of_recipient['Final-Log-ID'], about, 'Final-Log-ID')
        equal(of_recipient['Final-Recipient'], 'rfc822; x@d.test', 'Final-Recipient')
        equal(of_recipient['Remote-MTA'], 'dns; [127.0.0.1]', 'Remote-MTA')
        equal(of_recipient['Diagnostic-Code'], 'smtp; 550 5.1.1 <x@o.test> User unknown', 'Diagnostic-Code')
        assert of_recipient['Last-Attempt-Date'] and of_recipient['Will-Retry-Until'] is None, of_recipient
        assert '[127.0.0.1] said:' in text and b'8bit' not in raw, text


def test_of_failures_beyond_the_limit_the_sender_is_told_later():
    """LP-07: a thousand messages to a hundred recipients each that are all refused: one notice a message, so many in an hour and no more,
    and nothing is lost: the rest is told when the limit lets it."""
    aliases = [f'b{number}' for number in range(100)]
    with Server(queue={'retry': ['1h'], 'notices_per_hour': 50}, **{'relay.route': {'"o.test"': Refusing().address}}) as server:
        for alias in aliases:
            server.run('alias', 'add', f'{alias}@d.test', f'{alias}@o.test')
        recipients = b''.join(b'RCPT TO:<%s@d.test>\r\n' % alias.encode() for alias in aliases)
        began = time.monotonic()
        with server.connect() as wire:
            wire.greet()
            for _ in range(1000):
                wire.send(b'MAIL FROM:<a@s.test>\r\n' + recipients + b'DATA\r\n')
                for _ in range(101):
                    wire.expect('250 ')
                wire.expect('354 ')
                wire.send(b'Subject: x\r\n\r\n' + (b'y' * 900 + b'\r\n') * 30 + b'.\r\n')
                wire.expect('250 2.0.0')

        def failed():
            return json.loads(server.run('status', '--json'))['failed']

        until('all to be tried', lambda: failed() == 100_000, 240)
        until('what came of it', lambda: told_of(server.queue()) == 950)
        took = time.monotonic() - began
        assert took < 120, f'{took:.0f} s for 1000 messages of 100 recipients each'
        told = notices(server)
        equal(len(told), 50, 'notices in the first hour')
        assert max(row['size'] for row in told) <= 65536, told
        equal(server.log().count('the sender is told later: queue.notices_per_hour is reached'), 950, 'lines of the log')
        server.run('queue', 'retry', '--recipient', '@o.test')  # changes nothing about the limit
        until('another look', lambda: told_of(server.queue()) == 950)
        equal(len(notices(server)), 50, 'notices after a look')
        server.stop()
        equal(told_of(server.queue()), 950, 'after the end')
        server.settings['queue']['notices_per_hour'] = 0
        server.configure()
        server.start()
        server.run('queue', 'retry', '--recipient', '@o.test')
        until('all to be told', lambda: len(notices(server)) == 1000, 120)
        equal(told_of(server.queue()), 0, 'left')
        named = collections.Counter(re.findall(r'(\w+): notice to the sender: \w+', server.log(0)))
        equal((len(named), set(named.values())), (1000, {1}), 'notices of each message')


def test_many_failures_are_told_once_each():
    """LP-07: a hundred messages to a hundred mailboxes each that can't be delivered: a notice a message, or two where an attempt went on
    into another second; nobody is named twice, and of a long message only its header is returned."""
    boxes = [f'b{number}@d.test' for number in range(100)]
    with Server(queue=QUICK) as server:
        for box in boxes:
            server.run('mailbox', 'add', box)
            blocked(server, box)
        for _ in range(100):
            send(server, MESSAGE + b'y' * 100_000 + b'\r\n', recipients=boxes)
        server.wait_queue_empty(within=120)
        got = server.messages()
        assert 100 <= len(got) <= 200, f'{len(got)} notices'
        named = collections.Counter(group['Final-Recipient'] for message in got for group in notice(message.raw)[3])
        equal(set(named.values()), {100}, 'how often each is named')
        equal(len(named), len(boxes), 'who is named')
        assert all(len(message.raw) < 100_000 for message in got)


def test_a_notice_to_another_server_waits_in_the_queue():
    with Server(queue={'retry': ['1h']}) as server:  # it would be gone again after queue.expire
        blocked(server, 'v@d.test')
        send(server, sender='a@s.test')
        until('a try', lambda: server.queue()[0]['recipients'][0]['tries'])
        server.run('queue', 'bounce', '--all')
        row, = until('the notice', lambda: [row for row in server.queue() if row['sender'] == ''])
        equal((row['recipients'][0]['address'], row['recipients'][0]['route']), ('a@s.test', 'outside'), 'where it goes')
