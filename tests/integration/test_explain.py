"""postern explain, with a real unbound: what it says is what a session then hears, and saying it leaves nothing behind."""
import json

from deadline import contains, equal
from names import Names
from test_policy import CLIENT, RECORDS, ask, policy


def explain(server, sender, recipient='u@d.test', client=CLIENT, *words):
    return json.loads(server.run('explain', '--listener', 'mx', '--client', client, '--from', sender, '--to', recipient, '--helo', 'c.test',
                                 '--json', *words))


def said_by(whole):
    """The test that refused; None when none did."""
    refusing = [one['test'] for one in whole['tests'] if one['verdict'] in ('refuse', 'defer')]
    assert len(refusing) <= 1, whole
    return refusing[0] if refusing else None


CASES = (('a@good.test', 'u@d.test', CLIENT, None),
         ('', 'u@d.test', CLIENT, None),
         ('a@soft.test', 'u@d.test', CLIENT, None),
         ('a@denied.test', 'nobody@d.test', '127.0.0.66', 'rule'),
         ('a@forged.test', 'v@d.test', '127.0.0.66', None),
         ('a@good.test', 'u@d.test', '127.0.0.66', 'dnsbl'),
         ('a@gone.test', 'postmaster@d.test', '127.0.0.66', None),
         ('a@gone.test', 'nobody@d.test', CLIENT, 'sender_domain'),
         ('a@broken.test', 'u@d.test', CLIENT, 'sender_domain'),
         ('a@forged.test', 'nobody@d.test', CLIENT, 'recipient'),
         ('a@forged.test', 'u@elsewhere.test', CLIENT, 'recipient'),
         ('a@forged.test', 'u@d.test', CLIENT, 'spf'),
         ('a@unsure.test', 'u@d.test', CLIENT, 'spf'))


def test_it_says_what_a_session_hears_with_the_server_running_or_not():
    with Names(RECORDS, broken=['broken.test']) as names, policy(names) as server:
        server.run('rule', 'add', 'deny', '*@denied.test')
        server.run('rule', 'add', 'allow', 'a@forged.test', '--mailbox', 'v@d.test')
        heard = [ask(server, sender, recipient, client) for sender, recipient, client, _ in CASES]
        for stop in (False, True):
            if stop:
                server.stop()
            for (sender, recipient, client, test), reply in zip(CASES, heard):
                whole = explain(server, sender, recipient, client)
                where = f'{sender} to {recipient} from {client}'
                equal(said_by(whole), test, f'test of {where}')
                equal(whole['reply'], '' if reply.startswith('250 ') else reply, f'reply of {where}')
                equal(whole['verdict'], {'2': 'accept', '4': 'defer', '5': 'refuse'}[reply[0]], f'verdict of {where}')
        server.start()
        equal(server.messages(), [], 'delivered')


def test_a_dead_list_is_not_believed_here_either():
    with Names(RECORDS) as names, policy(names, dnsbl__zone=[{'name': 'dead.test'}]) as server:
        equal(said_by(explain(server, 'a@good.test')), None, 'refused by')


def test_modes_reasons_and_times_stand_beside_each_other():
    with Names(RECORDS) as names, policy(names, spf={'mode': 'report'}, sender_domain={'mode': 'off'}) as server:
        text = server.run('explain', '--listener', 'mx', '--client', CLIENT, '--from', 'a@forged.test', '--to', 'u@d.test')
        lines = text.splitlines()
        equal(lines[0], f'From <a@forged.test> to <u@d.test>, by {CLIENT} ([{CLIENT}]) at mx, tier d', 'subject')
        equal(lines[-1], 'RCPT: accepted', 'end')
        table = lines[2:-2]
        columns = [table[0].index(name) for name in ('MODE', 'VERDICT', 'TIME')]
        rows = [[line[:columns[0]].strip(), line[columns[0]:columns[1]].strip(), line[columns[1]:columns[2]].strip()] for line in table[1:]]
        equal(rows, [['rule', 'always', 'pass'], ['dnsbl', 'enforce', 'pass'], ['sender_domain', 'off', 'skipped'],
                     ['recipient', 'always', 'pass'], ['recipient', 'enforce', 'pass'], ['greylist', 'enforce', 'pass'],
                     ['spf', 'report', 'reported'], ['loop', 'always', 'not reached']], 'rows')
        contains(table[7], '550 5.7.23', 'reply of spf')
        contains(table[7], ' ms ', 'time of spf')


def test_words_that_make_no_sense():
    with Names(RECORDS) as names, policy(names) as server:
        good = {'--listener': 'mx', '--client': CLIENT, '--from': 'a@good.test', '--to': 'u@d.test'}

        def refused(code, says, **changed):
            wanted = {**good, **{'--' + name.rstrip('_'): value for name, value in changed.items()}}
            done = server.call('explain', *[word for option, value in wanted.items() if value is not None for word in (option, value)])
            equal(done.returncode, code, f'exit code of {changed}')
            contains(done.stderr, says, f'stderr of {changed}')

        refused(64, 'nope: is no listener; there are: mx', listener='nope')
        refused(65, 'nope: is no IP address', client='nope')
        refused(65, 'a b', from_='a b')
        refused(65, 'nobody', to='nobody')
        refused(64, 'not in this version', message='/dev/null')
        for option in ('listener', 'client', 'from_', 'to'):
            refused(64, f'--{option.rstrip("_")} is missing', **{option: None})
