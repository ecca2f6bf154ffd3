"""What real clients send arrives octet by octet."""
import hashlib
import os
import random
import re
import smtplib
import ssl
from email import message_from_bytes
from email.message import EmailMessage

from clients import exim, smtp_source, swaks
from deadline import contains, equal
from server import Server
from wire import lenient_client

PLAIN = b'From: a@s.test\r\nSubject: plain\r\n\r\nA line.\r\n.\r\n..two dots\r\nThe end.\r\n'
EIGHT_BIT = 'From: a@s.test\r\nSubject: acht\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nŽluťoučký kůň, größer.\r\n'.encode()


def only_message(server, mailbox='u@d.test'):
    return server.wait_messages(1, mailbox)[0]


def test_swaks_plain():
    with Server() as server:
        swaks(server, '--to', 'u@d.test', data=PLAIN)
        got = only_message(server)
        equal(got.content, PLAIN + b'\r\n', 'content')  # swaks adds a line end
        equal(got.return_path, 'a@s.test', 'Return-Path')
        equal(got.delivered_to, 'u@d.test', 'Delivered-To')
        contains(got.received, 'Received: from c.test ([127.0.0.1])', 'Received')
        contains(got.received, 'with ESMTP id', 'Received')
        contains(got.received, 'for <u@d.test>', 'Received')


def test_swaks_starttls():
    with Server() as server:
        output = swaks(server, '--to', 'u@d.test', '--tls', data=PLAIN)
        contains(output, 'TLS started', 'swaks')
        got = only_message(server)
        equal(got.content, PLAIN + b'\r\n', 'content')
        contains(got.received, 'with ESMTPS id', 'Received')
        server.wait_log('Anonymous TLS connection established from .*: TLSv1.3 with cipher')


def test_swaks_implicit_tls():
    with Server({'tls': 'implicit'}) as server:
        swaks(server, '--to', 'u@d.test', '--tls-on-connect', data=PLAIN)
        contains(only_message(server).received, 'with ESMTPS id', 'Received')


def test_swaks_pipelined():
    with Server() as server:
        swaks(server, '--to', 'u@d.test,v@d.test', '--pipeline', data=PLAIN)
        got = only_message(server)
        equal(got.content, PLAIN + b'\r\n', 'content')
        equal(only_message(server, 'v@d.test').content, got.content, 'v')
        assert 'for <' not in got.received, f'`for` tells one recipient of the other: {got.received}'


def test_swaks_eight_bit():
    with Server() as server:
        swaks(server, '--to', 'u@d.test', data=EIGHT_BIT)
        equal(only_message(server).content, EIGHT_BIT + b'\r\n', 'content')


def test_swaks_attachment_of_50_mb():
    with Server() as server:
        block = random.Random(5).randbytes(1 << 20)
        path = server.write('attachment.bin', block * 50)
        swaks(server, '--to', 'u@d.test', '--attach-type', 'application/octet-stream', '--attach', '@' + path, '--suppress-data', within=300)
        got = only_message(server)
        equal(hashlib.sha256(attachment_of(got.raw)).digest(), hashlib.sha256(block * 50).digest(), 'the attachment')
        assert not any(files for _, _, files in os.walk(server.path('state/bodies'))), 'a body file is left behind'


def attachment_of(raw):
    parts = [part for part in message_from_bytes(raw).walk() if part.get_content_type() == 'application/octet-stream']
    return parts[0].get_payload(decode=True)


def test_smtplib_plain():
    with Server() as server, smtplib.SMTP(*server.address(), 'c.test', timeout=20) as client:
        equal(client.sendmail('a@s.test', ['u@d.test'], PLAIN), {}, 'refused recipients')
        equal(only_message(server).content, PLAIN, 'content')


