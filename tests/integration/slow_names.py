"""A name server of a test's own that takes its time: each answer comes so much later than its question. (No real one can be told to.)"""
import socket
import struct
import threading
import time

TYPES = {'A': 1, 'PTR': 12, 'MX': 15, 'TXT': 16, 'AAAA': 28}


def wire_name(name):
    labels = [label.encode() for label in name.rstrip('.').split('.') if label]
    return b''.join(bytes([len(label)]) + label for label in labels) + b'\0'


def wire_data(kind, text):
    if kind == 'A':
        return socket.inet_aton(text)
    if kind == 'MX':
        preference, host = text.split()
        return struct.pack('!H', int(preference)) + wire_name(host)
    if kind == 'TXT':
        return bytes([len(text)]) + text.encode()
    return wire_name(text)


class SlowNames:
    """`records`: {(name, type): [texts]}; all else is absent."""

    def __init__(self, records, delay):
        self.records = {(wire_name(name).lower(), TYPES[kind]): [wire_data(kind, text) for text in texts]
                        for (name, kind), texts in records.items()}
        self.delay = delay
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))

    def address(self):
        return f'127.0.0.1:{self.socket.getsockname()[1]}'

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *what):
        self.socket.close()

    def serve(self):
        while True:
            try:
                octets, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self.answer, args=(octets, peer, time.monotonic() + self.delay), daemon=True).start()

    def answer(self, octets, peer, when):
        end = octets.index(b'\0', 12) + 1
        name, (kind, _) = octets[12:end], struct.unpack('!HH', octets[end:end + 4])
        found = self.records.get((name.lower(), kind), [])
        header = octets[:2] + struct.pack('!HHHHH', 0x8180, 1, len(found), 0, 0)
        rows = b''.join(b'\xc0\x0c' + struct.pack('!HHIH', kind, 1, 60, len(data)) + data for data in found)
        time.sleep(max(0, when - time.monotonic()))
        try:
            self.socket.sendto(header + octets[12:end + 4] + rows, peer)
        except OSError:
            pass
