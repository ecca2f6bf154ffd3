"""Aliases that lead to other servers, and senders rewritten for them (SRS): three servers, of which the last evaluates SPF in earnest, with
names that unbound serves. The first (s.test) sends, the second (d.test) forwards, the last (o.test) receives."""
import base64
import hashlib
import hmac
import os
import re
import struct
import time
from contextlib import ExitStack, contextmanager

from deadline import contains, equal, until
from names import Names
from ports import free_port
from server import Server
from test_notices import notice

SENDER = 'a.Person@s.test'
FIRST_ADDRESS = '127.0.0.2'  # where s.test sends from; the others are at 127.0.0.1
RECORDS = [line for name, addresses in (('s.test', FIRST_ADDRESS), ('d.test', '127.0.0.1'), ('o.test', '127.0.0.1'))
           for line in (f'{name}. 60 IN TXT "v=spf1 ip4:{addresses} -all"', f'{name}. 60 IN MX 10 mx.{name}.', f'mx.{name}. 60 IN A {addresses}')]
MESSAGE = b'Subject: x\r\nFrom: <a.person@s.test>\r\n\r\nx\r\n'
REWRITTEN = r'SRS0=([A-Z2-7]{6})=([A-Z2-7]{2})=s\.test=a\.Person@d\.test'
DAY = 24 * 60 * 60
MINUTE = 60


class Host(Server):
    """The server of `domain`, with mailboxes and aliases of its own."""

    def __init__(self, domain, port, routes, mailboxes=(), aliases=(), **sections):
        self.domain, self.mailboxes, self.aliases = domain, mailboxes, aliases
        super().__init__({'address': f'127.0.0.1:{port}'}, server={'hostname': f'mx.{domain}'},
                         **{'relay.route': {f'"{name}"': f'127.0.0.1:{to}' for name, to in routes.items()}, **sections})

    def accounts(self):
        self.run('domain', 'add', self.domain)
        for name in self.mailboxes:
            self.run('mailbox', 'add', name)
        for name, *targets in self.aliases:
            self.run('alias', 'add', name, *targets)


class Three:
    """`forwarder` and `last`: sections of their configurations over the usual ones."""

    def __init__(self, forwarder=None, last=None, aliases=(('info@d.test', 'v@o.test'),), last_aliases=(), names=None):
        dns = {'dns': {'servers': [names.address()]}, 'spf': {'mode': 'enforce'}} if names else {}
        s, d, o = free_port(), free_port(), free_port()
        self.first = Host('s.test', s, {'d.test': d}, [SENDER.lower(), 'b@s.test'])
        self.forwarder = Host('d.test', d, {'s.test': s, 'o.test': o}, ['u@d.test'], aliases, **{**dns, **(forwarder or {})})
        self.last = Host('o.test', o, {'d.test': d, 's.test': s}, ['v@o.test', 'w@o.test'], last_aliases, **{**dns, **(last or {})})

    def __enter__(self):
        self.stack = ExitStack()
        for one in (self.first, self.last, self.forwarder):
            self.stack.enter_context(one)
        self.last.wait_log('TLS connection established')  # the forwarder looks whether it is there
        time.sleep(0.2)
        self.last.stop()  # itself it found the forwarder away, and would look again in a while
        self.last.start()
        return self

    def __exit__(self, *what):
        return self.stack.__exit__(*what)

    def all_is_done(self):
        """Nothing waits anywhere, and nothing comes of the last that went."""
        until('empty queues', lambda: not any(one.queue() for one in (self.first, self.forwarder, self.last)), MINUTE)

    def notices(self):
        self.all_is_done()
        return self.first.messages(SENDER.lower())

    def notice(self):
        """The one that comes."""
        until('a notice', lambda: self.first.messages(SENDER.lower()), MINUTE)
        (got,) = self.notices()
        return got

    def received(self, count, mailbox='v@o.test'):
        """Exactly so many in a mailbox of the last server."""
        until('mail', lambda: len(self.last.messages(mailbox)) >= count, MINUTE)
        self.all_is_done()
        got = self.last.messages(mailbox)
        equal(len(got), count, f'messages of {mailbox}')
        return got


@contextmanager
def three(**how):
    with Names(RECORDS) as names, Three(names=names, **how) as made:
        yield made


def send(server, *recipients, sender=SENDER, source=FIRST_ADDRESS, rcpt='', mail='', message=MESSAGE, end='250 '):
    with server.connect(source=(source, 0)) as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>{mail}', '250 ')
        for recipient in recipients:
            wire.command(f'RCPT TO:<{recipient}>{rcpt}', '250 ')
        wire.command('DATA', '354 ')
        wire.send(message + b'.\r\n')
        wire.expect(end)
        wire.quit()


