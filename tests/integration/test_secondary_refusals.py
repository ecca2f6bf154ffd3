"""What a primary refuses for good when the secondary has taken it already: told to senders that SPF proves, to nobody else, and never
lost."""
import concurrent.futures
import json
import threading

from deadline import contains, equal, until
from names import Names
from test_secondary import MINUTE, Secondary, ask, send
from test_secondary_hops import Hanging

# Mail for pass.test waits: its MX host has no address.
RECORDS = ['pass.test. 60 IN TXT "v=spf1 ip4:127.0.0.1 -all"', 'pass.test. 60 IN MX 10 mx.pass.test', 'soft.test. 60 IN TXT "v=spf1 ~all"', 'none.test. 60 IN A 192.0.2.1']
FORGED = ('a@soft.test', 'a@none.test')


class Picky(Hanging):
    """Takes or refuses the content, as it is told; remembers who it took."""

    def __init__(self):
        self.says, self.taken_from = '554 5.7.1 this is spam', []
        super().__init__('never')

    def talk(self, wire):
        wire.write(b'220 picky.test\r\n')
        content, sender = False, ''
        for line in wire:
            text = line.decode().rstrip()
            verb = text[:4].upper()
            if verb == 'MAIL':
                sender = text
            if content and text != '.':
                continue
            if content and self.says.startswith('250'):
                self.taken_from.append(sender)
            said = self.says if content else self.REPLIES.get(verb, '250 ok')
            content = verb == 'DATA' and not content
            wire.write(said.encode() + b'\r\n')


def refusing(spf):
    """(names, primary, secondary) that belong together."""
    names = Names(RECORDS)
    picky = Picky()
    second = Secondary(picky.port, knowing=True, dns={'servers': [names.address()], 'timeout': '2s'}, spf={'mode': spf})
    return names, picky, second


def show(server, entry):
    return json.loads(server.run('queue', 'show', entry['id'], '--json'))


def states(server):
    return {one['sender']: one['recipients'][0]['state'] for one in server.queue() if one['sender']}


def test_only_a_sender_that_spf_proves_is_told():
    names, picky, second = refusing('enforce')
    with names, picky, second:
        for sender in ('a@pass.test', *FORGED, ''):
            send(second, 'u@d.test', sender=sender)
        until('two set aside', lambda: states(second) == {sender: 'set aside' for sender in FORGED})
        second.wait_log('nobody is told: the sender is <>')
        # The one notice is on its way to pass.test, and waits.
        until('the notice', lambda: [to['address'] for one in second.queue() if not one['sender'] for to in one['recipients']] == ['a@pass.test'])
        equal(second.log().count('notice to the sender'), 1, 'notices')
        equal(second.log().count('is set aside'), 2, 'words for the operator')
        for one in second.queue():
            if one['sender'] in FORGED:
                equal(show(second, one)['sender_proof'], 'unproved', one['sender'])
        contains(second.run('status'), '2 set aside', 'the status')
        # A restart keeps them, a retry leaves them.
        second.stop()
        second.start()
        second.run('queue', 'retry', '--all')
        equal(states(second), {sender: 'set aside' for sender in FORGED}, 'after a restart')
        # Released they are tried again, returned their sender is told after all.
        picky.says = '250 2.0.0 ok'
        by_sender = {one['sender']: one['id'] for one in second.queue()}
        second.run('queue', 'release', by_sender[FORGED[0]])
        until('the delivery', lambda: FORGED[0] not in states(second), MINUTE)
        equal(len(picky.taken_from), 1, 'what the primary took')
        contains(picky.taken_from[0], FORGED[0], 'from whom')
        second.run('queue', 'bounce', by_sender[FORGED[1]])
        until('the notice', lambda: FORGED[1] not in states(second))
        equal(second.log().count('notice to the sender'), 1, 'notices')


def test_one_recipient_that_is_set_aside_holds_up_no_other():
    names, picky, second = refusing('enforce')
    with names, picky, second:
        second.run('domain', 'add', 'm.test')
        second.run('mailbox', 'add', 'm@m.test')
        send(second, 'u@d.test', 'm@m.test', sender='a@none.test')
        until('both ends', lambda: sorted(to['state'] for to in second.queue()[0]['recipients']) == ['delivered', 'set aside'])
        equal(len(second.messages('m@m.test')), 1, 'delivered here')
        second.run('queue', 'delete', second.queue()[0]['id'])
        equal(second.queue(), [], 'deleted')


