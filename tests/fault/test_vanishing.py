"""F-17: the server that mail is delivered to ends its connection at any step, or says something that is none of its answers: the message
waits and is delivered by a later attempt, and only an end after the last octet may deliver it twice."""
import socket
import threading

from deadline import equal
from server import Server

STEPS = ('connect', 'LHLO', 'MAIL', 'RCPT', 'DATA', 'octets', '.')
MESSAGE = b'Subject: x\r\n\r\n' + b'0123456789' * 6 + b'\r\n' * 20_000


class Vanishing:
    """An LMTP server that at `step` ends its first connections, each in its own way, and from then on is a good one."""

    def __init__(self, step, last_words):
        self.step, self.last_words = step, list(last_words)
        self.messages = []
        self.listener = socket.create_server(('127.0.0.1', 0))
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def transport(self):
        return {'transport': 'lmtp:127.0.0.1:%d' % self.listener.getsockname()[1]}

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            with client, client.makefile('rwb') as stream:
                try:
                    self.converse(stream)
                except OSError:
                    pass

    def is_over(self, step, stream):
        """True at the step where this connection ends."""
        if step != self.step or not self.last_words:
            return False
        stream.write(self.last_words.pop(0))
        stream.flush()
        return True

    def converse(self, stream):
        def say(line):
            stream.write(line + b'\r\n')
            stream.flush()

        if self.is_over('connect', stream):
            return
        say(b'220 here')
        for line in stream:
            verb = line.split()[0].upper().decode()
            if self.is_over(verb, stream):
                return
            if verb == 'DATA':
                say(b'354 go')
                if self.step == 'octets' and stream.read(20) and self.is_over('octets', stream):
                    return
                lines = []
                while (line := stream.readline()) not in (b'.\r\n', b''):
                    lines.append(line)
                self.messages.append(b''.join(lines))
                if self.is_over('.', stream):
                    return
            say(b'250 ok')


def vanishes(step):
    last_words = (b'', b'25', b'250-', b'\xff\0 nonsense\r\n', b'421 4.3.2 not now\r\n')
    peer = Vanishing(step, last_words)
    # Whom it would be asked about at RCPT is another matter: test_lmtp_room.py.
    with Server(local=peer.transport, queue={'retry': ['1s']}, recipient={'mode': 'off'}) as server:
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
        server.wait_queue_empty(60)
        equal(peer.last_words, [], 'ways to end that were not tried')
        assert all(got.endswith(MESSAGE) for got in peer.messages), 'a message that is not what was sent'
        equal(len(peer.messages), len(last_words) + 1 if step == '.' else 1, 'whole messages')
        equal(server.log().count('status=deferred'), len(last_words), 'deferrals')
        equal(server.log().count('status=sent'), 1, 'deliveries')


def cases():
    for step in STEPS:
        yield f'at_{"the_end" if step == "." else step}', lambda step=step: vanishes(step)
