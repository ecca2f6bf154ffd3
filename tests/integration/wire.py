"""SMTP as octets on a socket: what is sent is exactly what is given, and what is read is held to the grammar of replies: lines end with
CRLF, hold at most 512 octets, have one code. Every read has a deadline."""
import re
import socket
import ssl
import time

from deadline import PATIENCE, TooLate

LINE_MAX = 512
REPLY_LINE = re.compile(rb'[2-5][0-9][0-9](?:[ -][^\r\n\x00]*)?\r\n')


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = lines[-1][:3]
        self.text = '\n'.join(lines)

    def __repr__(self):
        return repr(self.text)


def lenient_client():
    """A TLS client that checks no names, as mail servers among themselves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Wire:
    def __init__(self, address, source=None, implicit_tls=None):
        self.socket = socket.create_connection(address, timeout=PATIENCE, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b''
        self.ended = False
        if implicit_tls:
            self.start_tls(implicit_tls)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection as a crash would: with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        self.socket.close()

    def start_tls(self, context=None, name='mx.d.test', session=None):
        assert not self.buffer, f'octets before the handshake: {self.buffer!r}'
        self.socket = (context or lenient_client()).wrap_socket(self.socket, server_hostname=name, session=session)

    def send(self, octets):
        self.socket.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def send_if_open(self, octets):
        """For a peer that may have ended the connection already; False when it has."""
        try:
            self.send(octets)
            return True
        except OSError:
            return False

    def receive(self, within):
        """Some more octets into the buffer; False at the end of the connection."""
        if self.ended:
            return False
        self.socket.settimeout(max(within, 0.001))
        try:
            got = self.socket.recv(65536)
        except TimeoutError:
            raise TooLate(f'no answer within {within:g} s; so far {self.buffer!r}') from None
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            got = b''
        self.buffer += got
        self.ended = not got
        return bool(got)

    def line(self, within=PATIENCE):
        """One line of a reply without its CRLF; None at the end of the connection."""
        end = time.monotonic() + within
        while b'\n' not in self.buffer:
            if not self.receive(end - time.monotonic()):
                assert not self.buffer, f'the connection ended within a line: {self.buffer!r}'
                return None
        line, _, self.buffer = self.buffer.partition(b'\n')
        line += b'\n'
        assert REPLY_LINE.fullmatch(line), f'no reply line: {line!r}'
        assert len(line) <= LINE_MAX, f'a reply line of {len(line)} octets'
        return line[:-2].decode()

    def reply(self, within=PATIENCE):
        lines = []
        while True:
            line = self.line(within)
            assert line is not None, f'the connection ended where a reply should come, after {lines}'
            assert not lines or line[:3] == lines[0][:3], f'two codes in one reply: {lines + [line]}'
            lines.append(line)
            if line[3:4] != '-':
                return Reply(lines)

    def expect(self, start, within=PATIENCE):
        """The next reply, whose last line must begin with `start`."""
        got = self.reply(within)
        assert got.lines[-1].startswith(start), f'wanted a reply {start!r}, got {got}'
        return got

    def command(self, line, start, within=PATIENCE):
        self.send(line.encode() + b'\r\n')
        try:
            return self.expect(start, within)
        except AssertionError as trouble:
            raise AssertionError(f'{line!r}: {trouble}') from None

    def expect_end(self, within=PATIENCE):
        """Nothing more comes, and the connection ends."""
        end = time.monotonic() + within
        while self.receive(end - time.monotonic()):
            pass
        assert not self.buffer, f'octets before the end of the connection: {self.buffer!r}'

    def nothing_waits(self):
        """True when no octet has come that wasn't read."""
        self.socket.settimeout(0)
        try:
            got = self.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            got = b''
        self.socket.settimeout(PATIENCE)
        self.buffer += got
        return not self.buffer

    # Whole steps of a conversation

    def greet(self, name='c.test'):
        self.expect('220 ')
        return self.command(f'EHLO {name}', '250 ')

    def secure(self, context=None, **how):
        self.command('STARTTLS', '220 2.0.0')
        self.start_tls(context, **how)
        return self.command('EHLO c.test', '250 ')

    def begin(self, *recipients, sender='a@s.test', parameters=''):
        """MAIL, RCPT for each, DATA."""
        self.command(f'MAIL FROM:<{sender}>{parameters}', '250 2.1.0')
        for recipient in recipients or ('u@d.test',):
            self.command(f'RCPT TO:<{recipient}>', '250 2.1.5')
        self.command('DATA', '354 ')

    def deliver(self, message, *recipients, sender='a@s.test', parameters=''):
        """A whole transaction; returns the queue id."""
        self.begin(*recipients, sender=sender, parameters=parameters)
        self.send(stuffed(message) + b'.\r\n')
        return queue_id(self.expect('250 2.0.0'))

    def quit(self):
        self.command('QUIT', '221 2.0.0')
        self.expect_end()


def stuffed(message):
    """A message for DATA: a dot before each dot that begins a line."""
    return re.sub(rb'(?m)^\.', b'..', message)


def queue_id(reply):
    return reply.lines[-1].rsplit(' ', 1)[-1]