def ask(server, recipient, sender=''):
    """The reply to RCPT."""
    with server.connect() as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>', '250 ')
        wire.send(f'RCPT TO:<{recipient}>\r\n')
        said = wire.reply(30).lines[-1]
        wire.quit()
        return said


def taken(server):
    """How many messages, its own notices included; all of them are done with."""
    return len(re.findall(r'qmgr\[\d+\]: \w+: removed', server.log(0)))


def secret_of(server):
    with open(server.path('state/srs_secrets'), encoding='ascii') as file:
        return file.read().splitlines()[0]


def rewritten(secret, sender, day, domain='d.test'):
    """What the server would write, by hand: HMAC-SHA-256 over the parts, each behind its length."""
    local, at = sender.split('@')
    letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
    stamp = letters[day % 1024 // 32] + letters[day % 32]
    parts = [b'forwarded sender', f'{stamp} {sender.lower()}'.encode()]
    signed = b''.join(struct.pack('<Q', len(part)) + part for part in parts)
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f'SRS0={base64.b32encode(digest)[:6].decode()}={stamp}={at}={local}@{domain}'


def today():
    return int(time.time()) // DAY


def test_what_an_alias_forwards_passes_spf():
    with three() as all_of:
        send(all_of.forwarder, 'info@d.test')
        (got,) = all_of.received(1)
        assert re.fullmatch(REWRITTEN, got.return_path), got.return_path
        contains(got.tests, 'Received-SPF: pass', 'what SPF found')
        contains(got.content, b'Delivered-To: info@d.test\r\n', 'the alias')
        contains([rewritten(secret_of(all_of.forwarder), SENDER, day) for day in (today() - 1, today())], got.return_path, 'the sender')
        contains(all_of.forwarder.log(), f'from=<{SENDER}>', 'the log')
        equal(all_of.notices(), [], 'notices')


def test_without_srs_it_does_not_pass():
    with three(forwarder={'relay': {'srs': False}}) as all_of:
        send(all_of.forwarder, 'info@d.test')
        got = all_of.notice()
        contains(got.content, b'550 5.7.', 'the notice')
        contains(got.content, b'SPF', 'the notice')
        equal(all_of.last.messages('v@o.test'), [], 'what came')


def test_the_domain_of_the_settings():
    with Names(RECORDS + ['fwd.test. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"']) as names:
        with Three(names=names, forwarder={'relay': {'srs_domain': 'fwd.test'}}) as all_of:
            send(all_of.forwarder, 'info@d.test')
            (got,) = all_of.received(1)
            assert got.return_path.endswith('=s.test=a.Person@fwd.test'), got.return_path
            contains(ask(all_of.forwarder, got.return_path), '250 2.1.5 ', 'a notice')
            contains(ask(all_of.forwarder, 'u@fwd.test'), '550 5.7.1 ', 'anybody else there')


def test_who_is_ours_and_who_is_nobody_keep_their_name():
    with three() as all_of:
        send(all_of.forwarder, 'info@d.test', sender='u@d.test', source='127.0.0.1')
        send(all_of.forwarder, 'info@d.test', sender='')
        got = all_of.received(2)
        equal(sorted(one.return_path for one in got), ['', 'u@d.test'], 'senders')


def test_recipients_of_one_alias_share_a_transaction():
    with three(aliases=(('info@d.test', 'v@o.test', 'w@o.test', 'u@d.test'), ('sales@d.test', 'w@o.test'), ('boss@d.test', 'x@o.test')),
               last_aliases=(('x@o.test', 'v@o.test'),)) as all_of:
        send(all_of.forwarder, 'info@d.test', 'sales@d.test', 'boss@d.test')
        all_of.forwarder.wait_messages(1, 'u@d.test')
        got = all_of.received(2)
        equal(sorted(re.search(rb'Delivered-To: (\w+)@d', one.content)[1] for one in got), [b'boss', b'info'], 'aliases')
        equal(len(all_of.last.messages('w@o.test')), 1, 'messages of one whom two aliases name')
        equal(taken(all_of.last), 2, 'transactions')
        (own,) = all_of.forwarder.messages('u@d.test')
        equal(own.return_path, SENDER, 'the sender, for who is here')
        assert b'Delivered-To' not in own.content, own.content


def test_a_notice_of_the_last_server_comes_to_the_first():
    """It takes the message, and can't deliver it."""
    with three(last={'queue': {'retry': ['1s'], 'expire': '1s'}}) as all_of:
        with open(os.path.join(all_of.last.mail, 'o.test'), 'wb'):
            pass
        send(all_of.forwarder, 'info@d.test')
        got = all_of.notice()
        equal(got.return_path, '', 'its sender')
        _, _, of_message, (of_recipient,), _ = notice(got.raw)
        equal(of_message['Reporting-MTA'], 'dns; mx.o.test', 'who tells')
        equal(of_recipient['Action'], 'failed', 'what')
        equal(all_of.forwarder.log().count('notice to the sender'), 0, 'notices of the forwarder')


def test_a_refusal_of_the_last_server_is_told_by_the_forwarder_once():
    with three(aliases=(('info@d.test', 'nobody@o.test'),)) as all_of:
        send(all_of.forwarder, 'info@d.test')
        got = all_of.notice()
        _, _, of_message, (of_recipient,), _ = notice(got.raw)
        equal(of_message['Reporting-MTA'], 'dns; mx.d.test', 'who tells')
        contains(of_recipient['Final-Recipient'], 'info@d.test', 'whom it names')


def test_success_is_told_once_where_the_last_server_takes_notify():
    with three() as all_of:
        send(all_of.forwarder, 'info@d.test', rcpt=' NOTIFY=SUCCESS,FAILURE', mail=' ENVID=abc')
        got = all_of.notice()
        _, _, of_message, (of_recipient,), _ = notice(got.raw)
        equal((of_message['Reporting-MTA'], of_message['Original-Envelope-Id']), ('dns; mx.o.test', 'abc'), 'who tells')
        equal(of_recipient['Action'], 'delivered', 'what')


def test_only_what_was_signed_is_taken_back():
    with three() as all_of:
        server, secret = all_of.forwarder, secret_of(all_of.forwarder)
        for age in (0, 20):
            contains(ask(server, rewritten(secret, SENDER, today() - age)), '250 2.1.5 ', f'{age} days old')
        good = rewritten(secret, SENDER, today())
        contains(ask(server, good.lower()), '250 2.1.5 ', 'in lower case')
        contains(ask(server, good.replace('@d.test', '@mx.d.test')), '250 2.1.5 ', 'at the name of the host')
        for age in (23, 400):
            contains(ask(server, rewritten(secret, SENDER, today() - age)), '550 5.1.1 ', f'{age} days old')
        letter = 'B' if good[5] == 'A' else 'A'
        for forged in (good[:5] + letter + good[6:], good.replace('=s.test=', '=t.test='), good.replace('a.Person', 'b.Person'),
                       rewritten('x' * 64, SENDER, today()), 'SRS0=x@d.test', 'SRS1=ABCDEF=s.test==x@d.test'):
            said = ask(server, forged)
            assert said.startswith('550 5.1.1 ') and 'not signed by this server' in said, (forged, said)
        contains(ask(server, good.replace('@d.test', '@elsewhere.test')), '550 5.7.1 ', 'at a domain that is not ours')
        said = ask(server, good, sender='u@d.test')
        assert said.startswith('550 5.7.1 ') and 'MAIL FROM:<>' in said, said
        equal(server.queue(), [], 'what was taken')
        for to, code in ((good, 0), (forged, 1)):
            said = server.call('explain', '--listener', 'mx', '--client', '127.0.0.1', '--from', '<>', '--to', to, '--helo', 'c.test')
            equal('not signed by this server' in said.stdout, code == 1, f'explain {to}: {said.stdout}{said.stderr}')


def test_without_srs_what_was_signed_is_still_taken_back_and_the_rest_is_anybody():
    with three(forwarder={'relay': {'srs': False}}) as all_of:
        server = all_of.forwarder
        contains(ask(server, rewritten(secret_of(server), SENDER, today())), '250 2.1.5 ', 'a notice')
        contains(ask(server, 'SRS0=x@d.test'), '550 5.1.1 ', 'nobody')
        server.run('mailbox', 'add', 'srs0=x@d.test')
        contains(ask(server, 'SRS0=x@d.test'), '250 2.1.5 ', 'somebody')


def test_an_old_secret_goes_on_behind_a_new_one():
    with three() as all_of:
        server = all_of.forwarder
        old = rewritten(secret_of(server), SENDER, today())
        server.stop()
        with open(server.path('state/srs_secrets'), 'r+', encoding='ascii') as file:
            text = file.read()
            file.seek(0)
            file.write('a new secret, made by hand\n' + text)
        server.start()
        contains(ask(server, old), '250 2.1.5 ', 'of the old one')
        send(server, 'info@d.test')
        (got,) = all_of.received(1)
        contains([rewritten('a new secret, made by hand', SENDER, day) for day in (today() - 1, today())], got.return_path, 'the sender')


def test_mail_that_comes_back_ends_at_once_and_is_told_once():
    """LP-02: each of two servers forwards to the other."""
    with Three(aliases=(('info@d.test', 'back@o.test'),), last_aliases=(('back@o.test', 'info@d.test'),)) as all_of:
        send(all_of.forwarder, 'info@d.test')
        got = all_of.notice()
        _, _, of_message, (of_recipient,), _ = notice(got.raw)
        equal(of_message['Reporting-MTA'], 'dns; mx.o.test', 'who tells')
        contains(of_recipient['Diagnostic-Code'], '554 5.4.6', 'why')
        equal((taken(all_of.forwarder), taken(all_of.last)), (2, 2), 'the message and the notice, at each')


def test_what_doubles_and_comes_back_ends_too():
    """Each round would double it if the aliases left no mark; so each of them forwards it once, and each of both copies is told of."""
    with Three(aliases=(('info@d.test', 'back@o.test', 'again@o.test'), ('sales@d.test', 'back@o.test', 'again@o.test')),
               last_aliases=(('back@o.test', 'info@d.test'), ('again@o.test', 'sales@d.test'))) as all_of:
        send(all_of.forwarder, 'info@d.test', sender='')
        all_of.all_is_done()
        equal(taken(all_of.forwarder), 2, 'taken')
        send(all_of.forwarder, 'info@d.test')
        until('notices', lambda: len(all_of.first.messages(SENDER.lower())) >= 2, MINUTE)
        equal(len(all_of.notices()), 2, 'notices')
        # The notice about the second copy goes back by both of its forwarders: it has an SRS1.
        equal((taken(all_of.forwarder), taken(all_of.last)), (2 + 2 + 3, 1 + 1 + 2), 'the messages and the notices, at each')


def test_another_forwarders_sender_goes_back_by_it():
    """SRS1: the notice goes to the first forwarder, in one step."""
    sender = 'SRS0=abcd=JQ=b.test=a@s.test'
    with three() as all_of:
        send(all_of.forwarder, 'info@d.test', sender=sender)
        (got,) = all_of.received(1)
        assert re.fullmatch(r'SRS1=[A-Z2-7]{6}=s\.test==abcd=JQ=b\.test=a@d\.test', got.return_path), got.return_path
        contains(ask(all_of.forwarder, got.return_path), '250 2.1.5 ', 'a notice')
        contains(ask(all_of.forwarder, got.return_path.replace('=a@', '=b@')), '550 5.1.1 ', 'another')


def test_a_secondary_hands_on_what_it_was_given():
    """Nothing is forwarded there: the sender stays, and of forwarded senders the primary knows."""
    with Names(RECORDS) as names, Three(names=names) as all_of:
        port = int(all_of.forwarder.address()[1])
        second = Host('d.test', free_port(), {'d.test': port}, ['u@d.test'], [('info@d.test', 'v@o.test')], greylist={'mode': 'off'})
        second.settings['listener'][0]['role'] = 'secondary'
        second.settings['server']['hostname'] = 'mx2.d.test'
        second.configure()
        with second:
            good = rewritten(secret_of(all_of.forwarder), SENDER, today())
            contains(ask(second, good), '250 2.1.5 ', 'what the primary has signed')
            contains(ask(second, 'SRS0=x@d.test'), '550 5.1.1 ', 'what nobody has')
            send(second, 'u@d.test', sender='b@o.test')
            second.wait_queue_empty()
            (got,) = all_of.forwarder.wait_messages(1, 'u@d.test')
            equal(got.return_path, 'b@o.test', 'the sender')
            assert b'Delivered-To' not in got.content, got.content
            all_of.forwarder.stop()
            contains(ask(second, good.replace('a.Person', 'b')), '451 4.4.1 ', 'nobody to ask')


def test_long_senders_are_forwarded_too():
    longest = 'l' * 64 + '@' + 's' * 60 + '.test'
    too_long = 'l' * 64 + '@' + '.'.join('s' * 60 for _ in range(3)) + '.test'
    with Three() as all_of:
        for sender in (longest, too_long):
            send(all_of.forwarder, 'info@d.test', sender=sender)
        got = all_of.received(2)
        contains(got[0].return_path, 'SRS0=', 'the sender')
        equal(got[1].return_path, too_long, 'one that is too long')
        contains(all_of.forwarder.log(), 'too long for SRS', 'the log')
        contains(ask(all_of.forwarder, got[0].return_path), '250 2.1.5 ', 'a notice')
