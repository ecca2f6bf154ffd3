"""Servers that no package has: with limits of their own, with extensions that they only claim to have, and slow ones."""
import re
import socketserver
import subprocess
import threading
import time

from deadline import equal
from own_network import in_a_network_of_its_own
from sinks import Sending
from test_submission import MESSAGE

MINUTE = 60


class Odd(socketserver.ThreadingTCPServer):
    """Notes each connection's commands and each message that it took, with its recipients."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, *offers, bdat=True, greets_after=0, hangs_at=''):
        self.offers, self.bdat, self.greets_after, self.hangs_at = offers, bdat, greets_after, hangs_at
        self.hanging = threading.Event()
        self.connections, self.taken, self.lock = [], [], threading.Lock()
        super().__init__(('127.0.0.1', 0), Talk)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            self.talk()
        except ConnectionError:
            pass  # the peer was killed

    def talk(self):
        server, said, to = self.server, [], []
        with server.lock:
            server.connections.append(said)
        time.sleep(server.greets_after)
        if self.hangs('CONNECT'):
            return
        self.say('220 odd.test')
        for line in self.rfile:
            verb, _, rest = line.decode().strip().partition(' ')
            said.append(verb)
            if self.hangs(verb):
                return
            if verb == 'EHLO':
                self.say(*[f'250-{one}' for one in ('odd.test', *server.offers)], '250 HELP')
            elif verb == 'QUIT':
                return self.say('221 bye')
            elif verb == 'BDAT' and not server.bdat:
                return self.say('502 5.5.1 what')
            elif verb == 'BDAT':
                self.take(to, self.rfile.read(int(rest.split()[0])))
            elif verb == 'DATA':
                self.say('354 go')
                self.take(to, b''.join(iter(self.rfile.readline, b'.\r\n')))
            else:
                to = [] if verb == 'MAIL' else to + re.findall('<(.*)>', rest)
                self.say('250 ok')

    def say(self, *lines):
        self.wfile.write(''.join(line + '\r\n' for line in lines).encode())

    def take(self, to, content):
        with self.server.lock:
            self.server.taken.append((tuple(to), content))
        if not self.hangs('.'):
            self.say('250 ok')

    def hangs(self, step):
        """Says nothing until the peer has gone."""
        if self.server.hangs_at != step:
            return False
        self.server.hanging.set()
        while self.rfile.read(1000):
            pass
        return True


def test_a_server_has_as_few_recipients_and_messages_at_a_time_as_it_wants():
    recipients = [f'x{number}@o.test' for number in range(5)]
    with Odd('PIPELINING', 'LIMITS MAILMAX=2 RCPTMAX=1') as odd, Sending({'o.test': odd.port}) as server:
        server.send(*recipients)
        server.wait_queue_empty()
        equal(sorted(to for to, _ in odd.taken), sorted((one,) for one in recipients), 'transactions')
        equal([said.count('MAIL') for said in odd.connections if 'MAIL' in said], [2, 2, 1], 'messages of each connection')
        equal([said[-1] for said in odd.connections if said.count('MAIL') == 2], ['QUIT', 'QUIT'], 'ends')
        equal(server.log().count('status=deferred'), 0, 'deferrals')


def test_who_claims_to_know_bdat_has_data_at_once():
    with Odd('CHUNKING', bdat=False) as odd, Sending({'o.test': odd.port}) as server:
        server.send('x@o.test', 'y@o.test')
        server.wait_queue_empty()
        equal(len(odd.taken), 1, 'messages')
        assert odd.taken[0][1].endswith(MESSAGE), odd.taken
        equal(server.log().count('status=deferred'), 0, 'deferrals')
    with Odd('CHUNKING') as odd, Sending({'o.test': odd.port}) as server:
        server.send('x@o.test', content=MESSAGE + b'.\r\n..\r\n')
        server.wait_queue_empty()
        assert odd.taken[0][1].endswith(MESSAGE + b'.\r\n..\r\n'), odd.taken
        equal('DATA' in odd.connections[-1], False, 'DATA')


def test_an_idle_connection_ends_with_quit():
    with Odd() as odd:
        with Sending({'o.test': odd.port}) as server:
            server.send('x@o.test')
            server.wait_queue_empty()
        equal([said[-1] for said in odd.connections if 'MAIL' in said], ['QUIT'], 'the end')


def over_a_slow_line():
    """256 kbit/s, and what is more than 50 ms behind is dropped."""
    for words in (('ip', 'link', 'set', 'lo', 'mtu', '1500'),
                  ('tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '256kbit', 'burst', '3kb', 'latency', '50ms')):
        subprocess.run(words, check=True, timeout=MINUTE)
    content = MESSAGE + (b'y' * 70 + b'\r\n') * 1500
    with Odd('PIPELINING') as odd, Sending({'o.test': odd.port}) as server:
        server.send('x@o.test', content=content)
        server.wait_queue_empty(2 * MINUTE)
        assert [one.endswith(content) for _, one in odd.taken] == [True], len(odd.taken)
        equal(server.log().count('status=deferred'), 0, 'deferrals')
    dropped = subprocess.run(('tc', '-s', 'qdisc', 'show', 'dev', 'lo'), capture_output=True, text=True, check=True, timeout=MINUTE).stdout
    assert int(re.search(r'dropped (\d+)', dropped)[1]) > 0, dropped


def test_a_slow_line_that_loses_packets_is_no_trouble():
    in_a_network_of_its_own([], over_a_slow_line)


def test_a_crash_at_any_step_of_a_delivery_loses_nothing():
    """And makes a second copy only where the content was sent and no answer came."""
    for step in ('CONNECT', 'EHLO', 'MAIL', 'RCPT', 'DATA', '.', 'QUIT'):
        with Odd(hangs_at=step) as odd, Sending({'o.test': odd.port}) as server:
            server.send('x@o.test')
            if step == 'QUIT':  # it is idle by then
                server.wait_queue_empty()
            else:
                assert odd.hanging.wait(MINUTE), step
            server.kill()
            odd.hangs_at = ''
            server.start()
            server.wait_queue_empty(3 * MINUTE)
            equal(len(odd.taken), 2 if step == '.' else 1, f'{step}: copies')
            assert all(content.endswith(MESSAGE) for _, content in odd.taken), step
            equal(server.messages(), [], f'{step}: notices')


def test_a_server_that_greets_after_a_minute_is_waited_for():
    with Odd(greets_after=65) as odd, Sending({'o.test': odd.port}) as server:
        server.send('x@o.test')
        server.wait_queue_empty(2 * MINUTE)
        equal(len(odd.taken), 1, 'messages')
        equal(server.log().count('status=deferred'), 0, 'deferrals')


test_a_server_that_greets_after_a_minute_is_waited_for.long = True
