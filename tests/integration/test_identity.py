"""Who may write as whom: the mail with the question, the page in a browser, the cut-over from learning to enforcing, and what a stranger
can't do."""
import email
import email.policy
import json
import os
import re
import socket
import urllib.parse

from browser import Browser
from deadline import PATIENCE, contains, equal, until
from server import Server
from test_submission import LISTENERS, PASSWORD, People

FROM = 'From: {0}\r\nTo: v@d.test\r\nSubject: x\r\nMessage-ID: <1@d.test>\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n\r\nx\r\n'


class Office(People):
    """w@post.test is a mailbox of a domain of its own, whose owner is asked. `pages` is the page's address for those inside."""

    def __init__(self, identity=None, **sections):
        with socket.socket() as free:  # its URL stands in the mails, so it has to be known before
            free.bind(('127.0.0.1', 0))
            self.port = free.getsockname()[1]
        super().__init__(identity={'url': f'http://mail.d.test:{self.port}/identity', 'http': f'127.0.0.1:{self.port}', **(identity or {})},
                         **sections)

    def accounts(self):
        super().accounts()
        self.run('domain', 'add', 'post.test')
        self.run('mailbox', 'add', 'w@post.test')

    def sends(self, sender, author=None, user='u@d.test'):
        """The reply to the whole message, or to MAIL where that is refused."""
        with self.login(user=user) as wire:
            wire.send(f'MAIL FROM:<{sender}>\r\n'.encode())
            said = wire.reply().text
            if not said.startswith('250'):
                return said
            wire.command('RCPT TO:<v@d.test>', '250')
            wire.command('DATA', '354')
            wire.send((FROM.format(author or sender) + '.\r\n').encode())
            return wire.reply().text

    def letter(self, mailbox, count):
        """The newest of so many in the mailbox: (message, text, token)."""
        until(f'a letter to {mailbox}', lambda: len(self.messages(mailbox)) >= count)  # it may not be in the queue yet
        raw = self.wait_messages(count, mailbox)[-1].raw
        message = email.message_from_bytes(raw, policy=email.policy.default)
        text = message.get_content()
        token = re.search(r'\?t=([a-z2-9]{32})\s', text)
        return message, text, token and token[1]

    def identities(self, *words):
        return [(one['account'], one['address'], one['state'])
                for one in json.loads(self.run('identity', 'list', '--json', *words))['identities']]

    def ask(self, method, query='', body=None, **fields):
        """(status, header in lower case, body) of the page."""
        head = [f'{method} /identity{query} HTTP/1.1', f'Host: {fields.pop("host", f"mail.d.test:{self.port}")}']
        if body is not None:
            head += ['Content-Type: application/x-www-form-urlencoded', f'Content-Length: {len(body)}']
        head += [f'{name.replace("_", "-")}: {value}' for name, value in fields.items()]
        return self.http(('\r\n'.join([*head, '', '']) + (body or '')).encode())

    def http(self, octets):
        with socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE) as client:
            client.sendall(octets)
            got = b''
            while more := client.recv(65536):
                got += more
        head, _, content = got.partition(b'\r\n\r\n')
        return int(head.split()[1]), head.decode().lower(), content.decode()


def screenshot(browser, name):
    folder = os.environ.get('POSTERN_SCREENSHOTS')
    if folder:
        browser.screenshot(os.path.join(folder, name + '.png'))


def test_the_owner_is_asked_by_mail_and_answers_in_a_browser():
    with Office() as server, Browser(server.folder, names=['mail.d.test']) as browser:
        contains(server.sends('w@post.test'), '553 5.7.1 <w@post.test>', 'the reply before')
        server.run('identity', 'add', 'u@d.test', 'w@post.test')
        message, text, token = server.letter('w@post.test', 1)
        equal(message['Subject'], 'May u@d.test send e-mail as w@post.test?')
        equal(message['To'], 'w@post.test')
        equal(message['Auto-Submitted'], 'auto-generated')
        link = re.search(r'http://\S+', text)[0]
        said = browser.open(link)
        contains(said, 'May u@d.test send e-mail as w@post.test?', 'the page')
        screenshot(browser, 'question')
        equal(server.identities(), [('u@d.test', 'w@post.test', 'asked')])  # to look is not to answer
        said = browser.press('Yes, allow it')
        contains(said, 'u@d.test may send e-mail as w@post.test now.', 'the page')
        screenshot(browser, 'confirmed')
        equal(server.identities(), [('u@d.test', 'w@post.test', 'confirmed')])
        contains(server.sends('w@post.test', 'Me <w@post.test>'), '250', 'the reply after')
        contains(server.sends('w@post.test', user='v@d.test'), '553 5.7.1', 'the reply to another account')
        contains(browser.open(link), 'used already', 'the page on a second visit')
        screenshot(browser, 'used')


