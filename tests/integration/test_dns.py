"""The resolver within the running server: what its servers are good for is told, other servers take over at a reload, and questions
on their way keep nobody from ending."""
import contextlib
import json
import re
import socket
import threading
import time

from deadline import contains, equal, until
from server import Server

UNDER_A_ROOT = b'\0\0\1\0\1'  # a question for the root's address
SOA = b'\0\0\6\0\1\0\1\x51\x80\0\x16' + b'\0\0' + bytes(20)


class Resolver:
    """Answers by UDP that there is nothing, with or without AD; "silent": not at all."""

    def __init__(self, how):
        self.how, self.seen = how, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = '127.0.0.1:%d' % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            question, sender = self.socket.recvfrom(65535)
            if not question:
                return
            self.seen.append(question)
            if self.how == 'silent':
                continue
            end = question.index(UNDER_A_ROOT, 12) + len(UNDER_A_ROOT)
            flags = bytes([0x81, 0x80 | (0x20 if self.how == 'validates' else 0)])
            self.socket.sendto(question[:2] + flags + b'\0\1\0\0\0\1\0\0' + question[12:end] + SOA, sender)

    def close(self):
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as last:
            last.sendto(b'', self.socket.getsockname())
        self.thread.join()
        self.socket.close()


@contextlib.contextmanager
def resolver(how):
    made = Resolver(how)
    try:
        yield made
    finally:
        made.close()


def standing(server):
    return json.loads(server.run('status', '--json'))['dns']


def test_what_each_server_is_good_for_is_told_by_status_and_log():
    with resolver('validates') as first, resolver('answers') as second, resolver('silent') as third:
        addresses = [each.address for each in (first, second, third)]
        with Server(dns={'servers': addresses, 'timeout': '1s'}) as server:
            wanted = (f'{first.address} validates answers (DNSSEC); {second.address} answers and does not validate (DNSSEC); '
                      f'{third.address} does not answer: for DANE run a validating resolver on this machine, such as unbound')
            server.wait_log(re.escape('dns: ' + wanted))
            equal(standing(server), wanted, 'status')


def test_a_reload_asks_other_servers_and_anew_what_it_has():
    with resolver('answers') as first, resolver('validates') as second:
        with Server(dns={'servers': [first.address]}) as server:
            server.wait_log(re.escape(f'dns: {first.address} answers and does not validate'))
            first.how = 'validates'
            server.reload()
            server.wait_log(re.escape(f'dns: {first.address} validates'))
            server.settings['dns'] = {'servers': [second.address]}
            server.configure()
            server.reload()
            server.wait_log(re.escape(f'dns: {second.address} validates'))
            server.settings['dns']['trust_ad'] = 'never'
            server.configure()
            server.reload()
            until('the new standing', lambda: 'is not believed' in standing(server))


def test_questions_on_their_way_keep_nobody_from_ending_or_reloading():
    with resolver('silent') as silent, resolver('validates') as other:
        with Server(dns={'servers': [silent.address], 'timeout': '60s'}) as server:
            until('a question', lambda: silent.seen)
            contains(standing(server), 'has not answered yet', 'status')
            server.settings['dns']['servers'] = [other.address]
            server.configure()
            server.reload()
            until('the standing of the other', lambda: standing(server) == f'{other.address} validates answers (DNSSEC)')
            server.settings['dns']['servers'] = [silent.address]
            asked = len(silent.seen)
            server.configure()
            server.reload()
            until('a question', lambda: len(silent.seen) > asked)
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 10, 'the end waited for DNS'
