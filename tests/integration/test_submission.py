"""Submission with real clients: who authenticates may write from their own addresses to anybody, and their messages leave as RFC 6409 wants
them. Outside mail waits in the queue or goes to a next hop of ours."""
import base64
import json
import os
import re
import smtplib

from clients import checked
from deadline import contains, equal
from server import Server
from test_secondary import OddPrimary
from wire import lenient_client

PASSWORD = 'correct horse 7 Staple'
MESSAGE = b'From: Jan <u@d.test>\r\nSubject: hello\r\nMessage-ID: <own@d.test>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n\r\nA line.\r\n'
BARE = b'From: u@d.test\r\nTo: v@d.test\r\nBcc: hidden@x.test,\r\n more@x.test\r\nSubject: bare\r\n\r\nBcc: of the body\r\n'
LISTENERS = [{'name': 'mx'}, {'name': 'submissions', 'role': 'submission', 'tls': 'implicit', 'tier': 'a'},
             {'name': 'submission', 'role': 'submission', 'tls': 'starttls', 'tier': 'a'}]


class People(Server):
    """u@d.test and v@d.test with a password, u with an alias, and an alias domain."""

    def __init__(self, listener=None, **sections):
        super().__init__(listener or LISTENERS, **sections)

    def accounts(self):
        self.run('domain', 'add', 'd.test')
        self.run('domain', 'add', 'e.test', '--alias-of', 'd.test')
        for name in 'uv':
            self.run('mailbox', 'add', f'{name}@d.test', '--password-stdin', stdin=PASSWORD + '\n')
        self.run('alias', 'add', 'jan@d.test', 'u@d.test')

    def secure(self, name='submission'):
        """A connection that has said EHLO under TLS."""
        implicit = lenient_client() if name == 'submissions' else None
        wire = self.connect(name, implicit_tls=implicit)
        wire.greet()
        if not implicit:
            wire.command('STARTTLS', '220 ')
            wire.start_tls(lenient_client())
            wire.command('EHLO c.test', '250')
        return wire

    def login(self, name='submission', user='u@d.test'):
        wire = self.secure(name)
        wire.command('AUTH PLAIN ' + plain(user, PASSWORD), '235 2.7.0 ')
        return wire


def plain(user, password):
    return base64.b64encode(f'\0{user}\0{password}'.encode()).decode()


def swaks_submits(server, name, *words, data=MESSAGE):
    host, port = server.address(name)
    tls = ['--tls-on-connect'] if name == 'submissions' else ['--tls']
    return checked(['swaks', '--server', host, '--port', str(port), '--ehlo', 'c.test', '--from', 'u@d.test', '--to', 'v@d.test', *tls,
                    '--auth-user', 'u@d.test', '--auth-password', PASSWORD, '--auth-hide-password', '--data', '@' + server.write('data', data),
                    *words], 'swaks')


def test_swaks_logs_in_by_every_mechanism_on_both_ports():
    with People() as server:
        count = 0
        for name in ('submissions', 'submission'):
            for how in ('PLAIN', 'LOGIN'):
                swaks_submits(server, name, '--auth', how)
                count += 1
                got = server.wait_messages(count, 'v@d.test')[-1]
                equal(got.content, MESSAGE + b'\r\n', 'content')
                contains(got.received, 'with ESMTPSA id', 'Received')
        server.wait_log(r'client=unknown\[127.0.0.1\], sasl_method=LOGIN, sasl_username=u@d.test')
        assert PASSWORD not in server.log(0), 'the password is in the log'


def test_python_logs_in_and_sends():
    with People() as server:
        with smtplib.SMTP(*server.address('submission')) as client:
            client.starttls(context=lenient_client())
            client.login('u@d.test', PASSWORD)
            client.sendmail('u@d.test', ['v@d.test'], MESSAGE)
        with smtplib.SMTP_SSL(*server.address('submissions'), context=lenient_client()) as client:
            client.login('U@D.Test', PASSWORD)
            client.sendmail('u@d.test', ['v@d.test'], MESSAGE)
        server.wait_messages(2, 'v@d.test')


def msmtp(server, name, how):
    host, port = server.address(name)
    own = server.write('msmtprc', f'''account default
host {host}
port {port}
tls on
tls_starttls {'off' if name == 'submissions' else 'on'}
tls_certcheck off
auth {how}
user u@d.test
password "{PASSWORD}"
from u@d.test
''', mode=0o600)
    checked(['msmtp', '-C', own, 'v@d.test'], f'msmtp {how}', stdin=MESSAGE.replace(b'\r\n', b'\n'))


def test_msmtp_proves_the_password_without_showing_it():
    with People() as server:
        for count, (name, how) in enumerate([('submissions', 'scram-sha-256'), ('submission', 'scram-sha-256'), ('submission', 'plain')], 1):
            msmtp(server, name, how)
            equal(server.wait_messages(count, 'v@d.test')[-1].content, MESSAGE, 'content')
        server.wait_log('sasl_method=SCRAM-SHA-256, sasl_username=u@d.test')


