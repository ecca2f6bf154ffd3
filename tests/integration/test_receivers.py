"""What our people send to other servers is what these store: Postfix, Exim and OpenSMTPD, under TLS, with every extension that they have."""
import hashlib
import re

from deadline import contains, equal, until
from ports import free_port
from receivers import Exim, OpenSmtpd, Postfix, field
from server import Server
from sinks import Sending
from test_submission import LISTENERS

MINUTE = 60
FIELDS = b'From: Jan <u@d.test>\r\nMessage-ID: <own@d.test>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n'
DOTS = b'.\r\n..\r\n.x\r\n\r\n' + b'l' * 990 + b'\r\n. \r\n'
PLAIN = FIELDS + b'Subject: plain\r\n\r\n' + DOTS + b'From the end\r\n'
EIGHT_BITS = FIELDS + b'Subject: eight\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' + \
             DOTS + 'Žluťoučký kůň\r\n'.encode()
UNICODE = 'Subject: Žluť\r\n'.encode() + FIELDS + b'\r\nx\r\n'
LONG = FIELDS + b'Subject: long\r\n\r\n' + b''.join(b'%07d %s\r\n' % (number, b'.' * 66) for number in range(380_000))
MANY = 1000
KINDS = (Postfix, Exim, OpenSmtpd)


class Pair:
    """A receiver, and a Postern that sends to it. Notices of the one come to the other."""

    def __init__(self, kind, **options):
        back = free_port()
        self.receiver = kind(back=back, **options)
        listeners = [{**row, 'max_message_size': '60MB'} for row in LISTENERS]
        listeners[0].update(address=f'127.0.0.1:{back}', tier='a')
        self.server = Sending({'o.test': self.receiver.port}, listener=listeners,
                              submission={'max_recipients': MANY, 'hourly_limit': 0, 'first_time_recipients': 0}, suspension={'mode': 'off'})

    def __enter__(self):
        self.receiver.__enter__()
        self.server.__enter__()
        return self.server, self.receiver

    def __exit__(self, *what):
        self.server.__exit__(*what)
        self.receiver.__exit__(*what)


def arrived(server, receiver, count, within=MINUTE):
    """Its messages, once the last one is there, and nothing waits here or was put off."""
    try:
        stored = receiver.wait_stored(count, within)
    except AssertionError as trouble:
        raise AssertionError(f'{trouble}: {server.log()[-1500:]} {receiver.log()[-1500:]}') from None
    server.wait_queue_empty()
    equal(re.findall('status=(?:deferred|bounced).*', server.log()), [], 'trouble')
    equal(len(stored), count, 'messages')
    return stored


def same(stored, content, what):
    wanted = content.replace(b'\r\n', b'\n')
    if not stored.endswith(wanted):
        ends = [hashlib.sha256(text).hexdigest()[:16] for text in (stored[-len(wanted):], wanted)]
        raise AssertionError(f'{what}: {len(stored)} octets are stored, {len(wanted)} were sent: {ends}; {stored[:1500]!r}')


def is_secured(stored):
    received = field(stored, 'Received')
    return b'TLS' in received or b'esmtps' in received


def cases():
    for kind in KINDS:
        for test in (text_arrives_as_it_was_sent, long_text_arrives_as_it_was_sent, many_recipients_have_a_copy_each, what_became_of_it_is_told,
                     addresses_beyond_ascii):
            yield f'{test.__name__}: {kind.name}', lambda test=test, kind=kind: test(kind)


def text_arrives_as_it_was_sent(kind):
    with Pair(kind) as (server, receiver):
        for content, parameters in ((PLAIN, ''), (EIGHT_BITS, ' BODY=8BITMIME'), (EIGHT_BITS, '')):
            before = len(receiver.stored())
            server.send('x@o.test', content=content, parameters=parameters)
            arrived(server, receiver, before + 1)
        for one in receiver.stored():
            # Debian 12's OpenSMTPD fails in every handshake (its own keys and OpenSSL 3): then it is plain.
            equal(is_secured(one), kind is not OpenSmtpd, f'TLS: {one[:600]!r}')
            same(one, PLAIN if b'Subject: plain' in one else EIGHT_BITS, kind.name)


def long_text_arrives_as_it_was_sent(kind):
    with Pair(kind) as (server, receiver):
        assert 28_000_000 < len(LONG) < 30_000_000, len(LONG)
        server.send('x@o.test', content=LONG)
        same(arrived(server, receiver, 1, 3 * MINUTE)[0], LONG, kind.name)


def many_recipients_have_a_copy_each(kind, **options):
    with Pair(kind, **options) as (server, receiver):
        server.send(*[f'x{number}@o.test' for number in range(MANY)], content=PLAIN)
        stored = arrived(server, receiver, MANY, 3 * MINUTE)
        to = {(field(one, 'Envelope-to') or field(one, 'Delivered-To')).decode() for one in stored}
        equal(to, {f'x{number}@o.test' for number in range(MANY)}, 'recipients')
        for one in stored:
            same(one, PLAIN, kind.name)
        return server.log()


