"""Ports for servers that must be told theirs, or must come back to it: below those that the system gives to clients (ip_local_port_range),
one of which may hold any other port at the moment that it is wanted again."""
import random
import socket

LOWEST, HIGHEST = 10_000, 32_767
given = set()  # never twice in a run: whoever had one may still be closing it


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(('0.0.0.0', port))
            except OSError:
                return False
    return True


def free_port():
    """For TCP and UDP, on any address."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        if port not in given and is_free(port):
            given.add(port)
            return port