def test_the_owner_sees_who_uses_the_address_and_takes_it_back():
    with Office() as server, Browser(server.folder, names=['mail.d.test']) as browser:
        server.run('identity', 'add', 'u@d.test', 'w@post.test', '--confirmed')
        server.run('identity', 'add', 'v@d.test', 'w@post.test', '--confirmed')
        browser.open(f'http://mail.d.test:{server.port}/identity')
        screenshot(browser, 'start')
        browser.fill('address', 'w@post.test')
        browser.press('Mail me a link')
        _, text, _ = server.letter('w@post.test', 1)
        said = browser.open(re.search(r'http://\S+', text)[0])
        contains(said, 'u@d.test', 'the list')
        contains(said, 'v@d.test', 'the list')
        screenshot(browser, 'list')
        said = browser.press('Take it back')
        contains(said, 'u@d.test may send e-mail as w@post.test no more.', 'the page')
        equal(server.identities(), [('u@d.test', 'w@post.test', 'declined'), ('v@d.test', 'w@post.test', 'confirmed')])
        contains(server.sends('w@post.test'), '553 5.7.1', 'the reply after')


def test_a_refused_user_can_have_the_owner_asked():
    with Office({'language': 'cs'}) as server, Browser(server.folder, language='cs-CZ', names=['mail.d.test']) as browser:
        contains(server.sends('u@d.test', 'w@post.test'), '553 5.7.1 <w@post.test> in From', 'the reply')
        message, text, _ = server.letter('u@d.test', 1)
        equal(message['Subject'], 'Chcete posílat e-maily jako w@post.test?')
        browser.open(re.search(r'http://\S+', text)[0])
        contains(browser.press('Ano, zeptat se majitele'), 'Majitele adresy w@post.test jsme se zeptali e-mailem.', 'the page')
        message, text, _ = server.letter('w@post.test', 1)
        equal(message['Subject'], 'Smí u@d.test posílat e-maily jako w@post.test?')
        browser.open(re.search(r'http://\S+', text)[0])
        screenshot(browser, 'question-cs')
        contains(browser.press('Ano, povolit'), 'u@d.test teď smí posílat e-maily jako w@post.test.', 'the page')
        contains(server.sends('w@post.test'), '250', 'the reply after')


def test_the_code_alone_does_too():
    with Office() as server:
        server.run('identity', 'add', 'u@d.test', 'w@post.test')
        _, text, token = server.letter('w@post.test', 1)
        contains(text, f'The code: {token}', 'the mail')
        server.run('identity', 'confirm', token)
        equal(server.identities(), [('u@d.test', 'w@post.test', 'confirmed')])
        server.run('identity', 'confirm', token, code=67)
        server.run('identity', 'revoke', 'u@d.test', 'w@post.test')
        equal(server.identities(), [('u@d.test', 'w@post.test', 'declined')])  # it is not to be learned again
        contains(server.sends('w@post.test'), '553 5.7.1', 'the reply after')


def test_scanners_strangers_and_other_pages_confirm_nothing():
    with Office() as server:
        server.run('identity', 'add', 'u@d.test', 'w@post.test')
        token = server.letter('w@post.test', 1)[2]
        for method in ('GET', 'HEAD', 'GET'):
            status, head, _ = server.ask(method, f'?t={token}')
            equal(status, 200)
        contains(head, "form-action 'self'", 'the header')
        contains(head, "default-src 'none'", 'the header')
        contains(head, 'referrer-policy: same-origin', 'the header')
        contains(head, 'cache-control: no-store', 'the header')
        yes = f't={token}&do=yes'
        for why, status, fields in (('another page', 403, {'Origin': 'http://evil.test'}),
                                    ('a page that hides', 403, {'Origin': 'null'}),
                                    ('another site', 403, {'Sec_Fetch_Site': 'cross-site'}),
                                    ('a name made to lead here', 421, {'host': 'evil.test'})):
            equal(server.ask('POST', body=yes, **fields)[0], status, why)
        equal(server.ask('POST', body='t=' + 'a' * 32 + '&do=yes')[0], 404, 'a guess')
        equal(server.ask('POST', f'?t={token}', body='do=yes')[0], 404, 'the code beside the form')
        equal(server.identities(), [('u@d.test', 'w@post.test', 'asked')])
        equal(server.ask('POST', body=yes)[0], 200)
        equal(server.ask('POST', body=yes)[0], 404, 'a second time')
        equal(server.identities(), [('u@d.test', 'w@post.test', 'confirmed')])