def test_gnu_sasl_binds_its_proof_to_the_connection():
    """Debian's msmtp knows no -PLUS; the client of the library that it stands on does."""
    with People() as server:
        host, port = server.address('submission')
        for binding, versions in (('tls-exporter', 'NORMAL'), ('tls-unique', 'NORMAL:-VERS-TLS1.3')):
            said = checked(['gsasl', '--smtp', '--starttls', '--mechanism', 'SCRAM-SHA-256-PLUS', '--authentication-id', 'u@d.test', '--password',
                            PASSWORD, '--x509-ca-file=', f'--priority={versions}', '--connect', f'{host}:{port}'], 'gsasl')
            contains(said, '235 2.7.0 ', binding)
            first = re.search(r'AUTH SCRAM-SHA-256-PLUS\n334 \n(\S+)', said.replace('\r', ''))
            contains(base64.b64decode(first[1]).decode(), f'p={binding},', 'the client\'s first message')
        equal(len(re.findall('sasl_method=SCRAM-SHA-256-PLUS, sasl_username=u@d.test', server.log())), 2, 'logins in the log')


NODE = '''
const nodemailer = require('nodemailer');
const [host, port, secure, pass] = process.argv.slice(2);
nodemailer.createTransport({host, port: +port, secure: secure === 'true', requireTLS: true, auth: {user: 'u@d.test', pass},
                            tls: {rejectUnauthorized: false}})
  .sendMail({from: 'Jan <u@d.test>', to: 'v@d.test', subject: 'from node', text: 'Žluťoučký kůň'})
  .then((info) => console.log(info.response), (error) => { console.error(error); process.exit(1); });
'''


def test_nodemailer_logs_in_and_sends():
    with People() as server:
        for count, name in enumerate(('submissions', 'submission'), 1):
            host, port = server.address(name)
            said = checked(['node', server.write('send.js', NODE), host, str(port), str(name == 'submissions').lower(), PASSWORD], 'nodemailer',
                           env={**os.environ, 'NODE_PATH': '/usr/share/nodejs'})
            contains(said, '250 2.0.0 Ok: queued as', 'nodemailer')
            contains(server.wait_messages(count, 'v@d.test')[-1].content.decode(), 'from node', 'the message')


def test_nothing_is_taken_before_tls_and_a_login():
    with People() as server:
        with server.connect('submission') as wire:
            said = wire.greet()
            assert 'AUTH' not in str(said), f'AUTH is offered in the clear: {said}'
            wire.command('MAIL FROM:<u@d.test>', '530 5.7.0 ')
            wire.command('AUTH PLAIN AHUAcHc=', '538 5.7.11 ')
            wire.quit()
        with server.secure() as wire:
            wire.command('MAIL FROM:<u@d.test>', '530 5.7.0 ')
            wire.command('AUTH PLAIN ' + plain('u@d.test', 'wrong'), '535 5.7.8 ')
            wire.command('AUTH PLAIN ' + plain('nobody@d.test', 'wrong'), '535 5.7.8 ')
            wire.command('MAIL FROM:<u@d.test>', '530 5.7.0 ')
            wire.quit()
        server.wait_log(r'warning: unknown\[127.0.0.1\]: SASL PLAIN authentication failed: .*, sasl_username=u@d.test')
        with server.connect('mx') as wire:  # where strangers write to, nobody may authenticate unless it is asked for
            wire.greet()
            wire.command('AUTH PLAIN AHUAcHc=', '503 5.5.1 ')
            wire.quit()


def test_an_mx_offers_auth_where_it_is_asked_for():
    with People([{'name': 'mx', 'auth': True}]) as server:
        with server.connect('mx') as wire:
            wire.greet()
            wire.command('STARTTLS', '220 ')
            wire.start_tls(lenient_client())
            wire.command('EHLO c.test', '250')
            wire.command('MAIL FROM:<a@s.test>', '250')  # strangers write here as ever
            wire.command('RCPT TO:<x@other.test>', '550 5.7.1 ')
            wire.command('RSET', '250')
            wire.command('AUTH PLAIN ' + plain('u@d.test', PASSWORD), '235')
            wire.command('MAIL FROM:<u@d.test>', '250')
            wire.command('RCPT TO:<x@other.test>', '250')
            wire.quit()


