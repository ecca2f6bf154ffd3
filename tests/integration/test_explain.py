"""postern explain, with a real unbound: what it says is what a session then hears, and saying it leaves nothing behind."""
import json
import re

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
                     ['spf', 'report', 'reported'], ['loop', 'always', 'not reached'],
                     ['attachments', 'off', 'not reached'], ['antivirus', 'off', 'not reached'], ['spam', 'off', 'not reached']], 'rows')
        contains(table[7], '550 5.7.23', 'reply of spf')
        contains(table[7], ' ms ', 'time of spf')


FORGED = (b'Authentication-Results: mx.d.test; spf=pass\r\n', b'Authentication-Results:\r\n (a;)\r\n MX.d.test/1; dmarc=pass\r\n')
KEPT = b'Authentication-Results: other.test; spf=pass\r\n'
MESSAGES = {
    'plain': ('250 2.0.0 ', b'Subject: x\r\n\r\nx\r\n'),
    'empty': ('250 2.0.0 ', b''),
    'forged results': ('250 2.0.0 ', b'Subject: x\r\n' + FORGED[0] + KEPT + FORGED[1] + b'\r\n' + FORGED[0]),
    'a loop': ('554 5.4.6 ', b'Delivered-To: u@d.test\r\n\r\nx\r\n'),
    '100 hops': ('250 2.0.0 ', b'Received: x\r\n' * 100 + b'\r\nx\r\n'),
    '101 hops': ('554 5.4.6 ', b'Received: x\r\n' * 101 + b'\r\nx\r\n'),
    'a bare LF': ('550 5.5.2 ', b'Subject: x\r\n\r\nx\ny\r\n'),
    'a NUL': ('550 5.6.0 ', b'Subject: x\r\n\r\nx\0y\r\n'),
    'a huge header': ('552 5.3.4 ', b'X: y\r\n' * 50_000 + b'\r\nx\r\n'),
    'as large as may be': ('250 2.0.0 ', b'Subject: x\r\n\r\n' + b'0123456\r\n' * 116_504 + b'x' * 24 + b'\r\n'),
    'an octet too large': ('552 5.3.4 ', b'Subject: x\r\n\r\n' + b'0123456\r\n' * 116_504 + b'x' * 25 + b'\r\n'),
    'much too large': ('552 5.3.4 ', b'Subject: x\r\n\r\n' + b'0123456\r\n' * 300_000),
}


def names_of(fields):
    return [field.split(':')[0] for field in fields]


def test_a_message_is_judged_as_a_session_judges_it():
    with Names(RECORDS) as names, policy(names) as server:
        server.settings['listener'][0]['max_message_size'] = '1MiB'
        server.settings['limits']['max_header_size'] = '64KiB'
        server.configure()
        server.reload()
        for name, (start, content) in MESSAGES.items():
            with server.connect(source=(CLIENT, 0)) as wire:
                wire.greet()
                for line in ('MAIL FROM:<a@good.test>', 'RCPT TO:<u@d.test>'):
                    wire.command(line, '250 ')
                wire.send(f'BDAT {len(content)} LAST\r\n'.encode() + content)
                reply = wire.expect(start).lines[-1]
            whole = explain(server, 'a@good.test', 'u@d.test', CLIENT, '--message', server.write('message', content))
            taken = reply.startswith('250 ')
            equal(whole['reply'], '' if taken else reply, f'reply to {name}')
            equal(whole['verdict'], 'accept' if taken else 'refuse', f'verdict on {name}')
            equal(said_by(whole), None if taken else 'loop' if name == 'a loop' else 'message', f'test of {name}')
            if not taken:
                continue
            delivered = server.wait_messages(1)[0]
            above = re.sub(r'\r\n(?=[ \t])', '', delivered.tests + delivered.received).split('\r\n')[:-1]
            equal(names_of(whole['message']['added']), names_of(above), f'fields above {name}')
            equal(whole['message']['added'][0], above[0].replace('\t', ' '), f'results of {name}')
            left = content if name != 'forged results' else content.replace(FORGED[1], b'').replace(FORGED[0], b'', 1)
            equal(delivered.content.replace(b'\r\n', b'\n'), left.replace(b'\r\n', b'\n'), f'what is left of {name}')
            equal(len(whole['message']['removed']), 2 if name == 'forged results' else 0, f'fields left out of {name}')
            server.empty_maildirs()


def test_a_file_with_unix_line_ends_is_a_message_and_the_table_names_all_tests():
    with Names(RECORDS) as names, policy(names) as server:
        server.write('message', MESSAGES['forged results'][1].replace(b'\r\n', b'\n'))
        words = ('explain', '--listener', 'mx', '--client', CLIENT, '--from', 'a@good.test', '--message', server.path('message'), '--to')
        text = server.run(*words, 'u@d.test')
        for wanted in ('\nRCPT: accepted\nMessage: accepted\n',
                       '\nLeft out, for they pretend to be ours:\n  Authentication-Results: mx.d.test; spf=pass\n',
                       '\nAdded:\n  Authentication-Results: mx.d.test;\n   spf=pass smtp.mailfrom=a@good.test\n'):
            contains(text, wanted, 'text')
        for test in ('attachments', 'antivirus', 'spam'):
            assert re.search(rf'^{test} +off +skipped +- +mode off$', text, re.M), text
        refused = server.run(*words, 'nobody@d.test')
        assert re.search(r'^message +always +not reached +- +the recipient is refused before: recipient$', refused, re.M), refused
        contains(refused, '\nRCPT: 550 5.1.1 ', 'a recipient that is refused')
        equal('Message:' in refused, False, 'a verdict on the message')
        equal(server.messages(), [], 'delivered')


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
        refused(65, "can't be read", message='/nonexistent')
        refused(65, "can't be read", message=server.folder)
        for option in ('listener', 'client', 'from_', 'to'):
            refused(64, f'--{option.rstrip("_")} is missing', **{option: None})
