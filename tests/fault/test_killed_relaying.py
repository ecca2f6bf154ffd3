"""kill -9 while mail is handed to another server, again and again: nothing is lost, and what comes twice had its final reply on the way."""
import random
import re
import threading
import time

from deadline import equal
from test_secondary import Secondary
from test_secondary_hops import Hanging

ROUNDS, MESSAGES = 30, 40
IN_FLIGHT = 1.0  # seconds between the final reply and the kill: the result was not durable yet


class Taking(Hanging):
    """Takes all mail; knows when it answered for each copy."""

    def __init__(self):
        self.copies = {}  # message -> times
        super().__init__('never')

    def talk(self, wire):
        wire.write(b'220 taking.test\r\n')
        content, name = False, ''
        for line in wire:
            text = line.decode().rstrip()
            if content and text != '.':
                found = re.match(r'Subject: (\w+)', text)
                name = found[1] if found else name
                continue
            if content:
                with self.lock:
                    self.copies.setdefault(name, []).append(time.monotonic())
            said = '250 ok' if content else self.REPLIES.get(text[:4].upper(), '250 ok')
            content = not content and text[:4].upper() == 'DATA'
            wire.write(said.encode() + b'\r\n')


def fill(server, accepted, number):
    """Messages until the server is gone; those that it answered for are `accepted`."""
    try:
        with server.connect() as wire:
            wire.greet()
            for count in range(MESSAGES):
                name = f'r{number}m{count}'
                wire.deliver(f'Subject: {name}\r\n\r\nx\r\n'.encode(), 'u@d.test', sender='a@s.test')
                accepted.append(name)
    except (OSError, AssertionError):
        pass


def test_thirty_kills_while_mail_is_handed_over():
    chance = random.Random(7)
    accepted, kills = [], []
    with Taking() as taking, Secondary(taking.port, knowing=True, queue={'retry': ['1s']}) as server:
        for number in range(ROUNDS):
            sender = threading.Thread(target=fill, args=(server, accepted, number))
            sender.start()
            time.sleep(chance.uniform(0.01, 0.25))
            server.kill()
            kills.append(time.monotonic())
            sender.join()
            server.start()
        server.wait_queue_empty(60)
        lost = [name for name in accepted if name not in taking.copies]
        equal(lost, [], 'lost')
        twice = {name: times for name, times in taking.copies.items() if len(times) > 1}
        for name, times in twice.items():
            for first in times[:-1]:
                after = [kill - first for kill in kills if kill >= first]
                assert after and min(after) < IN_FLIGHT, f'{name} came at {times}: no kill followed its reply at once'
        print(f'{len(accepted)} accepted, {ROUNDS} kills, 0 lost, {len(twice)} came twice')
        assert len(accepted) > ROUNDS, 'hardly anything was under way'
