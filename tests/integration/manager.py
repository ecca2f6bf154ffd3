"""Plays the service manager: hears what a server tells it, keeps the sockets that it is given, and passes sockets to the next start."""
import os
import re
import socket
import sys
import time

from deadline import until

# What systemd does between fork and exec: descriptors from 3 on, and LISTEN_PID and WATCHDOG_PID of the process itself.
STARTER = '''
import fcntl, os, sys
given = [int(fd) for fd in sys.argv[1].split(",") if fd]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 200) for fd in given]
for fd in given:
    os.close(fd)
for place, fd in enumerate(high):
    os.dup2(fd, 3 + place)
    os.close(fd)
os.environ.update({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(high)), "WATCHDOG_PID": str(os.getpid())})
os.execv(sys.argv[2], sys.argv[2:])
'''


class Manager:
    def __init__(self, folder, watchdog=None):
        self.path = os.path.join(folder, 'notify')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.watchdog = watchdog  # seconds
        self.messages = []
        self.kept = []  # (name, descriptor)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.release()

    def release(self):
        for _, fd in self.kept:
            os.close(fd)
        self.kept.clear()

    def start(self, server, sockets=None, wait=True):
        """Starts the server as its manager, with `sockets` or those that are kept."""
        passed = [fd for _, fd in self.kept] if sockets is None else [one.fileno() for one in sockets]
        environment = {**os.environ, 'NOTIFY_SOCKET': self.path}
        if self.watchdog:
            environment['WATCHDOG_USEC'] = str(int(self.watchdog * 1e6))
        prefix = (sys.executable, '-c', STARTER, ','.join(map(str, passed)))
        server.launch(prefix, env=environment, pass_fds=passed)
        return server.wait_listening() if wait else server

    def receive(self, within=0.0):
        """One message, or None."""
        self.socket.settimeout(max(within, 0.001))
        try:
            octets, fds, flags, _ = socket.recv_fds(self.socket, 4096, 253)
        except TimeoutError:
            return None
        assert not flags & socket.MSG_CTRUNC, 'descriptors were cut off'
        rows = [line.split('=', 1) for line in octets.decode().splitlines()]
        message = dict(rows)
        self.messages.append(message)
        if message.get('FDSTORE') == '1':
            assert fds, f'nothing to store: {message}'
            self.kept += [(message['FDNAME'], fd) for fd in fds]
        elif message.get('FDSTOREREMOVE') == '1':
            for pair in [pair for pair in self.kept if pair[0] == message['FDNAME']]:
                self.kept.remove(pair)
                os.close(pair[1])
        return message

    def wait(self, key, pattern='.*'):
        """The next message that has `key` with such a value."""

        def look():
            message = self.receive(0.1)
            return message if message and key in message and re.fullmatch(pattern, message[key]) else None

        return until(f'{key}={pattern}', look)

    def hears_none(self, key, within):
        """For so many seconds no message has `key`."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            message = self.receive(end - time.monotonic())
            assert not message or key not in message, message

    def drain(self):
        while self.receive():
            pass
