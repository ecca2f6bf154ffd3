"""A secondary and its primary, two servers: mail is held while the primary is away and handed over when it is back; who it takes mail for
is asked first, so that nothing comes back to anybody; strangers wait."""
import socket
import subprocess
import threading

from deadline import contains, equal, until
from ports import free_port
from server import Server
from test_http import get
from test_notices import send as notify

SENDER = 'a@s.test'
MINUTE = 60


class Secondary(Server):
    """Holds d.test for the primary at `port`; knows no mailbox unless it is `knowing`."""

    def __init__(self, port, knowing=False, listener=(), **sections):
        self.knowing = knowing
        wanted = {'server': {'hostname': 'backup.test'}, 'greylist': {'mode': 'off'}, 'queue': {'retry': ['1h']},
                  'relay.route': {'"d.test"': f'127.0.0.1:{port}'}}
        for name, keys in sections.items():
            wanted[name] = {**wanted.get(name, {}), **keys}
        super().__init__({'role': 'secondary', 'tier': 'a', **dict(listener)}, **wanted)

    def accounts(self):
        if self.knowing:
            super().accounts()


def primary(**sections):
    port = free_port()
    return port, Server({'address': f'127.0.0.1:{port}', 'tier': 'a'}, **sections)


def ask(server, recipient, sender=SENDER):
    """The reply to RCPT."""
    with server.connect() as wire:
        wire.greet()
        wire.command(f'MAIL FROM:<{sender}>', '250 ')
        wire.send(f'RCPT TO:<{recipient}>\r\n')
        said = wire.reply(30).lines[-1]
        wire.quit()
        return said


def send(server, *recipients, sender=SENDER, content=b'Subject: x\r\n\r\nx\r\n'):
    with server.connect() as wire:
        wire.greet()
        wire.deliver(content, *recipients, sender=sender)
        wire.quit()


def waits(server, text):
    """One message waits, and this is why."""
    until('a deferral', lambda: server.queue() and server.queue()[0]['recipients'][0]['tries'] > 0)
    contains(server.queue()[0]['recipients'][0]['last_reply'], text, 'why it waits')


def test_mail_waits_for_its_primary_and_arrives_when_it_is_back():
    port, first = primary()
    with first, Secondary(port, knowing=True) as second:
        first.stop()
        done = subprocess.run(['swaks', '--server', '127.0.0.1', '--port', str(second.address()[1]), '--from', SENDER, '--to', 'u@d.test',
                               '--header', 'Subject: while away', '--tls'], capture_output=True, text=True, timeout=MINUTE)
        equal(done.returncode, 0, done.stdout + done.stderr)
        waits(second, '4.4.1 ')
        equal(second.messages_everywhere(), [], 'delivered on the secondary')
        first.start()
        second.wait_queue_empty(MINUTE)
        (message,) = first.wait_messages(1)
        contains(message.content, b'Subject: while away', 'what came')
        equal(message.return_path, SENDER, 'its sender')
        contains(message.received, 'with ESMTPS', 'how it came')
        contains(second.log(), f'relay=127.0.0.1:{port}', 'the log')
        contains(second.log(), f'the primary 127.0.0.1:{port} is back', 'the log')
        equal(second.log().count('notice to the sender'), 0, 'notices')


def test_what_an_earlier_run_has_left_goes_too():
    port, first = primary()
    with first, Secondary(port, knowing=True) as second:
        first.stop()
        for number in range(30):
            send(second, 'u@d.test', 'v@d.test', content=b'Subject: %d\r\n\r\nx\r\n' % number)
        until('deferrals', lambda: all(to['tries'] > 0 for one in second.queue() for to in one['recipients']))
        second.kill()
        first.start()
        second.start()
        second.wait_queue_empty(MINUTE)
        equal((len(first.wait_messages(30)), len(first.wait_messages(30, 'v@d.test'))), (30, 30), 'messages')


