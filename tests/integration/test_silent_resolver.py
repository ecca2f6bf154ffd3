"""A thousand sessions that wait for a resolver that never answers: who needs no answer is served as before, all get 451 when their
questions' time is over, and nothing is left of it."""
import socket
import threading
import time

from deadline import equal, until
from server import Server
from test_http import metrics, value
from test_life import descriptors, resident_kib

WAITING = 1000
TIMEOUT = 5  # dns.timeout, seconds
BESIDE = '127.0.0.8'  # a client that an allow rule lets by


def percentile(times, share):
    return sorted(times)[int(len(times) * share)]


def one_more(server):
    """Seconds of a session from its greeting to the verdict on its RCPT. (What the system's connect() takes grows with the sockets there
    are, whoever listens.)"""
    with server.connect(source=(BESIDE, 0)) as wire:
        began = time.monotonic()
        wire.greet()
        wire.command('MAIL FROM:<>', '250 ')
        wire.command('RCPT TO:<u@d.test>', '250 ')
        took = time.monotonic() - began
        wire.quit()
    return took


def for_seconds(server, seconds):
    end, times = time.monotonic() + seconds, []
    while time.monotonic() < end:
        times.append(one_more(server))
    return times


def all_wait(server, senders):
    """Sessions whose RCPT is asked; the first MAIL was sent at the time that comes with them."""
    wires = [server.connect() for _ in senders]
    for wire in wires:
        wire.greet()
    began = time.monotonic()
    for wire, sender in zip(wires, senders):
        wire.send(f'MAIL FROM:<a@{sender}>\r\nRCPT TO:<u@d.test>\r\n')
    return wires, began


def take_answers(wires):
    for wire in wires:  # the replies to a group of commands come together
        wire.expect('250 2.1.0 ', 3 * TIMEOUT)
        wire.expect('451 4.4.3 ', 3 * TIMEOUT)


def in_flight(server):
    return value(metrics(server), 'postern_dns_queries_in_flight')


def test_1000_sessions_waiting_for_a_silent_resolver_hold_up_nobody_and_leave_nothing():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(('127.0.0.1', 0))
        dns = {'servers': [f'127.0.0.1:{silent.getsockname()[1]}'], 'timeout': f'{TIMEOUT}s', 'max_in_flight': 4000}
        with Server(dns=dns, sender_domain={'mode': 'enforce'}, spf={'mode': 'enforce'}, admin={'http': '127.0.0.1:0'}) as server:
            server.run('rule', 'add', 'allow', BESIDE)
            alone = for_seconds(server, 1.5)
            until('no open questions', lambda: in_flight(server) == 0)
            files, memory = descriptors(server.process), resident_kib(server.process)
            wires, began = all_wait(server, [f's{number}.test' for number in range(WAITING)])
            until('their questions', lambda: in_flight(server) >= WAITING)
            beside = for_seconds(server, TIMEOUT - 1.5 - (time.monotonic() - began))
            open_questions, most = in_flight(server), resident_kib(server.process)
            assert time.monotonic() - began < TIMEOUT, 'too slow to see them wait'
            assert open_questions >= WAITING, f'{open_questions} questions: not all waited'
            reader = threading.Thread(target=take_answers, args=(wires,))
            reader.start()
            reader.join(4 * TIMEOUT)
            took = time.monotonic() - began
            assert not reader.is_alive() and took < 2 * TIMEOUT, f'answers took {took:.1f} s'
            for wire in wires:
                wire.close()
            until('the descriptors of before', lambda: descriptors(server.process) <= files + 4)  # sockets of the resolver
            until('no open questions', lambda: in_flight(server) == 0)
            equal([count for key, count in metrics(server).items() if key[0] == 'postern_sessions'], [0], 'sessions')
            after = resident_kib(server.process)
            second, _ = all_wait(server, [f't{number}.test' for number in range(WAITING)])
            take_answers(second)
            for wire in second:
                wire.close()
            until('no open questions', lambda: in_flight(server) == 0)
            again = resident_kib(server.process)
            print(f'# {WAITING} sessions, {open_questions:.0f} open questions: others p50 {percentile(alone, .5) * 1000:.2f} ms, p99 '
                  f'{percentile(alone, .99) * 1000:.1f} ms alone, p50 {percentile(beside, .5) * 1000:.2f} ms, p99 '
                  f'{percentile(beside, .99) * 1000:.1f} ms meanwhile ({len(beside)} sessions); all answered 451 after {took:.2f} s; RSS '
                  f'{memory} KiB before, {most} waiting, {after} after, {again} after as many again')
            assert percentile(beside, .99) < max(0.05, 3 * percentile(alone, .99)), 'others waited too'
            assert most - memory < WAITING * 64, f'{most - memory} KiB more for {WAITING} sessions'
            assert again - after < WAITING * 8, f'{again - after} KiB more after as many again'


test_1000_sessions_waiting_for_a_silent_resolver_hold_up_nobody_and_leave_nothing.long = True