def test_those_who_are_too_many_for_a_server_follow_at_once():
    """Postfix says 452 4.5.3 from the 301st on."""
    many_recipients_have_a_copy_each(Postfix, recipients=300)


def what_became_of_it_is_told(kind):
    """NOTIFY, ENVID and ORCPT are theirs: they tell of the success, we don't."""
    with Pair(kind) as (server, receiver):
        server.send('<x@o.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first+2Bone@d.test', content=PLAIN, parameters=' RET=HDRS ENVID=an+2Bid')
        arrived(server, receiver, 1)
        until('a notice', server.messages)
        notices = [one.content.decode() for one in server.messages()]
        equal(len(notices), 1, 'notices')
        if kind is OpenSmtpd:  # in words of its own
            contains(notices[0], 'Subject: Delivery status notification: delivered', kind.name)
            return
        contains(notices[0].replace('+2B', '+'), 'Original-Recipient: rfc822;first+one@d.test', kind.name)
        contains(notices[0].replace('+2B', '+'), 'an+id', kind.name)


def addresses_beyond_ascii(kind):
    """OpenSMTPD knows none: their sender is told."""
    with Pair(kind) as (server, receiver):
        server.send('žluť@o.test', content=UNICODE, parameters=' SMTPUTF8')
        if kind is not OpenSmtpd:
            same(arrived(server, receiver, 1)[0], UNICODE, kind.name)
            return
        until('a notice', server.messages)
        contains(server.log(), 'dsn=5.6.7, status=bounced', 'the log')
        equal(receiver.stored(), [], 'what is stored')


def test_text_is_encoded_for_a_server_without_8bitmime_and_a_signed_one_is_returned():
    signed = FIELDS + b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; micalg=pgp-sha256; protocol="application/pgp-signature"\r\n\r\n' \
        b'--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n'
    with Pair(Postfix, discard='8bitmime, chunking') as (server, receiver):
        server.send('x@o.test', content=EIGHT_BITS, parameters=' BODY=8BITMIME')
        stored = arrived(server, receiver, 1)[0]
        assert stored.isascii(), stored
        contains(stored, b'\nContent-Transfer-Encoding: quoted-printable\n', 'the header')
        contains(stored, b'=C5=BDlu=C5=A5ou=C4=8Dk=C3=BD k=C5=AF=C5=88\n', 'the body')
        server.send('x@o.test', content=signed, parameters=' BODY=8BITMIME')
        server.wait_log(r'dsn=5\.6\.3, status=bounced .*can.t be encoded')
        until('a notice', server.messages)
        equal(len(receiver.stored()), 1, 'messages')


def test_a_message_larger_than_the_server_takes_is_not_offered():
    with Pair(Postfix, size=100_000) as (server, receiver):
        server.send('x@o.test', content=PLAIN + b'y' * 70 * 1500 + b'\r\n')
        server.wait_log(r'dsn=5\.3\.4, status=bounced .*the next server takes 100000')
        until('a notice', server.messages)
        assert ' mail=1' not in receiver.log(), receiver.log()


def test_a_server_that_has_had_enough_of_a_connection_is_given_the_rest_over_another():
    """Exim answers the third MAIL of a connection with 421."""
    with Pair(Exim, messages=2) as (server, receiver):
        with server.login() as wire:
            for number in range(7):
                server.send('x@o.test', content=PLAIN + b'%d\r\n' % number, wire=wire)
            wire.quit()
        stored = arrived(server, receiver, 7)
        equal(sorted(one.rsplit(b'\n', 2)[1] for one in stored), [b'%d' % number for number in range(7)], 'messages')
        contains(receiver.log(), 'too many messages in one connection', 'the log')


def test_the_limits_that_a_server_tells_are_kept():
    """Our own tells RCPTMAX."""
    port = free_port()
    few, many = 100, 230
    with Server({'address': f'127.0.0.1:{port}', 'tier': 'a'}, server={'hostname': 'mx.o.test'}, limits={'max_recipients': few, 'error_delay': '0s'}) as receiver:
        receiver.run('domain', 'add', 'o.test')
        receiver.run('mailbox', 'add', 'x@o.test')
        for number in range(many):
            receiver.run('alias', 'add', f'x{number}@o.test', 'x@o.test')
        with Sending({'o.test': port}, submission={'max_recipients': MANY, 'hourly_limit': 0, 'first_time_recipients': 0}, suspension={'mode': 'off'}) as server:
            server.send(*[f'x{number}@o.test' for number in range(many)], content=PLAIN)
            server.wait_queue_empty(MINUTE)
            equal(len(re.findall('status=sent', server.log())), many, 'deliveries')
            equal(re.findall('status=(?:deferred|bounced).*', server.log()), [], 'trouble')
            equal(len(re.findall('nrcpt=', receiver.log())), 3, 'transactions')
            equal(receiver.log().count('Too many recipients'), 0, 'refusals')
