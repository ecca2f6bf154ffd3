"""What an operator does to the queue of a running server: retry, hold, release, bounce, delete."""
import contextlib
import email.utils
import json
import os
import re
import socket
import threading
import time

from deadline import equal, until
from server import Server
from test_notices import blocked, notice, send

SLOW = {'retry': ['1h']}


def deferred(server, count=1):
    """Ids of `count` messages that were tried and wait."""
    def tried():
        queued = [message for message in server.queue() if message['recipients'][0]['tries']]
        return len(queued) == count and queued
    return [message['id'] for message in until(f'{count} deferred messages', tried)]


def test_a_retry_is_made_at_once():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        os.remove(server.maildir('v@d.test'))
        equal(server.run('queue', 'retry', queue_id), '1 message made due\n', 'answer')
        server.wait_queue_empty()
        equal(len(server.messages('v@d.test')), 1, 'messages')
        server.wait_log(rf'postfix/postsuper\[\d+\]: {queue_id}: made due by the operator')


def test_a_held_message_waits_through_a_restart_until_it_is_released():
    with Server(queue={'retry': ['1s']}) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        equal(server.run('queue', 'hold', queue_id), '1 message held\n', 'answer')
        os.remove(server.maildir('v@d.test'))
        tries = server.queue()[0]['recipients'][0]['tries']
        server.stop()
        server.start()
        send(server, recipients=['u@d.test'])  # which is tried after the held one would have been
        until('the other one', lambda: len(server.messages()) == 1 and len(server.queue()) == 1)
        equal([(message['held'], message['recipients'][0]['tries']) for message in server.queue()], [(True, tries)], 'queue')
        server.run('queue', 'retry', queue_id, code=65)
        equal(server.run('queue', 'release', '--all'), '1 message released\n', 'answer')
        server.wait_messages(1, 'v@d.test')


def test_a_bounced_message_is_returned_to_its_sender():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        server.run('queue', 'bounce', queue_id)
        got = server.wait_messages(1)[0]
        _, text, _, (of_recipient,), _ = notice(got.raw)
        equal((of_recipient['Action'], of_recipient['Status']), ('failed', '5.0.0'), 'what is told')
        assert 'Returned by the operator' in text, text
        server.wait_queue_empty()
        server.wait_log(rf'{queue_id}: .*status=bounced')


def test_a_message_bounced_while_the_server_is_down_is_returned_when_it_is_up():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server)
        queue_id, = deferred(server)
        server.stop()
        equal(server.run('queue', 'bounce', queue_id), '1 message given up, senders are told\n', 'answer')
        server.start()
        equal(notice(server.wait_messages(1)[0].raw)[3][0]['Status'], '5.0.0', 'status')


def without_its_body(server, sender='u@d.test'):
    """Id of a deferred message whose body file has gone while the server, which is stopped, was down."""
    blocked(server, 'v@d.test')
    send(server, b'Subject: x\r\n\r\n' + b'y' * 200_000 + b'\r\n', sender=sender)
    queue_id, = deferred(server)
    server.stop()
    body, = [os.path.join(folder, name) for folder, _, files in os.walk(server.path('state/bodies')) for name in files]
    os.remove(body)
    return queue_id


def test_a_damaged_message_is_returned_when_it_is_bounced():
    for while_stopped in (False, True):
        with Server(queue=SLOW) as server:
            queue_id = without_its_body(server)
            if while_stopped:
                server.run('queue', 'bounce', queue_id)
            server.start()
            if not while_stopped:
                server.wait_log(rf'message {queue_id} was accepted, and its record or its body file is missing or damaged')
                assert 'damaged and not tried' in server.run('status')
                equal(server.run('queue', 'bounce', queue_id), '1 message given up, senders are told\n', 'answer')
            _, text, _, recipients, returned = notice(server.wait_messages(1)[0].raw)
            equal(recipients[0]['Status'], '5.0.0', 'status')
            equal(returned, None, 'what is returned')
            assert 'Nothing of your message is returned' in text, text
            assert 'ALARM' not in server.run('status'), server.run('status')


def test_a_retry_of_a_damaged_message_is_an_attempt():
    with Server(queue=SLOW) as server:
        queue_id = without_its_body(server)
        os.remove(server.maildir('v@d.test'))
        server.start()
        server.wait_log(f'message {queue_id} was accepted')
        equal(server.run('queue', 'retry', queue_id), '1 message made due\n', 'answer')
        until('a second try', lambda: server.queue()[0]['recipients'][0]['tries'] == 2)
        assert 'the stored message cannot be read' in server.queue()[0]['recipients'][0]['last_reply'], server.queue()


def test_a_deleted_message_is_gone_with_its_body_and_the_log_says_so():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        send(server, b'Subject: x\r\n\r\n' + b'y' * 200_000 + b'\r\n')
        send(server)
        first, second = deferred(server, 2)
        server.run('queue', 'delete', first)
        equal([message['id'] for message in server.queue()], [second], 'what is left')
        bodies = [name for _, _, files in os.walk(server.path('state/bodies')) for name in files]
        equal(bodies, [], 'body files')
        server.wait_log(rf'{first}: removed by the operator')
        equal(server.messages(), [], 'notices')
        server.run('queue', 'delete', first, code=67)


