"""Servers that fail at every step, in every way that Postfix's smtp-sink knows: no message is lost, what is refused for now is kept and tried
again without a word to its sender, what is refused for good is told of once, and an end whose outcome nobody knows is written down."""
import re

from contextlib import ExitStack

from deadline import contains, equal, until
from ports import free_port
from sinks import Sending, Sink

LONG = 150  # seconds: whoever is away is asked every 60 s
STEPS = ('CONNECT', 'EHLO', 'MAIL', 'RCPT', 'DATA', '.')
EIGHT_BITS = 'Subject: dva\r\nFrom: u@d.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n' \
             'Žluťoučký kůň\r\n.\r\n..two\r\nthe end\r\n'.encode()


def domains(cases):
    """{domain: words of the sink}; the domain says what the sink does."""
    made = {}
    for words in cases:
        plain = re.sub('[A-Z]', lambda big: 'big-' + big[0], words[0]) + ' ' + ' '.join(words[1:]).replace('.', 'dot')
        made[re.sub('[^a-z0-9]+', '-', plain.lower()).strip('-') + '.sink.test'] = words
    assert len(made) == len(cases), cases
    return made


def lines(server, domain, status):
    return [line for line in server.log().splitlines() if f'to=<x@{domain}>' in line and f'status={status}' in line]


class Sinks:
    """One for each case, and a Postern that sends to all of them."""

    def __init__(self, cases):
        self.of = domains(cases)
        self.ports = {domain: free_port() for domain in self.of}
        self.stack = ExitStack()

    def __enter__(self):
        self.sinks = {domain: self.stack.enter_context(Sink(*words, port=self.ports[domain])) for domain, words in self.of.items()}
        self.server = self.stack.enter_context(Sending(self.ports))
        return self

    def __exit__(self, *what):
        return self.stack.__exit__(*what)

    def send(self, content):
        with self.server.login() as wire:
            for domain in self.of:
                self.server.send(f'x@{domain}', content=content, wire=wire)
            wire.quit()

    def mend(self):
        """Each becomes one that takes everything."""
        for domain, old in list(self.sinks.items()):
            old.__exit__()
            self.sinks[domain] = self.stack.enter_context(Sink(port=self.ports[domain]))


def bodies(sink):
    """What the sender wrote, of each message there."""
    return [one[one.index(b'\n\n') + 2:].rstrip(b'\n') for one in sink.taken()]


def body_of(content):
    return content[content.index(b'\r\n\r\n') + 4:].replace(b'\r\n', b'\n').rstrip(b'\n')


def test_what_fails_for_now_is_kept_without_a_word_and_arrives():
    cases = [('-q', step) for step in STEPS] + [('-Q', step) for step in STEPS] + [('-r', step) for step in STEPS]
    cases += [('-r', 'MAIL', '-b', '452 4.3.1 no room'), ('-r', 'RCPT', '-b', '452 4.5.3 too many'), ('-f', 'CONNECT'), ('-r', 'HELO,EHLO')]
    with Sinks(cases) as all_of:
        all_of.send(EIGHT_BITS)
        server = all_of.server
        for domain in all_of.of:
            until(f'{domain}: a deferral', lambda: lines(server, domain, 'deferred'))
        for domain in ('q-dot.sink.test',):
            contains(lines(server, domain, 'deferred')[0], 'may have been delivered', domain)
        for domain in set(all_of.of) - {'q-dot.sink.test'}:
            assert 'may have been delivered' not in lines(server, domain, 'deferred')[0], domain
        all_of.mend()
        server.wait_queue_empty(LONG)
        for domain, sink in all_of.sinks.items():
            equal(bodies(sink), [body_of(EIGHT_BITS)], domain)
            equal(len(lines(server, domain, 'sent')), 1, f'{domain}: deliveries')
            equal(lines(server, domain, 'bounced'), [], f'{domain}: failures')
        equal(server.messages(), [], 'notices')


def test_what_is_refused_for_good_is_told_of_once():
    cases = [('-f', step) for step in ('MAIL', 'RCPT', 'DATA', '.')] + [('-A', '0')]
    cases += [('-f', '.', '-B', '554 5.7.1 spam'), ('-f', 'RCPT', '-B', '552 5.2.2 full'), ('-f', 'RCPT', '-B', '552 too many or full')]
    with Sinks(cases) as all_of:
        all_of.send(EIGHT_BITS)
        server = all_of.server
        server.wait_queue_empty()
        for domain in all_of.of:
            equal((len(lines(server, domain, 'bounced')), lines(server, domain, 'deferred')), (1, []), domain)
        until('notices', lambda: len(server.messages()) >= len(cases))
        server.wait_queue_empty()
        told = [one.content.decode() for one in server.messages()]
        equal(sorted(domain for domain in all_of.of for one in told if f'Final-Recipient: rfc822; x@{domain}' in one), sorted(all_of.of), 'who is told of')


def test_a_content_that_is_refused_before_its_end_has_failed():
    """The server says so and stops reading: most of the content never goes."""
    content = b'From: u@d.test\r\nSubject: long\r\n\r\n' + b'x' * 70 + b'\r\n'
    with Sinks([('-A', '0'), ('-A', '1')]) as all_of:
        all_of.send(content + (b'y' * 70 + b'\r\n') * 130_000)
        all_of.server.wait_queue_empty(60)
        for domain in all_of.of:
            equal(len(lines(all_of.server, domain, 'bounced')), 1, domain)
        equal(len(all_of.server.messages()), 2, 'notices')


def test_what_a_server_does_not_know_or_refuses_beside_the_mail_is_no_trouble():
    cases = [('-8',), ('-C',), ('-E',), ('-e',), ('-F',), ('-a',), ('-N',), ('-p',), ('-P',), ('-8', '-p'), ('-e', '-8')]
    cases += [(how, step) for how in ('-q', '-Q', '-r', '-f') for step in ('RSET', 'QUIT')] + [('-f', 'EHLO'), ('-f', 'EHLO', '-8')]
    cases += [('-w', '3'), ('-H', '2'), ('-p', '-W', 'RCPT:2'), ('-W', 'EHLO:2'), ('-W', '.:3'), ('-W', 'CONNECT:5'), ('-T', '100'), ('-m', '1')]
    with Sinks(cases) as all_of:
        all_of.send(EIGHT_BITS)
        server = all_of.server
        server.wait_queue_empty(60)
        for domain, sink in all_of.sinks.items():
            equal((len(lines(server, domain, 'sent')), len(lines(server, domain, 'deferred'))), (1, 0), domain)
            words = all_of.of[domain]
            got = sink.taken()
            equal(len(got), 1, domain)
            is_old = '-8' in words or '-e' in words or '-P' in words or ('-f', 'EHLO') == words[:2]
            equal(got[0].isascii(), is_old, f'{domain}: encoded')
            if is_old:
                contains(got[0], b'\nContent-Transfer-Encoding: quoted-printable\n', domain)
                contains(got[0], b'=C5=BDlu=C5=A5ou=C4=8Dk=C3=BD k=C5=AF=C5=88\n', domain)
            else:
                equal(bodies(sink), [body_of(EIGHT_BITS)], domain)
        equal(server.messages(), [], 'notices')
