"""The log: one line an event, ids on every line, and nothing that a peer sends gets out of its place."""
import json
import os
import re
import subprocess

from deadline import equal
from server import BINARY, Server
from wire import Wire

TEXT_LINE = re.compile(r'[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d mx\.d\.test postfix/[a-z]+\[\d+\]: [^\x00-\x1f\x7f]+')
HOSTILE = ['x\x1b[2J', '\x1b]0;title\x07', 'a\tb', 'x%n%s', 'x\u202etxt', 'x\u2028y', 'x session=FORGED', '\'"><&', 'x\\n']
MESSAGE = b'Message-ID: <1@s.test>\r\nSubject: x\r\n\r\nx\r\n'


def attack(server):
    """Hostile octets at every place that is logged."""
    for text in HOSTILE:
        octets = text.encode()
        lines = [b'EHLO ' + octets, b'EHLO c.test', b'MAIL FROM:<' + octets + b'@s.test> SMTPUTF8', b'MAIL FROM:<"' + octets + b'"@s.test> SMTPUTF8',
                 b'RSET', b'MAIL FROM:<a@s.test> SMTPUTF8', b'RCPT TO:<' + octets + b'@d.test>', b'RCPT TO:<"' + octets + b'"@d.test>',
                 b'RCPT TO:<u@d.test> ORCPT=' + octets, octets, b'RCPT TO:<u@d.test>', b'DATA']
        with server.connect() as wire:
            wire.expect('220 ')
            for line in lines:
                wire.send(line + b'\r\n')
                wire.reply()
            wire.send(b'Message-ID: <' + octets + b'@s.test>\r\nSubject: ' + octets + b'\r\n\r\nx\r\n.\r\n')
            wire.expect('250 2.0.0')
            wire.quit()
    for octets in (b'\xff\xfe', b'\xc0\x80', b'a\rb', b'a\nNov 24 00:00:00 mx.d.test postfix/smtpd[1]: forged', b'a\0b', b'x' * 2000):
        with server.connect() as wire:
            wire.expect('220 ')
            wire.send(b'EHLO ' + octets + b'\r\n')
            wire.reply()
    server.wait_queue_empty()


def test_text():
    with Server() as server:
        attack(server)
        server.stop()
        lines = server.log().split('\n')
        equal(lines.pop(), '', 'the end')
        for line in lines:
            assert TEXT_LINE.fullmatch(line), f'no line of ours: {line!r}'
            assert 'forged' not in line.split('postfix/')[-1].split(']: ')[0], line
            assert '\u202e' not in line and '\u2028' not in line, line
            assert len(re.findall(r'[ ,]session=', line)) <= 1, f'a second session id: {line!r}'


def test_json():
    with Server(log={'format': 'json', 'level': 'debug'}) as server:
        attack(server)
        server.stop()
        lines = server.log().split('\n')
        equal(lines.pop(), '', 'the end')
        events = set()
        for line in lines:
            assert not re.search('[\x00-\x1f\x7f\u202e\u2028]', line), repr(line)
            row = json.loads(line)
            events.add(row['event'])
            assert all(not re.search('[\x00-\x1f\x7f\u202e\u2028]', str(value)) for value in row.values()), repr(line)
        wanted = {'connected', 'disconnected', 'accepted', 'delivered', 'rejected', 'removed'}
        equal(wanted - events, set(), 'events that were missed')


def traffic(server):
    """Some of everything; returns the queue id."""
    with server.connect() as wire:
        wire.greet()
        wire.secure()
        wire.command('FOO', '500 ')
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.command('RCPT TO:<x@d.test>', '550 ')
        wire.command('RSET', '250 ')
        identity = wire.deliver(MESSAGE)
        wire.quit()
    with server.connect() as wire:
        wire.greet()
        wire.begin()
        wire.reset()
    server.wait_messages(1)
    server.wait_log('lost connection|lost_connection')
    return identity


def test_ids_in_text():
    with Server() as server:
        identity = traffic(server)
        server.stop()
        session = re.compile(r'session=[0-9A-Z]{13}$')
        for line in server.log().splitlines():
            if '/smtpd[' in line:
                assert session.search(line), f'no session id: {line!r}'
        of_message = [line for line in server.log().splitlines() if f': {identity}: ' in line]
        for part in ('client=', 'message-id=<', 'from=<a@s.test>, size=', 'to=<u@d.test>', 'removed'):
            equal(sum(part in line for line in of_message), 1, part)
        equal(len({session.search(line)[0] for line in of_message if session.search(line)}), 1, 'sessions of one message')


def test_ids_in_json():
    with Server(log={'format': 'json'}) as server:
        identity = traffic(server)
        server.stop()
        rows = [json.loads(line) for line in server.log().splitlines()]
        for row in rows:
            if row.get('client'):
                assert row.get('session'), row
            if row['event'] in ('accepted', 'delivered', 'removed'):
                equal(row.get('queue_id'), identity, row['event'])
        equal([row['event'] for row in rows if row.get('queue_id') == identity], ['received', 'accepted', 'delivered', 'removed'],
              'what is told about one message')
        accepted = next(row for row in rows if row['event'] == 'accepted')
        delivered = next(row for row in rows if row['event'] == 'delivered')
        equal(delivered['session'], accepted['session'], 'the session of a delivery')


def test_a_reader_that_stops_reading_holds_up_no_mail():
    with Server() as server:
        server.stop()
        reader, writer = os.pipe()
        server.process = subprocess.Popen([BINARY, '--config', server.config, 'serve'], stdout=writer, stderr=subprocess.DEVNULL)
        os.close(writer)
        text = b''
        while not re.search(rb'address=127\.0\.0\.1:\d+\n', text):
            text += os.read(reader, 4096)
        port = int(re.search(rb'address=127\.0\.0\.1:(\d+)\n', text)[1])
        with Wire(('127.0.0.1', port)) as wire:  # from here on nobody reads the pipe, which holds 64 KiB
            wire.greet()
            for _ in range(400):
                wire.deliver(MESSAGE)
            wire.quit()
        server.wait_messages(400)
        json.loads(server.run('status', '--json'))
        server.kill()
        os.close(reader)
