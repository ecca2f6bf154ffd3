"""Test 8 in the whole server: the embedded scorer and a real rspamd, each recipient's own outcome, what is learned, subjects."""
import os
import re

from deadline import contains, equal, until
from names import Names
from rspamd import Rspamd, StockRspamd
from server import TOP, Server
from test_scanner import answer

CORPUS = os.path.join(TOP, 'tests/content/spam')
GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*' + 'GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'


def letter(name):
    with open(os.path.join(CORPUS, name), 'rb') as file:
        return file.read().replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def scoring(dns=None, **spam):
    return Server([{'name': 'mx-a', 'tier': 'a'}], spam={'mode': 'enforce', **spam}, scanner={'processes': 1}, **({'dns': dns} if dns else {}))


def names(prefix):
    return sorted(name for name in os.listdir(CORPUS) if name.startswith(prefix))


def junk_of(server, mailbox='u@d.test'):
    folder = os.path.join(server.maildir(mailbox), '.Junk', 'new')
    return [open(os.path.join(folder, name), 'rb').read() for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []


def test_the_corpus_is_told_apart():
    with scoring() as server:
        for name in names('letter-'):
            contains(answer(server, letter(name), 'a'), '250 ', name)
        server.wait_messages(len(names('letter-')))
        equal(len(junk_of(server)), 0, 'letters in Junk')
        refused = sum(answer(server, letter(name), 'a').startswith('554 5.7.1 ') for name in names('junk-'))
        server.wait_queue_empty()
        equal(refused + len(junk_of(server)), len(names('junk-')), 'junk that was found')
        for raw in junk_of(server):
            contains(raw, b'X-Spam-Flag: YES\r\n', 'the mark')
            contains(raw, b'X-Spam-Status: Yes, score=', 'the status')
        contains(server.messages()[0].raw, b'X-Spam-Status: No, score=', 'of a letter')


def test_a_mailbox_without_antispam_gets_it_and_the_others_have_it_in_junk():
    with scoring(reject_score=6.1) as server:
        server.run('mailbox', 'set', 'v@d.test', '--antispam', 'off')
        name = names('junk-')[0]
        contains(answer(server, letter(name), 'a'), '554 5.7.1 ', 'alone')
        contains(answer(server, letter(name), 'a', 'u@d.test', 'v@d.test'), '250 ', 'together')
        server.wait_queue_empty()
        equal(len(server.messages('v@d.test')), 1, 'without antispam')
        equal(len(junk_of(server)), 1, 'in Junk')
        equal(len(server.messages()), 0, 'not in the inbox')


def test_a_subject_that_a_mailbox_does_not_want():
    with scoring() as server:
        server.run('mailbox', 'set', 'u@d.test', '--subject-phrase', 'Win Big', '--antispam', 'off')
        message = letter(names('letter-')[0])
        head, body = message.split(b'\r\n\r\n', 1)
        lines = [line for line in head.split(b'\r\n') if not line.lower().startswith(b'subject:')]
        bad = b'\r\n'.join([*lines, b'Subject: =?utf-8?Q?you_can_WIN__big?= today', b'', body])
        contains(answer(server, bad, 'a'), '554 5.7.1 <u@d.test>: no mail with this subject', 'refused')
        contains(answer(server, bad, 'a', 'v@d.test'), '250 ', 'for another one')
        contains(answer(server, message, 'a'), '250 ', 'another subject')


def test_what_is_learned_counts():
    with scoring(junk_score=3.0) as server:
        for number in range(60):
            for kind, words in (('spam', 'zorgon pellets flimsy wizbang gronk plover squamous nimbus'), ('ham', 'meeting agenda minutes budget review monday office lunch')):
                server.run('learn', kind, stdin=f'From: a@s.test\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nMessage-ID: <{kind}{number}@s.test>\nSubject: {words} {number}\n\n{words} number{number}\n')
        text = ('From: a@s.test\r\nTo: u@d.test\r\nDate: {date}\r\nMessage-ID: <x@s.test>\r\nSubject: {words}\r\n\r\n{words}\r\n')
        done = server.write('bad.eml', text.format(date='Mon, 2 Nov 2026 10:00:00 +0000', words='zorgon pellets flimsy wizbang gronk plover squamous nimbus'))
        contains(server.run('explain', '--listener', 'mx-a', '--client', '192.0.2.1', '--from', 'a@s.test', '--to', 'u@d.test', '--message', done), 'LEARNED_9', 'a sign')


def test_rspamd_says_it():
    with Rspamd() as rspamd, scoring(engine='rspamd', rspamd=f'http://127.0.0.1:{rspamd.port}') as server:
        message = letter(names('letter-')[0])
        contains(answer(server, message, 'a'), '250 ', 'a letter')
        contains(answer(server, message + GTUBE.encode() + b'\r\n', 'a'), '554 5.7.1 ', 'GTUBE')
        server.wait_queue_empty()
        contains(server.messages()[0].raw, b'X-Spam-Status: No, score=', 'the status')


def test_rspamd_is_told_the_name_that_the_client_has_in_dns():
    # unbound knows the name of 127.0.0.1, and that it leads back.
    with Names(()) as names, Rspamd() as rspamd:
        with scoring(engine='rspamd', rspamd=f'http://127.0.0.1:{rspamd.port}', dns={'servers': [names.address()]}) as server:
            contains(answer(server, letter('letter-plain.eml'), 'a'), '250 ', 'a letter')
            contains(server.wait_messages(1)[0].raw, b'CLIENT_NAME=0.1', 'the status')


def test_without_an_engine_mail_goes_on_or_waits_as_configured():
    with scoring(engine='rspamd', rspamd='http://127.0.0.1:9') as server:
        since = server.log_end()
        contains(answer(server, letter(names('letter-')[0]), 'a'), '250 ', 'accepted')
        server.wait_log('no score: ', since)
    with scoring(engine='rspamd', rspamd='http://127.0.0.1:9', on_failure='defer') as server:
        contains(answer(server, letter(names('letter-')[0]), 'a'), '451 4.3.0 ', 'put off')


def scores(server):
    """What each message of the corpus got."""
    made = {}
    for name in names(''):
        contains(answer(server, letter(name), 'a'), '250 ', name)
        server.wait_queue_empty()
        raws = {one.raw for one in server.messages()} | set(junk_of(server))
        new, = raws - set(made)
        made[new] = name, re.search(rb'X-Spam-Status: (Yes|No), score=(-?[0-9.]+)', new).groups()
    return {name: (says == b'Yes', float(score)) for name, (says, score) in made.values()}


def test_both_engines_over_the_same_corpus():
    with scoring(reject_score=999.0) as server:
        own = scores(server)
    with StockRspamd() as rspamd, scoring(engine='rspamd', rspamd=f'http://127.0.0.1:{rspamd.port}', reject_score=999.0, timeout='20s') as server:
        theirs = scores(server)
    print(f'\n{"":24} {"embedded":>14} {"rspamd":>14}')
    for name in own:
        print(f'{name:24} ' + ' '.join(f'{score:8.1f} {"junk" if junk else "":5}' for junk, score in (own[name], theirs[name])))
    # What rspamd does without DNS and Bayes is its own matter, but for the order.
    equal([name for name, (junk, _) in own.items() if junk and name.startswith('letter-')], [], 'letters taken for junk')
    equal([name for name, (junk, _) in own.items() if not junk and name.startswith('junk-')], [], 'junk that the scorer missed')
    middle = lambda found, prefix: sum(score for name, (_, score) in found.items() if name.startswith(prefix)) / len(names(prefix))
    for found in (own, theirs):
        assert middle(found, 'junk-') > middle(found, 'letter-') + 2, found
