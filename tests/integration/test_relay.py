"""Mail for any domain: MX hosts in their order, what DNS refuses, a smarthost, destinations that are away. In a network of its own, where
public addresses lead to this machine and are none of its interfaces'."""
import socket
import subprocess
import sys
import time

from deadline import contains, equal, until
from names import Names
from server import Server
from test_secondary import send

MINUTE = 60
FIRST, SECOND, OURS = '8.8.1.1', '8.8.1.2', '8.8.2.2'
SENDER = 'a@s.test'
RECORDS = [
    'plain.test. 60 IN MX 10 mx1.r.test', 'plain.test. 60 IN MX 20 mx2.r.test',
    'swapped.test. 60 IN MX 20 mx1.r.test', 'swapped.test. 60 IN MX 10 mx2.r.test',
    'half.test. 60 IN MX 10 dead.r.test', 'half.test. 60 IN MX 20 mx1.r.test',
    f'implicit.test. 60 IN A {FIRST}',
    'null.test. 60 IN MX 0 .', f'null.test. 60 IN A {FIRST}',
    'loop.test. 60 IN MX 10 us.r.test', 'inside.test. 60 IN MX 10 private.r.test',
    'dead.test. 60 IN MX 10 dead.r.test', 'lost.test. 60 IN MX 10 nowhere.r.test', 'bare.test. 60 IN TXT "x"',
    f'mx1.r.test. 60 IN A {FIRST}', f'mx2.r.test. 60 IN A {SECOND}', f'us.r.test. 60 IN A {OURS}', 'private.r.test. 60 IN A 10.1.2.3',
    'dead.r.test. 60 IN A 8.8.1.9',  # nobody listens there
    'smart.r.test. 60 IN A ' + SECOND,
]
TAKEN = ('plain.test', 'swapped.test', 'half.test', 'implicit.test')
REFUSED = {'null.test': '5.1.10 null.test takes no mail', 'loop.test': '5.4.6 mail loop: this server is the best MX host of loop.test',
           'inside.test': '5.4.4 the MX hosts of inside.test have private or loopback addresses only',
           'gone.test': '5.1.2 there is no domain gone.test', 'bare.test': '5.1.2 bare.test has neither MX records nor an address'}
WAITING = {'dead.test': '4.4.1 cannot connect: Connection refused', 'lost.test': '4.4.1 no MX host of lost.test has an address',
           'broken.test': '4.4.1 its MX records cannot be looked up now'}


class Relay(Server):
    """Sends on what comes for to-DOMAIN@d.test to u@DOMAIN."""

    def __init__(self, names, queue=None, **sections):
        super().__init__({'tier': 'a', 'address': '127.0.0.1:0'}, server={'hostname': 'us.r.test'}, dns={'servers': [names.address()], 'timeout': '2s'},
                         queue=queue or {'retry': ['1s', '1s', '1h']}, **sections)

    def accounts(self):
        super().accounts()
        for domain in (*TAKEN, *REFUSED, *WAITING):
            self.run('alias', 'add', f'to-{domain}@d.test', f'u@{domain}')
        self.run('alias', 'add', 'to-literal@d.test', f'u@[{FIRST}]')
        self.run('alias', 'add', 'to-own-literal@d.test', 'u@[127.0.0.1]')

    def send(self, *domains, sender=SENDER):
        send(self, *(f'to-{domain}@d.test' for domain in domains), sender=sender)


def receiver(address):
    class Receiver(Server):
        def accounts(self):
            for domain in TAKEN:
                self.run('domain', 'add', domain)
                self.run('mailbox', 'add', f'u@{domain}')
    return Receiver({'address': f'{address}:25', 'tier': 'a'}, server={'hostname': f'receiver-{address}.test'})


def states(server):
    return {to['address']: (to['state'], to['last_reply']) for one in server.queue() for to in one['recipients']}


def mx_hosts():
    with Names(RECORDS, broken=['broken.test']) as names, receiver(FIRST) as first, receiver(SECOND) as second, Relay(names) as relay:
        for domain in TAKEN:
            relay.send(domain)
        for server in (relay, first, second):
            server.wait_queue_empty()
        equal([len(first.messages(f'u@{domain}')) for domain in TAKEN], [1, 0, 1, 1], 'messages of the first host')
        equal([len(second.messages(f'u@{domain}')) for domain in TAKEN], [0, 1, 0, 0], 'messages of the second host')
        contains(relay.log(), f'relay=mx1.r.test[{FIRST}]:25', 'the log')
        # The sender is told what can't be, and is nobody: the notice fails as well.
        for domain, why in REFUSED.items():
            relay.send(domain)
            relay.wait_log(rf'to=<u@{domain}>.*relay=none.*status=bounced')
            contains(relay.log(), why.partition(' ')[2], domain)
            contains(relay.log(), 'dsn=' + why.partition(' ')[0], domain)
        for domain, why in WAITING.items():
            relay.send(domain)
            until(f'a try for {domain}', lambda: why in states(relay).get(f'u@{domain}', ('', ''))[1])
        relay.send('own-literal')
        relay.wait_log(r"dsn=5\.4\.6.*mail loop: \[127\.0\.0\.1\] is this server's own address")


