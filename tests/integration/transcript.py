"""Reads the transcripts of tests/scripts (their README has the form) and plays them against a server."""
import os
import re

from deadline import equal
from server import TOP

SCRIPTS = os.path.join(TOP, 'tests/scripts')
PIECE = re.compile(r'\\x([0-9a-f]{2})|\\(.)|\{((?:[^*\\]|\\.)*)\*(\d+)\}|(.)', re.S)
SIMPLE = {'r': b'\r', 'n': b'\n', 't': b'\t', '\\': b'\\', '{': b'{'}


def unescape(text):
    made = b''
    for code, simple, repeated, count, plain in PIECE.findall(text):
        if code:
            made += bytes.fromhex(code)
        elif simple:
            made += SIMPLE[simple]
        elif count:
            made += unescape(repeated) * int(count)
        else:
            made += plain.encode()
    return made


class Transcript:
    """Steps: ('send', octets), ('reply', pattern), ('tls',), ('close',); each with its line."""

    def __init__(self, name):
        self.name = name
        self.steps = []
        self.messages = None
        self.bodies = []
        with open(os.path.join(SCRIPTS, name + '.smtp'), encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                self.take(line.rstrip('\n'), number)

    def take(self, line, number):
        tag, _, rest = line.partition(': ')
        if not line or line.startswith('#') or line == '<whole>':
            return
        if tag in ('C', 'c'):
            self.send(unescape(rest) + (b'\r\n' if tag == 'C' else b''), number)
        elif tag == 'S':
            self.steps.append(('reply', number, rest))
        elif line in ('<tls>', '<close>'):
            self.steps.append((line[1:-1], number, None))
        elif tag == 'messages':
            self.messages = int(rest)
        elif tag == 'body':
            self.bodies.append(unescape(rest))
        else:
            raise AssertionError(f'{self.name}.smtp:{number}: not understood: {line}')

    def send(self, octets, number):
        """What the client sends before an answer goes in one segment."""
        if self.steps and self.steps[-1][0] == 'send':
            kind, first, before = self.steps.pop()
            octets, number = before + octets, first
        self.steps.append(('send', number, octets))

    def play(self, wire):
        for kind, number, what in self.steps:
            try:
                self.step(wire, kind, what)
            except Exception as trouble:
                raise AssertionError(f'{self.name}.smtp:{number}: {trouble}') from trouble

    def step(self, wire, kind, what):
        if kind == 'send':
            assert wire.nothing_waits(), f'an answer too many: {wire.line()!r}'
            wire.send(what)
        elif kind == 'reply':
            if what.endswith('-...'):
                assert wire.reply().code == what[:3], f'wanted {what!r}'
                return
            line = wire.line()
            assert line is not None, f'the connection ended, wanted {what!r}'
            assert line.startswith(what[:-1]) if what.endswith('*') else line == what, f'wanted {what!r}, got {line!r}'
        elif kind == 'tls':
            wire.start_tls()
        else:
            wire.expect_end()


def names():
    return sorted(file[:-5] for file in os.listdir(SCRIPTS) if file.endswith('.smtp'))


def check_messages(transcript, server):
    """What the transcript says about what was kept, against all Maildirs."""
    server.wait_queue_empty()
    kept = server.messages_everywhere()
    if transcript.messages is not None:
        equal(len(kept), transcript.messages, 'different messages in all Maildirs')
    for message, body in zip(kept, transcript.bodies, strict=False):
        equal(message.content, body, 'a message as it was delivered')
