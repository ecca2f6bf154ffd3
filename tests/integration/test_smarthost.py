"""A smarthost that wants a login (RFC 4954): another Postern with a submission listener, and servers that would have the password in plain text.
Nothing is said of it but under TLS whose certificate proves the smarthost's name (CL-09)."""
import contextlib
import os
import tempfile
import time

from deadline import contains, equal
from names import Names
from ports import free_port
from server import Server
from test_secondary import OddPrimary, send
from test_submission import PASSWORD, People
from tls_tools import make_certificate

NAME = 'smart.r.test'
MINUTE = 60


class Smarthost(People):
    """Takes mail of u@d.test for o.test, from any sender."""

    def __init__(self, pair):
        super().__init__([{'name': 'submission', 'role': 'submission', 'tls': 'starttls', 'tier': 'a'}], sender_ownership={'mode': 'off'})
        self.settings['tls.certificate'] = [pair]
        self.configure()

    def accounts(self):
        super().accounts()
        self.run('domain', 'add', 'o.test')
        self.run('mailbox', 'add', 'w@o.test')


class Client(Server):
    """Sends on what comes for to@d.test to w@o.test, by the smarthost. `roots`: the file of the authorities that it trusts."""

    def __init__(self, names, port, roots='/dev/null', password=PASSWORD):
        self.roots = roots
        super().__init__({'tier': 'a'}, server={'hostname': 'us.r.test'}, dns={'servers': [names.address()]}, queue={'retry': ['1s']})
        self.settings['relay'] = {'smarthost': f'{NAME}:{port}', 'smarthost_user': 'u@d.test', 'smarthost_password_file': self.say(password)}
        self.configure()

    def say(self, password):
        return self.write('password', password + '\n', 0o600)

    def accounts(self):
        super().accounts()
        self.run('alias', 'add', 'to@d.test', 'w@o.test')

    def launch(self, prefix=(), words=(), **how):
        return super().launch(prefix, words, env={**os.environ, 'SSL_CERT_FILE': self.roots, 'SSL_CERT_DIR': '/nowhere'}, **how)

    def send(self):
        send(self, 'to@d.test', sender='a@s.test', content=b'From: a@s.test\r\nSubject: x\r\n\r\nx\r\n')

    def must_wait(self, *texts):
        """The mail is put off, and this is why."""
        self.send()
        for text in texts:
            self.wait_log(rf'to=<w@o\.test>.*dsn=4[.\d]+, status=deferred \(.*{text}')
        equal(self.log().count('status=bounced'), 0, 'bounces')


def names():
    return Names([f'{NAME}. 60 IN A 127.0.0.1'])


@contextlib.contextmanager
def smarthost_named(name):
    """(the names, the smarthost, the file of its certificate)"""
    with tempfile.TemporaryDirectory(prefix='postern-smarthost-') as folder:
        pair = make_certificate(folder, 'smart', name)
        with names() as known, Smarthost(pair) as smarthost:
            yield known, smarthost, pair['cert']


def port_of(smarthost):
    return smarthost.address('submission')[1]


def test_mail_goes_by_a_smarthost_that_wants_a_login():
    with smarthost_named(NAME) as (known, smarthost, roots), Client(known, port_of(smarthost), roots) as client:
        for _ in range(3):
            client.send()
        client.wait_queue_empty(MINUTE)
        smarthost.wait_messages(3, 'w@o.test')
        contains(smarthost.log(), 'sasl_method=PLAIN, sasl_username=u@d.test', 'the log of the smarthost')
        contains(client.log(), 'tls=verified TLSv1.3 TLS_AES_256_GCM_SHA384 PKIX', 'the log')
        contains(client.log(), f'relay={NAME}[127.0.0.1]', 'the log')
        assert PASSWORD not in client.log(0), 'the password is in the log'


def test_mail_waits_for_a_login_that_is_taken():
    with smarthost_named(NAME) as (known, smarthost, roots), Client(known, port_of(smarthost), roots, 'wrong') as client:
        client.must_wait('our login was refused: 535 5.7.8')
        time.sleep(4)  # tries of the message, and none of the login: whoever guesses is locked out
        assert smarthost.log().count('SASL PLAIN authentication failed') <= 2, smarthost.log()
        client.say(PASSWORD)
        client.reload()
        client.wait_queue_empty(MINUTE)
        smarthost.wait_messages(1, 'w@o.test')


def test_who_does_not_prove_its_name_hears_no_password():
    with smarthost_named('elsewhere.r.test') as (known, smarthost, roots):
        for trusted, why in ((roots, 'hostname mismatch'), ('/dev/null', 'self-signed certificate')):
            with Client(known, port_of(smarthost), trusted) as client:
                client.must_wait(f'a login at {NAME} needs TLS that proves it', why)
        assert 'sasl_' not in smarthost.log(), smarthost.log()


def test_nothing_of_a_login_is_said_in_plain_text():
    for extensions in (('AUTH PLAIN LOGIN',), ('AUTH=PLAIN',), ('STARTTLS', 'AUTH PLAIN')):
        with names() as known, OddPrimary(extensions) as odd, Client(known, odd.port) as client:
            client.must_wait(f'a login at {NAME} needs TLS that proves it')
            verbs = {line.split()[0] for line in odd.heard if line.isprintable() and line}
            equal(verbs - {'EHLO', 'STARTTLS', 'QUIT'}, set(), f'{extensions}: what it heard')


def test_a_password_that_cannot_be_read_is_told_at_once():
    with names() as known, Client(known, free_port()) as client:
        os.unlink(client.path('password'))
        done = client.call('check')
        contains(done.stdout + done.stderr, 'relay.smarthost_password_file: ' + client.path('password') + ': No such file', 'the check')
        client.reload('reload refused, going on as before: .*relay.smarthost_password_file')