class Stuck:
    """An LMTP server that takes a message and does not answer until it is told to; then the first messages are answered by `before`,
    all others by `final`."""

    def __init__(self, final=b'451 4.2.0 not now', before=()):
        self.final, self.before = final, list(before)
        self.messages = []
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.answer = threading.Event()
        self.has_message = threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def transport(self):
        return {'transport': 'lmtp:127.0.0.1:%d' % self.listener.getsockname()[1]}

    def serve(self):
        while True:  # it is asked about room before it gets mail
            client, _ = self.listener.accept()
            threading.Thread(target=self.converse, args=(client.makefile('rwb'),), daemon=True).start()

    def converse(self, stream):
        def say(line):
            stream.write(line + b'\r\n')
            stream.flush()

        say(b'220 stuck')
        for line in stream:
            verb = line[:4].upper()
            if verb == b'DATA':
                say(b'354 go')
                lines = []
                while (line := stream.readline()) not in (b'.\r\n', b''):
                    lines.append(line)
                self.messages.append(b''.join(lines))
                self.has_message.set()
                self.answer.wait(60)
                say(self.before.pop(0) if self.before else self.final)
            else:
                say(b'250 ok')


@contextlib.contextmanager
def asked_during_the_attempt(server, stuck, wish):
    """A wish for the one message, which is being tried while the body of this runs; what the command answered is in the list after it."""
    assert stuck.has_message.wait(20)
    queue_id = server.queue()[0]['id']
    answers = []
    asking = threading.Thread(target=lambda: answers.append(server.run('queue', wish, queue_id)))
    asking.start()
    asking.join(0.5)
    yield answers
    stuck.answer.set()
    asking.join(30)


def test_a_wish_waits_for_the_attempt_under_way_and_is_not_undone_by_it():
    stuck = Stuck()
    with Server(queue=SLOW, local=stuck.transport) as server:
        send(server)
        with asked_during_the_attempt(server, stuck, 'hold') as answers:
            equal(server.queue()[0]['held'], False, 'held during the attempt')
        equal(answers, ['1 message held\n'], 'answer')
        message, = server.queue()
        equal((message['held'], message['recipients'][0]['tries']), (True, 1), 'held, tries')


def test_a_retry_asked_for_during_an_attempt_is_made_after_it():
    stuck = Stuck()
    with Server(queue=SLOW, local=stuck.transport) as server:
        send(server)
        with asked_during_the_attempt(server, stuck, 'retry') as answers:
            pass
        equal(answers, ['1 message made due\n'], 'answer')
        until('a second try', lambda: server.queue()[0]['recipients'][0]['tries'] == 2)


def test_a_retry_of_what_an_attempt_delivers_is_done():
    stuck = Stuck(b'250 2.0.0 ok')
    with Server(queue=SLOW, local=stuck.transport) as server:
        send(server)
        queue_id = server.queue()[0]['id']
        with asked_during_the_attempt(server, stuck, 'retry') as answers:
            pass
        equal(answers, ['1 message made due\n'], 'answer')
        server.wait_queue_empty()
        equal(len(stuck.messages), 1, 'attempts')
        server.run('queue', 'retry', queue_id, code=67)


SLOWNESS = 3  # seconds


def answered_late(stuck):
    """The time, in unix seconds, at which the attempt was answered: so much later than it began."""
    assert stuck.has_message.wait(20)
    began = time.monotonic()
    until('some seconds', lambda: time.monotonic() - began >= SLOWNESS)
    stuck.answer.set()
    return int(time.time())


def test_the_next_try_is_counted_from_the_end_of_an_attempt():
    stuck = Stuck()
    with Server(queue=SLOW, local=stuck.transport) as server:
        send(server)
        answered = answered_late(stuck)
        row = until('a deferral', lambda: [to for to in server.queue()[0]['recipients'] if to['tries']])[0]
        assert row['next_try'] >= answered + 3600, (row, answered)


def test_a_notice_gives_the_time_of_the_answer_as_that_of_the_attempt():
    stuck = Stuck(b'250 2.0.0 ok', before=[b'550 5.1.1 nobody'])
    with Server(queue=SLOW, local=stuck.transport) as server:
        send(server)
        answered = answered_late(stuck)
        server.wait_queue_empty()
        of_recipient, = notice(stuck.messages[1])[3]
        told = email.utils.parsedate_to_datetime(of_recipient['Last-Attempt-Date']).timestamp()
        assert told >= answered, (told, answered)


def test_notices_are_not_steered_by_the_command_that_causes_them():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        with server.connect() as wire:
            wire.greet()
            for _ in range(600):
                wire.deliver(b'Subject: x\r\n\r\nx\r\n', 'v@d.test')
        deferred(server, 600)
        equal(server.run('queue', 'bounce', '--all'), '600 messages given up, senders are told\n', 'answer')
        until('600 notices, and nothing else', lambda: [row['sender'] for row in server.queue()] == [''] * 600)