def test_a_primary_that_goes_and_comes_loses_nothing():
    port, first = primary()
    with first, Secondary(port, knowing=True) as second:
        send(second, 'u@d.test')
        second.wait_queue_empty()
        first.stop()
        send(second, 'u@d.test')
        waits(second, 'cannot connect')
        send(second, 'v@d.test')  # now without a try
        until('two that wait', lambda: len(second.queue()) == 2 and all(one['recipients'][0]['tries'] for one in second.queue()))
        first.start()
        second.wait_queue_empty(MINUTE)
        first.wait_messages(2)
        first.wait_messages(1, 'v@d.test')


def test_the_primary_is_asked_whom_it_knows():
    port, first = primary()
    with first, Secondary(port) as second:
        contains(ask(second, 'u@d.test'), '250 2.1.5 ', 'a mailbox')
        contains(ask(second, 'nobody@d.test'), '550 5.1.1 ', 'nobody')
        contains(ask(second, 'u@elsewhere.test'), '550 5.7.1 ', 'another domain')
        first.stop()
        contains(ask(second, 'U@D.test'), '250 2.1.5 ', 'what was said is remembered')
        contains(ask(second, 'nobody@d.test'), '550 5.1.1 ', 'so is what was refused')
        contains(ask(second, 'v@d.test'), '451 4.4.1 ', 'not known, and nobody to ask')
        contains(ask(second, 'ghost@d.test', sender='forged@s.test'), '451 4.4.1 ', 'nor is he who is not there')
        send(second, 'u@d.test', sender='forged@s.test')
        waits(second, '4.4.1 ')
        first.start()
        second.wait_queue_empty(MINUTE)
        first.wait_messages(1)
        until('an answer', lambda: ask(second, 'v@d.test').startswith('250 '))
        contains(ask(second, 'ghost@d.test'), '550 5.1.1 ', 'nobody, now that it can be asked')
        equal((second.queue(), second.log().count('notice to the sender')), ([], 0), 'what comes back to anybody')


def test_a_knowing_secondary_refuses_by_itself():
    port, first = primary()
    with first, Secondary(port, knowing=True) as second:
        first.stop()
        contains(ask(second, 'nobody@d.test'), '550 5.1.1 ', 'nobody')
        contains(ask(second, 'u@d.test'), '250 2.1.5 ', 'a mailbox')


def test_a_secondary_without_its_primary_listens_and_ends():
    with Secondary(free_port()) as second:
        contains(ask(second, 'u@d.test'), '451 4.4.1 ', 'nobody to ask')


def test_a_primary_that_hangs_costs_a_deferral():
    with socket.create_server(('127.0.0.1', 0)) as silent, Secondary(silent.getsockname()[1]) as second:
        contains(ask(second, 'u@d.test'), '451 4.4.1 ', 'the answer')


class OddPrimary:
    """Takes everything, a connection at a time, and remembers what it heard; its STARTTLS leads to no handshake."""

    def __init__(self, extensions=('STARTTLS', 'PIPELINING')):
        self.listening = socket.create_server(('127.0.0.1', 0))
        self.port = self.listening.getsockname()[1]
        self.extensions, self.heard, self.connections = extensions, [], 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            self.connections += 1
            with peer, peer.makefile('rwb', buffering=0) as wire:
                self.talk(wire)

    def talk(self, wire):
        wire.write(b'220 odd.test ESMTP\r\n')
        content = False
        for line in wire:
            text = line.decode().rstrip()
            self.heard.append(text)
            if content and text != '.':
                continue
            content = text == 'DATA'
            if text == 'STARTTLS':
                wire.write(b'220 go\r\n')
                wire.read(1)
                return wire.write(b'no handshake')
            offer = ''.join(f'250-{one}\r\n' for one in ('odd.test', *self.extensions)) if text.startswith('EHLO') else ''
            wire.write(offer.encode() + (b'354 go\r\n' if content else b'250 ok\r\n'))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()


