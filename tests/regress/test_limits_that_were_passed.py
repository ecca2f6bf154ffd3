"""Ways past a limit that once were open."""
import threading
import time

from deadline import equal
from server import Server


def proxied(server, client):
    wire = server.connect()
    wire.send(f'PROXY TCP6 {client} 2001:db8::25 4000 25\r\n')
    return wire


def test_one_ipv6_network_is_one_client():
    with Server({'proxy_from': ['127.0.0.0/8']}, limits={'sessions_per_client': 2, 'sessions': 50}) as server:
        mine = [proxied(server, f'2001:db8:1:1::{n}') for n in range(1, 4)]
        equal(sorted(wire.reply().code for wire in mine), ['220', '220', '421'], 'three of one /64')  # two threads accept
        with proxied(server, '2001:db8:1:2::1') as other:
            other.expect('220 ')
        for wire in mine:
            wire.close()


def test_a_peer_that_hardly_reads_has_no_more_than_its_time():
    with Server(limits={'session_time': '2s', 'errors': 1000000, 'soft_errors': 1000000}) as server, server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        stop = threading.Event()

        def ask():
            while not stop.is_set() and wire.send_if_open(b'RCPT TO:<x@d.test>\r\n' * 500):
                pass

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            end = time.monotonic() + 30
            while time.monotonic() < end and wire.receive(10):
                wire.buffer = b''
                time.sleep(0.05)
                if 'disconnect from' in server.log():
                    break
            server.wait_log('disconnect from', within=1)
        finally:
            stop.set()
            wire.close()
            asking.join()