def test_smtplib_refused_recipients_do_not_stop_the_others():
    with Server() as server, smtplib.SMTP(*server.address(), 'c.test', timeout=20) as client:
        refused = client.sendmail('a@s.test', ['x@d.test', 'u@d.test', 'x@f.test'], PLAIN)
        equal(sorted((name, code) for name, (code, _) in refused.items()), [('x@d.test', 550), ('x@f.test', 550)], 'refused')
        equal(only_message(server).content, PLAIN, 'content')


def test_smtplib_starttls():
    with Server() as server, smtplib.SMTP(*server.address(), 'c.test', timeout=20) as client:
        client.starttls(context=lenient_client())
        client.sendmail('a@s.test', ['u@d.test'], PLAIN)
        equal(only_message(server).content, PLAIN, 'content')
        assert not client.has_extn('starttls'), 'STARTTLS is offered within TLS'


def test_smtplib_implicit_tls():
    context = ssl._create_unverified_context()
    with Server({'tls': 'implicit'}) as server, smtplib.SMTP_SSL(*server.address(), 'c.test', timeout=20, context=context) as client:
        client.sendmail('a@s.test', ['u@d.test'], PLAIN)
        equal(only_message(server).content, PLAIN, 'content')


def test_smtplib_utf8_addresses():
    with Server() as server:
        server.run('mailbox', 'add', 'ü@d.test')
        message = EmailMessage()
        message['From'], message['To'], message['Subject'] = 'ä@s.test', 'ü@d.test', 'ö'
        message.set_content('ž\n')
        with smtplib.SMTP(*server.address(), 'c.test', timeout=20) as client:
            equal(client.send_message(message), {}, 'refused recipients')
        got = only_message(server, 'ü@d.test')
        contains(got.received, 'with UTF8SMTP id', 'Received')
        equal(got.return_path, 'ä@s.test', 'Return-Path')
        contains(got.content, 'Subject: ö\r\n'.encode(), 'content')


def test_smtplib_eight_bit():
    with Server() as server, smtplib.SMTP(*server.address(), 'c.test', timeout=20) as client:
        client.sendmail('a@s.test', ['u@d.test'], EIGHT_BIT, mail_options=['BODY=8BITMIME'])
        equal(only_message(server).content, EIGHT_BIT, 'content')


def send_many(count, sessions):
    with Server() as server:
        smtp_source(server, '-s', str(sessions), '-m', str(count), '-l', '2000', '-f', 'a@s.test', '-t', 'u@d.test', '-M', 'c.test')
        server.wait_queue_empty(600)
        got = server.messages()
        equal(len(got), count, 'messages')
        subjects = {re.search(rb'Message-Id: <([^>]*)>', message.content)[1] for message in got}
        equal(len(subjects), count, 'different messages')
        bodies = {message.content.partition(b'\r\n\r\n')[2] for message in got}
        equal(len(bodies), 1, 'different bodies')
        assert len(bodies.pop()) >= 1900


def test_smtp_source_2000_messages():
    send_many(2000, 50)


def test_smtp_source_20000_messages():
    send_many(20000, 50)


test_smtp_source_20000_messages.long = True


def sent_by_exim(tls, protocol):
    with Server() as server:
        body = b'From: a@s.test\nSubject: from Exim\n\n.\n..\nA line.\n'
        log = exim(server, body, 'u@d.test', tls=tls)
        contains(log, '=> u@d.test', "Exim's log")
        assert re.search(r'=> u@d\.test .* K C="250 2\.0\.0 Ok: queued as', log), f'Exim used no BDAT (K in its log): {log}'
        got = only_message(server)
        contains(got.received, f'with {protocol} id', 'Received')
        assert got.content.endswith(b'\r\n\r\n.\r\n..\r\nA line.\r\n'), f'content: {got.content!r}'


def test_exim_sends_chunks():
    sent_by_exim(tls=False, protocol='ESMTP')


def test_exim_sends_chunks_over_tls():
    sent_by_exim(tls=True, protocol='ESMTPS')