def test_a_primary_whose_tls_does_not_work_gets_its_mail_in_plain_text():
    with OddPrimary() as odd, Secondary(odd.port, knowing=True) as second:
        send(second, 'u@d.test', 'v@d.test')
        second.wait_queue_empty(MINUTE)
        contains(odd.heard, 'STARTTLS', 'what it heard')
        contains(odd.heard, 'RCPT TO:<u@d.test>', 'what it heard')
        contains(odd.heard, 'Subject: x', 'what it heard')
        equal(odd.heard.count('DATA'), 1, 'transactions')


def test_notices_are_the_business_of_who_takes_them():
    """NOTIFY goes on to a primary that offers DSN. Where it doesn't, a stranger hears nothing of what was handed on."""
    for extensions in (('DSN',), ()):
        with OddPrimary(extensions) as odd, Secondary(odd.port, knowing=True) as second:
            second.run('domain', 'add', 'm.test')
            second.run('mailbox', 'add', 's@m.test')
            notify(second, b'Subject: x\r\n\r\nx\r\n', sender='s@m.test', recipients=['u@d.test'], rcpt=' NOTIFY=SUCCESS')
            second.wait_queue_empty(MINUTE)
            equal(any('NOTIFY=SUCCESS' in line for line in odd.heard), bool(extensions), f'{extensions}: NOTIFY')
            equal(second.messages('s@m.test'), [], f'{extensions}: notices')


def test_a_route_that_leads_back_is_found():
    """By its address where the configuration shows it, else by the greeting, before anything is taken or sent."""
    with Secondary(free_port(), queue={'retry': ['1s']}) as second:
        second.settings['listener'][0]['address'] = f'127.0.0.1:{second.address()[1]}'
        second.settings['relay.route']['"d.test"'] = second.settings['listener'][0]['address']
        second.configure()
        contains(second.call('check').stdout, "is this server's own listener", 'the check')
        second.settings['listener'][0]['address'] = '127.0.0.1:0'
        second.configure()
        second.reload()
        contains(ask(second, 'u@d.test'), '451 4.4.1 ', 'a recipient that only it could know')
        second.wait_log('mail loop: the server that the mail is to go to is this one')
        Server.accounts(second)
        send(second, 'u@d.test', sender='')
        second.wait_log(r'to=<u@d.test>, .*dsn=5\.4\.6, status=bounced \(mail loop')
        second.wait_queue_empty()


def test_strangers_wait_on_the_secondary():
    port, first = primary()
    with first, Secondary(port, greylist={'mode': 'enforce', 'delay': '3s'}) as second:
        contains(ask(second, 'u@d.test'), '451 4.7.1 ', 'the first attempt')
        contains(ask(second, 'u@d.test'), '451 4.7.1 ', 'too early')
        contains(ask(second, 'nobody@d.test'), '550 5.1.1 ', 'test 3 comes before')
        until('a pass', lambda: ask(second, 'u@d.test').startswith('250 '))
        send(second, 'u@d.test')
        second.wait_queue_empty()
        contains(ask(second, 'u@d.test', sender='other@s.test'), '451 4.7.1 ', 'another sender')
        second.stop()
        second.start()
        contains(ask(second, 'u@d.test'), '250 2.1.5 ', 'after a restart')
        first.wait_messages(1)


def test_questions_are_counted_by_what_came_of_them():
    port, first = primary()
    with first, Secondary(port, admin={'http': '127.0.0.1:0'}) as second:
        for recipient in ('u@d.test', 'u@d.test', 'nobody@d.test'):
            ask(second, recipient)
        first.stop()
        ask(second, 'v@d.test')
        _, _, metrics = get(second, '/metrics')
        for result, count in (('known', 1), ('unknown', 1), ('unavailable', 1), ('cached', 1)):
            contains(metrics, f'postern_call_outs_total{{result="{result}"}} {count}\n', 'metrics')
        contains(second.run('status'), 'call-outs    1 known, 1 unknown, 1 unavailable; 1 from memory', 'status')