def test_what_a_client_forgot_is_added_and_bcc_goes():
    with People() as server:
        with server.login() as wire:
            wire.command('MAIL FROM:<u@d.test>', '250')
            wire.command('RCPT TO:<v@d.test>', '250')
            wire.command('DATA', '354')
            wire.send(BARE + b'.\r\n')
            wire.expect('250 2.0.0 ')
            wire.quit()
        got = server.wait_messages(1, 'v@d.test')[0]
        equal(got.content, b'From: u@d.test\r\nTo: v@d.test\r\nSubject: bare\r\n\r\nBcc: of the body\r\n', 'content')
        assert re.search(rb'^Date: \w{3}, \d', got.raw, re.M), f'no Date: {got.raw!r}'
        assert re.search(rb'^Message-ID: <\S+@mx.d.test>', got.raw, re.M), f'no Message-ID: {got.raw!r}'


def test_where_people_are_stays_theirs_where_it_is_asked_for():
    with People(submission={'hide_client': True}) as server:
        swaks_submits(server, 'submission')
        got = server.wait_messages(1, 'v@d.test')[0]
        assert b'127.0.0.1' not in got.raw and b'c.test' not in got.raw.split(b'\r\n\r\n')[0].replace(b'mx.d.test', b''), got.received
        contains(got.received, 'with ESMTPSA id', 'Received')


def test_mail_for_others_waits_for_its_next_hop_and_gets_there():
    with Server(server={'hostname': 'mx.other.test'}) as other:
        host, port = other.address()
        with People(**{'relay.route': {}}) as server:
            server.settings.pop('relay.route')
            config = open(server.config).read()
            server.write('postern.toml', config.replace('[relay.route]', '') + f'[relay.route]\n"other.test" = "{host}:{port}"\n')
            other.run('domain', 'add', 'other.test')
            other.run('mailbox', 'add', 'x@other.test')
            server.reload()
            with server.login() as wire:
                wire.command('MAIL FROM:<u@d.test>', '250')
                wire.command('RCPT TO:<x@other.test>', '250')
                wire.command('RCPT TO:<y@elsewhere.test>', '250')
                wire.command('RCPT TO:<nobody@d.test>', '550 5.1.1 ')
                wire.command('DATA', '354')
                wire.send(MESSAGE + b'.\r\n')
                wire.expect('250 2.0.0 ')
                wire.quit()
            got = other.wait_messages(1, 'x@other.test')[0]
            equal(got.return_path, 'u@d.test', 'Return-Path')
            waiting = server.queue()
            equal([to['address'] for one in waiting for to in one['recipients'] if to['state'] == 'waiting'], ['y@elsewhere.test'], 'what waits')


def test_a_login_on_one_listener_is_worth_nothing_on_another():
    """A TLS session that is taken up again brings nobody's name with it."""
    with People() as server:
        context = lenient_client()
        with server.connect('submissions', implicit_tls=context) as wire:
            wire.greet()
            wire.command('AUTH PLAIN ' + plain('u@d.test', PASSWORD), '235')
            wire.quit()
        with server.connect('submissions', implicit_tls=context) as wire:
            wire.greet()
            wire.command('MAIL FROM:<u@d.test>', '530 5.7.0 ')
            wire.quit()


def test_explain_says_what_people_may_write():
    with People() as server:
        words = ('explain', '--listener', 'submission', '--client', '192.0.2.1', '--to', 'x@other.test', '--json')
        contains(server.call(*words, '--from', 'u@d.test').stderr, '--account ADDRESS', 'without an account')

        def verdict(sender, content):
            said = json.loads(server.run(*words, '--account', 'u@d.test', '--from', sender, '--message', server.write('letter', content)))
            return [one['test'] for one in said['tests'] if one['verdict'] == 'refuse']

        equal(verdict('jan@e.test', MESSAGE), [], 'its own')
        equal(verdict('v@d.test', MESSAGE), ['sender_ownership'], 'the sender of another')
        equal(verdict('u@d.test', MESSAGE.replace(b'u@d.test', b'v@d.test', 1)), ['sender_ownership'], 'the author of another')
        equal(verdict('u@d.test', MESSAGE.replace(b'From:', b'X-From:')), ['sender_ownership'], 'no author')


def test_who_authenticated_is_told_that_mail_was_handed_on():
    """Where the next server has no DSN; else it is that server's to tell (RFC 3461)."""
    for extensions, told in ((('DSN',), 0), ((), 1)):
        with OddPrimary(extensions) as odd, People(**{'relay.route': {'"other.test"': f'127.0.0.1:{odd.port}'}}) as server:
            with server.login() as wire:
                wire.command('MAIL FROM:<u@d.test>', '250 ')
                wire.command('RCPT TO:<w@other.test> NOTIFY=SUCCESS', '250 ')
                wire.command('DATA', '354 ')
                wire.send(MESSAGE + b'.\r\n')
                wire.expect('250 2.0.0')
                wire.quit()
            server.wait_queue_empty()
            equal(any('NOTIFY=SUCCESS' in line for line in odd.heard), told == 0, f'{extensions}: NOTIFY')
            notices = server.messages('u@d.test')
            equal(len(notices), told, f'{extensions}: notices')
            for one in notices:
                contains(one.content, b'Action: relayed', 'the notice')