def test_requests_that_could_be_read_twice_are_refused():
    with Office() as server:
        host = b'Host: 127.0.0.1\r\n'
        form = b'Content-Type: application/x-www-form-urlencoded\r\n'
        for why, octets, status in (
                ('TE and CL', b'POST /identity HTTP/1.1\r\n' + host + form + b'Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n', 400),
                ('TE', b'POST /identity HTTP/1.1\r\n' + host + form + b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
                ('two CL', b'POST /identity HTTP/1.1\r\n' + host + form + b'Content-Length: 4\r\nContent-Length: 5\r\n\r\nt=aaa', 400),
                ('two equal CL', b'POST /identity HTTP/1.1\r\n' + host + form + b'Content-Length: 4\r\nContent-Length: 4\r\n\r\nt=aa', 400),
                ('two hosts', b'GET /identity HTTP/1.1\r\n' + host + host + b'\r\n', 400),
                ('no length', b'POST /identity HTTP/1.1\r\n' + host + form + b'\r\n', 411),
                ('a long form', b'POST /identity HTTP/1.1\r\n' + host + form + b'Content-Length: 5000\r\n\r\n' + b'a' * 5000, 413),
                ('a body with GET', b'GET /identity HTTP/1.1\r\n' + host + b'Content-Length: 4\r\n\r\nt=aa', 400),
                ('a long header', b'GET /identity HTTP/1.1\r\n' + host + b'X: ' + b'a' * 10000 + b'\r\n\r\n', 431),
                ('another method', b'PUT /identity HTTP/1.1\r\n' + host + b'\r\n', 405),
                ('what only the operator sees', b'GET /metrics HTTP/1.1\r\n' + host + b'\r\n', 404),
                ('another page to write to', b'POST /metrics HTTP/1.1\r\n' + host + form + b'Content-Length: 4\r\n\r\nt=aa', 400)):
            equal(server.http(octets)[0], status, why)


def test_nobody_is_flooded_and_no_header_is_written_by_an_address():
    with Office() as server:
        for _ in range(50):
            server.ask('POST', body='do=add&account=u%40d.test&address=w%40post.test')
        server.letter('u@d.test', 1)
        server.run('identity', 'add', 'u@d.test', 'w@post.test')
        server.run('identity', 'add', 'v@d.test', 'w@post.test', code=75)
        server.letter('w@post.test', 1)
        server.wait_queue_empty()
        equal(len(server.messages('u@d.test')), 1)
        for bad in ('w@post.test\r\nBcc: v@d.test', '<w@post.test>', 'W <w@post.test>', 'w', 'w' * 10000 + '@post.test'):
            equal(server.ask('POST', body='do=add&account=v%40d.test&address=' + urllib.parse.quote(bad))[0],
                  413 if len(bad) > 4000 else 400)
            server.run('identity', 'add', 'u@d.test', bad, code=65)
        equal(len(server.messages_everywhere()), 2)


def test_learning_then_enforcing():
    with Office(sender_ownership={'mode': 'learn', 'enforce_from': '2099-01-01'}) as server:
        contains(server.sends('w@post.test'), '250', 'the reply while learning')
        contains(server.sends('u@d.test', 'old@brand.test'), '250', 'the reply while learning')
        message, text, _ = server.letter('u@d.test', 1)
        equal(message['Subject'], 'Addresses that you send e-mail from')
        contains(text, 'w@post.test', 'the notice')
        until('two identities', lambda: len(server.identities()) == 2)
        contains(server.sends('third@brand.test'), '250', 'the reply while learning')
        until('three identities', lambda: len(server.identities()) == 3)
        equal({state for _, _, state in server.identities()}, {'learned'})
        report = json.loads(server.run('identity', 'report', '--json'))['foreign_senders']
        equal({one['address']: one['would_be_refused'] for one in report},
              {'w@post.test': False, 'old@brand.test': False, 'third@brand.test': False})
        server.run('identity', 'revoke', 'u@d.test', 'third@brand.test')
        server.settings['sender_ownership'] = {'mode': 'learn', 'enforce_from': '2020-01-01'}
        server.configure()
        server.reload()
        contains(server.sends('w@post.test', 'old@brand.test'), '250', 'the reply to what was learned')
        contains(server.sends('third@brand.test'), '553 5.7.1 <third@brand.test>', 'the reply to another')
        contains(server.sends('u@d.test', 'new@brand.test'), '553 5.7.1 <new@brand.test>', 'the reply to another')

        def refused():
            senders = json.loads(server.run('identity', 'report', '--json'))['foreign_senders']
            return {one['address'] for one in senders if one['would_be_refused']} == {'third@brand.test', 'new@brand.test'}
        until('the report', refused)
        server.wait_queue_empty()
        notices = [one for one in server.messages('u@d.test') if b'Addresses that you send' in one.raw]
        equal(len(notices), 1, 'one notice')