def notices():
    """What can't leave comes back with its reason."""
    records = [*RECORDS, 's.test. 60 IN MX 10 mx1.r.test']
    with Names(records) as names, receiver(FIRST) as first, Relay(names) as relay:
        first.run('domain', 'add', 's.test')
        first.run('mailbox', 'add', SENDER)
        relay.send('null.test')
        relay.wait_queue_empty()
        first.wait_queue_empty()
        told = first.messages(SENDER)
        equal(len(told), 1, 'notices')
        contains(told[0].content.decode(), 'takes no mail (null MX: 556)', 'the notice')
        contains(told[0].content.decode(), 'Status: 5.1.10', 'the notice')
        assert 'Remote-MTA' not in told[0].content.decode(), 'nobody was asked'


def smarthost():
    with Names(RECORDS) as names, receiver(FIRST) as first, receiver(SECOND) as second, \
            Relay(names, relay={'smarthost': 'smart.r.test:25'}) as relay:
        for domain in ('plain.test', 'half.test', 'implicit.test'):
            relay.send(domain)
        relay.wait_queue_empty()
        second.wait_queue_empty()
        equal([len(second.messages(f'u@{domain}')) for domain in TAKEN], [1, 0, 1, 1], 'messages of the smarthost')
        equal(first.messages_everywhere(), [], 'messages of an MX host')


class Hole:
    """Takes connections and says nothing."""

    def __init__(self, address):
        self.listening = socket.create_server((address, 25), backlog=1000)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()


def crowd():
    """Hundreds of messages for a domain that is dead, and for one that hangs: what is new for others is out at once."""
    records = [*RECORDS, 'hangs.test. 60 IN MX 10 hole.r.test', 'hole.r.test. 60 IN A 8.8.1.7']
    with Names(records) as names, receiver(FIRST) as first, Hole('8.8.1.7'), Relay(names) as relay:
        relay.run('alias', 'add', 'to-hangs.test@d.test', 'u@hangs.test')
        for domain in ('dead.test', 'hangs.test'):
            with relay.connect() as wire:
                wire.greet()
                for _ in range(300):
                    wire.deliver(b'Subject: x\r\n\r\nx\r\n', f'to-{domain}@d.test', sender=SENDER)
                wire.quit()
        for count in range(1, 6):
            begun = time.monotonic()
            relay.send('plain.test')
            until('the new message', lambda: len(first.messages('u@plain.test')) == count)
            assert time.monotonic() - begun < 1, f'{time.monotonic() - begun:.2f} s'
        until('all that wait', lambda: len(relay.queue()) == 600)
        until('a reason', lambda: all(to['tries'] for one in relay.queue() for to in one['recipients'] if to['address'] == 'u@dead.test'))


def back_again():
    """One that was away is tried again soon, and has its mail in its turn."""
    with Names(RECORDS) as names, Relay(names) as relay:
        for _ in range(20):
            relay.send('implicit.test')
        until('tries', lambda: all('Connection refused' in why for _, why in states(relay).values()) and len(relay.queue()) == 20)
        with receiver(FIRST) as first:
            for one in relay.queue():
                relay.run('queue', 'retry', one['id'])
            time.sleep(6)
            relay.run('queue', 'retry', '--all')
            relay.wait_queue_empty()
            first.wait_messages(20, 'u@implicit.test')


def in_line():
    """Nobody stands in line without a word: its sender is told of the delay, and of its end."""
    records = [*RECORDS, 's.test. 60 IN MX 10 mx1.r.test']
    with Names(records) as names, receiver(FIRST) as first:
        first.run('domain', 'add', 's.test')
        first.run('mailbox', 'add', SENDER)
        waits = {'retry': ['1s', '1s'], 'delay_notice': '2s', 'expire': '10s'}
        with Relay(names, waits, relay={'destination_rate': 1}) as relay:
            relay.send('plain.test')
            until('the first one', lambda: first.messages('u@plain.test'))
            relay.send('plain.test')
            until('a notice', lambda: first.messages(SENDER))
            told = first.messages(SENDER)[0].content.decode()
            contains(told, 'Action: delayed', 'the first notice')
            contains(told, 'Status: 4.4.5', 'the first notice')
            # Its sender's notices have a rate as well: the second one waits for its turn.
            relay.wait_log(r'to=<u@plain\.test>.*status=bounced \(the next server has enough to do')
            equal(len(first.messages('u@plain.test')), 1, 'messages')


PARTS = {part.__name__: part for part in (mx_hosts, notices, smarthost, crowd, back_again, in_line)}


def inside_network():
    for words in (('link', 'set', 'lo', 'up'), *(('route', 'add', 'local', f'8.8.1.{last}/32', 'dev', 'lo') for last in (1, 2, 7, 9)),
                  ('addr', 'add', f'{OURS}/32', 'dev', 'lo')):
        subprocess.run(('ip', *words), check=True)


def inside(part):
    inside_network()
    PARTS[part]()


def outside(part):
    done = subprocess.run(['unshare', '-rn', sys.executable, __file__, part], capture_output=True, text=True, timeout=3 * MINUTE)
    equal(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])


def test_mail_goes_to_the_mx_hosts_of_its_domain():
    outside('mx_hosts')


def test_what_cannot_leave_comes_back_with_its_reason():
    outside('notices')


def test_a_smarthost_takes_all():
    outside('smarthost')


def test_a_crowd_for_the_dead_keeps_nobody_waiting():
    outside('crowd')


def test_a_server_that_is_back_has_its_mail():
    outside('back_again')


def test_who_stands_in_line_is_told():
    outside('in_line')


if __name__ == '__main__' and sys.argv[1:]:
    inside(sys.argv[1])