def test_what_expires_while_the_primary_is_away_is_told_to_proved_senders_only():
    names, picky, second = refusing('report')
    with names, second:
        picky.listening.close()
        second.settings['queue'] = {'retry': ['1s'], 'expire': '1s', 'delay_notice': '1s'}
        second.configure()
        second.stop()
        second.start()
        send(second, 'u@d.test', sender='a@none.test')
        until('set aside', lambda: states(second) == {'a@none.test': 'set aside'})
        send(second, 'u@d.test', sender='a@pass.test')
        second.wait_log('notice to the sender')
        equal(second.log().count('notice to the sender'), 1, 'notices')


def test_where_spf_is_off_everybody_is_told_as_before():
    names, picky, second = refusing('off')
    with names, picky, second:
        send(second, 'u@d.test', sender='a@none.test')
        second.wait_log('notice to the sender')


def test_a_primary_that_refuses_us_loses_no_mail():
    """5yz to MAIL, for every message: nothing is told to strangers, and nothing is gone."""
    names, picky, second = refusing('enforce')
    picky.REPLIES = {**picky.REPLIES, 'MAIL': '550 5.7.1 your address is on a list'}
    with names, picky, second:
        senders = [threading.Thread(target=send, args=(second, 'u@d.test'), kwargs={'sender': sender}) for sender in FORGED]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        until('two set aside', lambda: states(second) == {sender: 'set aside' for sender in FORGED})
        equal(second.log().count('notice to the sender'), 0, 'notices')


class Moody(Hanging):
    """Says of each command what is next in its list, and then what is usual; '' ends the connection. '.' is the end of a message."""

    def __init__(self, greeting='220 moody.test', **lists):
        self.greeting, self.lists, self.messages = greeting, {verb: list(replies) for verb, replies in lists.items()}, 0
        super().__init__('never')

    def talk(self, wire):
        wire.write(self.greeting.encode() + b'\r\n')
        content = False
        for line in wire:
            text = line.decode().rstrip()
            if content and text != '.':
                continue
            verb = '.' if content else text[:4].upper()
            left = self.lists.get('END' if content else verb)
            said = left.pop(0) if left else self.REPLIES.get(verb, '250 ok')
            self.messages += content and said.startswith('250')
            content = said.startswith('354')
            if not said:
                raise ConnectionError
            wire.write(said.encode() + b'\r\n')


MOODS = {
    'EHLO refused': {'EHLO': ['502 5.5.1 what']},
    'a greeting of many lines': {'greeting': '220-moody.test\r\n220-x\r\n220 y'},
    '421 instead of replies': {'EHLO': ['421 4.3.2 later'], 'MAIL': ['421 4.3.2 later'], 'RCPT': ['421 4.3.2 later'], 'DATA': ['421 4.3.2 later'],
                               'END': ['421 4.3.2 later']},
    'connections that end': {'EHLO': [''], 'MAIL': [''], 'RCPT': [''], 'DATA': [''], 'END': ['']},
    'recipients for later': {'RCPT': ['450 4.2.0 greylisted', '452 4.2.2 not now']},
    'replies that are none': {'EHLO': ['250 ' + 'x' * 3000], 'MAIL': ['what?'], 'RCPT': ['99 x'], 'END': ['250']},
    'a reply without end': {'EHLO': ['\r\n'.join(['250-x'] * 200)]},
}


def arrives(name):
    with Moody(**MOODS[name]) as moody, Secondary(moody.port, knowing=True, queue={'retry': ['1s']}) as second:
        send(second, 'u@d.test')
        until(f'{name}: the message', lambda: not second.queue(), 2 * MINUTE)
        equal(moody.messages, 1, name)
        equal(second.log().count('notice to the sender'), 0, f'{name}: notices')


def test_whatever_a_primary_says_mail_arrives_in_the_end():
    with concurrent.futures.ThreadPoolExecutor(len(MOODS)) as side_by_side:
        list(side_by_side.map(arrives, MOODS))


def test_a_primary_that_puts_a_question_off_makes_nobody_unknown():
    with Moody(RCPT=['450 4.2.0 greylisted', '421 4.3.2 busy', '']) as moody, Secondary(moody.port) as second:
        for _ in range(3):
            contains(ask(second, 'u@d.test'), '451 4.4.1 ', 'put off')
        until('consent', lambda: ask(second, 'u@d.test').startswith('250 '))