def test_every_try_is_kept_and_shown_until_the_message_is_delivered():
    with Server(queue={'retry': ['1s', '1s', '1h']}) as server:
        blocked(server, 'v@d.test')
        send(server, recipients=['v@d.test', 'u@d.test'])
        until('three tries', lambda: server.queue()[0]['recipients'][0]['tries'] == 3)
        queue_id = server.queue()[0]['id']
        told = json.loads(server.run('queue', 'show', queue_id, '--json'))['history']
        of_v = [one for one in told if one['recipient'] == 'v@d.test']
        equal([one['try'] for one in of_v], [1, 2, 3], 'tries')
        equal([(one['server'], one['status'][0]) for one in of_v], [('maildir', '4')] * 3, 'where')
        assert of_v[0]['time'] < of_v[2]['time'] <= time.time(), of_v
        equal([one['reply'] for one in told if one['recipient'] == 'u@d.test'], ['delivered to maildir'], 'u')
        text = server.run('queue', 'show', queue_id)
        equal(len(re.findall(r'^v@d.test +[123] +20.*  maildir +- +4\.\d\.\d +\S', text, re.M)), 3, text)
        server.stop()
        server.start()
        equal(json.loads(server.run('queue', 'show', queue_id, '--json'))['history'], told, 'after a restart')
        os.remove(server.maildir('v@d.test'))
        server.run('queue', 'retry', queue_id)
        server.wait_queue_empty()
        server.run('queue', 'show', queue_id, code=67)


def test_messages_are_steered_by_sender_recipient_and_destination_of_a_running_server():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        for number in range(6):
            send(server, sender=['a@s.test', 'b@s.test', 'a@t.test'][number % 3])
        deferred(server, 6)
        equal(server.run('queue', 'hold', '--sender', '@s.test', '--dry-run'), '4 messages would be held\n', 'dry run')
        assert not any(row['held'] for row in server.queue())
        equal(server.run('queue', 'hold', '--sender', '@s.test', '--recipient', 'V@d.test'), '4 messages held\n', 'hold')
        equal(sorted(row['sender'] for row in server.queue() if row['held']), ['a@s.test'] * 2 + ['b@s.test'] * 2, 'held')
        assert server.run('queue', 'list', '--sender', 'b@s.test', '--limit', '1').endswith('\n1 message\n')
        server.run('queue', 'hold', code=64)
        server.run('queue', 'hold', '--destination', 'no domain', code=65)
        equal(server.run('queue', 'delete', '--sender', 'b@s.test'), '2 messages deleted\n', 'delete')
        equal(server.run('queue', 'retry', '--destination', '@d.test'), '2 messages made due; 2 held, as before\n', 'retry')
        os.remove(server.maildir('v@d.test'))
        equal(server.run('queue', 'release', '--destination', 'd.test', '--sender', 'a@s.test'), '2 messages released\n', 'release')
        server.run('queue', 'retry', '--all')
        server.wait_queue_empty()
        equal(len(server.messages('v@d.test')), 4, 'messages')


def test_destinations_say_what_waits_and_what_came_of_it():
    with Server(queue=SLOW) as server:
        send(server, recipients=['u@d.test'])
        server.wait_queue_empty()
        blocked(server, 'v@d.test')
        send(server)
        deferred(server)
        row, = [row for row in json.loads(server.run('queue', 'destinations', '--json'))['destinations'] if row['name'] == 'local']
        equal((row['waiting'], row['delivered'], row['deferred'], row['failed']), (1, 1, 1, 0), 'local')
        assert row['last_error'].startswith('4.') and row['next_try'] > time.time(), row
        text = server.run("queue", "destinations")
        assert re.search(r"^local +1 +due in (59m|1h) +1 +1 +0 +4\.", text, re.M), text
        server.stop()
        row, = json.loads(server.run('queue', 'destinations', '--json'))['destinations']
        equal((row['name'], row['waiting'], row['delivered']), ('local', 1, 0), 'without a server')


def test_many_messages_are_steered_under_load():
    with Server(queue=SLOW) as server:
        blocked(server, 'v@d.test')
        with server.connect() as wire:
            wire.greet()
            for _ in range(600):
                wire.deliver(b'Subject: x\r\n\r\nx\r\n', 'v@d.test')
        deferred(server, 600)
        equal(server.run('queue', 'hold', '--all'), '600 messages held\n', 'answer')
        assert all(message['held'] for message in server.queue())
        os.remove(server.maildir('v@d.test'))
        equal(server.run('queue', 'release', '--all'), '600 messages released\n', 'answer')
        server.wait_queue_empty(60)
        equal(len(server.messages('v@d.test')), 600, 'messages')
        equal(len(set(re.findall(r'(\w+): released from hold', server.log()))), 600, 'lines of the log')
