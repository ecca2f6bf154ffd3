"""The programs that operators point at Postfix's log, on ours: fail2ban's own filter and pflogsumm."""
import os
import re

from clients import UNPACKED, checked, unpacked
from deadline import equal
from server import Server

FILTER = os.path.join(UNPACKED, 'etc/fail2ban/filter.d/postfix.conf')
MESSAGE = b'Message-ID: <1@s.test>\r\nSubject: x\r\n\r\nx\r\n'


def banned(server, mode):
    """The lines of the log for which fail2ban's filter would count against their client."""
    unpacked('postfix')  # the group is there
    environment = {**os.environ, 'PYTHONPATH': os.path.join(UNPACKED, 'usr/lib/python3/dist-packages'), 'LC_ALL': 'C'}
    output = checked(['python3', os.path.join(UNPACKED, 'usr/bin/fail2ban-regex'), '--print-all-matched', server.log_path,
                      f'{FILTER}[mode={mode}]'], 'fail2ban-regex', env=environment)
    found = re.search(r'Matched line\(s\):\n((?:\|  .*\n)*)', output)
    return found[1].splitlines() if found else []


def guessing(server):
    """What those do that fail2ban is there for."""
    with server.connect() as wire:
        wire.greet()
        wire.command('MAIL FROM:<a@s.test>', '250 ')
        wire.command('RCPT TO:<x@d.test>', '550 5.1.1')
        wire.command('RCPT TO:<x@elsewhere.test>', '550 5.7.1')
        wire.quit()
    with server.connect() as wire:
        wire.greet()
        for _ in range(19):
            wire.command('FOO', '500 ')
        wire.command('FOO', '500 ')
        wire.expect('421 ')
    with server.connect() as wire:
        wire.expect('220 ')
        wire.send(b'EHLO c.test\r\nMAIL FROM:<a@s.test>\r\n')
        wire.expect('554 ')


def test_fail2ban_counts_guesses_and_nothing_else():
    with Server() as server:
        with server.connect() as wire:
            wire.greet()
            wire.deliver(MESSAGE)
            wire.command('RCPT TO:<u@d.test>', '503 ')
            wire.quit()
        server.wait_messages(1)
        equal(banned(server, 'normal'), [], 'lines against an honest client')
        guessing(server)
        server.stop()
        lines = banned(server, 'normal')
        for part in ('User unknown', 'Relay access denied', 'too many errors after', 'improper command pipelining after'):
            equal(sum(part in line for line in lines), 1, part)
        equal(len(lines), 4, 'lines')


def test_pflogsumm_counts_what_was_done():
    with Server() as server:
        with server.connect() as wire:
            wire.greet()
            for _ in range(3):
                wire.deliver(MESSAGE, 'u@d.test', 'v@d.test')
            wire.command('MAIL FROM:<a@s.test>', '250 ')
            wire.command('RCPT TO:<x@d.test>', '550 5.1.1')
            wire.quit()
        server.wait_messages(3)
        server.stop()
        output = checked(['perl', unpacked('pflogsumm'), '--problems-first', server.log_path], 'pflogsumm')
        counts = dict((name, number) for number, name in re.findall(r'^ +(\d+)k? +(received|delivered|rejected|deferred|bounced)\b', output, re.M))
        equal(counts, {'received': '3', 'delivered': '6', 'rejected': '1', 'deferred': '0', 'bounced': '0'}, 'the grand totals')
        assert 'User unknown' in output, output
