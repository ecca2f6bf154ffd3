"""What is in a message: the real scanner with signatures of our own, and one that does what a message tells it (probe-scanner: the same
walls and the same wire)."""
import base64
import io
import json
import os
import shutil
import signal
import subprocess
import threading
import zipfile

from deadline import contains, equal, until
from server import BINARY, Server
from test_http import metrics, value

PROBE = os.path.join(os.path.dirname(BINARY), 'probe-scanner')
# In two halves: nothing that scans this file is to stop at it.
EICAR = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
MARKER = b'POSTERN-MARKER-OF-OUR-OWN-7f3a'


def signature(name, octets):
    return f'{name}:0:*:{octets.hex()}\n'


def scanning(tiers='abcd', program=None, signatures=signature('Test.Eicar', EICAR), **sections):
    """A server with a listener for each tier and signatures of our own."""
    rows = [{'name': f'mx-{tier}', 'tier': tier} for tier in tiers]
    on = {'mode': 'enforce'}
    server = Server(rows, **{'attachments': {**on, **sections.pop('attachments', {})}, 'antivirus': {**on, **sections.pop('antivirus', {})},
                             'scanner': {'processes': 2, **({'program': program} if program else {}), **sections.pop('scanner', {})},
                             **sections})
    os.mkdir(server.path('signatures'))
    server.write('signatures/own.ndb', signatures)
    server.settings['antivirus'].setdefault('database', server.path('signatures'))
    server.configure()
    return server


def mail(*parts, subject='x'):
    """A multipart of (name, octets); a name of None is text."""
    lines = [f'Subject: {subject}', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b1', '', '']
    for name, octets in parts:
        lines += ['--b1']
        if name is None:
            lines += ['Content-Type: text/plain', '', octets.decode()]
        else:
            lines += ['Content-Type: application/octet-stream', 'Content-Transfer-Encoding: base64',
                      f'Content-Disposition: attachment; filename="{name}"', '', base64.encodebytes(octets).decode().strip().replace('\n', '\r\n')]
    return '\r\n'.join([*lines, '--b1--', ''])


def zipped(**files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, octets in files.items():
            archive.writestr(name.replace('__', '.'), octets)
    return made.getvalue()


def seven_zipped(name, octets):
    """By the real 7z."""
    folder = f'/dev/shm/postern-7z-{os.getpid()}'
    os.makedirs(folder, exist_ok=True)
    try:
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(octets)
        subprocess.run(['7z', 'a', '-bd', 'x.7z', name], cwd=folder, check=True, capture_output=True)
        with open(os.path.join(folder, 'x.7z'), 'rb') as file:
            return file.read()
    finally:
        shutil.rmtree(folder)


def answer(server, message, tier='d', *recipients, within=70):
    """The reply to the end of the message."""
    with server.connect(f'mx-{tier}') as wire:
        wire.greet()
        wire.begin(*(recipients or ('u@d.test',)))
        wire.send(message if isinstance(message, bytes) else message.encode())
        wire.send('.\r\n')
        said = wire.reply(within).lines[-1]
        wire.quit()
        return said


def scanners(server):
    """The scanner programs of the server with their workers: {parent: [workers]}."""
    def children(of):
        found = []
        for task in os.listdir(f'/proc/{of}/task'):
            with open(f'/proc/{of}/task/{task}/children') as file:
                found += [int(one) for one in file.read().split()]
        return found
    return {parent: children(parent) for parent in children(server.process.pid)}


def eicar_in_every_way():
    nested = f'Subject: outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n{EICAR.decode()}\r\n'
    digest = ('Subject: digest\r\nMIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: one\r\n\r\nhello\r\n'
              f'--d\r\n\r\nSubject: two\r\n\r\n{EICAR.decode()}\r\n--d--\r\n')
    return {'plain': f'Subject: x\r\n\r\n{EICAR.decode()}\r\n', 'base64': mail(('e.txt', EICAR)), 'zip': mail(('e.zip', zipped(e__txt=EICAR))),
            '7z in zip': mail(('e.zip', zipped(e__7z=seven_zipped('e.txt', EICAR)))), 'nested message': nested, 'digest': digest}


def test_eicar_is_refused_with_its_name_where_the_tier_asks_for_it():
    with scanning() as server:
        for way, message in eicar_in_every_way().items():
            for tier in 'bcd':
                since = server.log_end()
                said = answer(server, message, tier)
                contains(said, '554 5.7.1 ', f'{way}, tier {tier}')
                contains(said, 'Test.Eicar', f'{way}, tier {tier}')
                server.wait_log(r'reject: END-OF-MESSAGE .*: 554 5\.7\.1 .*Test\.Eicar.* test=antivirus', since)
            contains(answer(server, message, 'a'), '250 2.0.0 Ok: queued', f'{way}, tier a')
        equal(len(server.wait_messages(6)), 6, 'delivered by tier a')
        contains(answer(server, mail((None, b'hello')), 'd'), '250 2.0.0 Ok: queued', 'clean')
        # It is written each second.
        rows = until('a row each', lambda: (found := json.loads(server.run('ledger', 'find', 'u@d.test', '--json'))['ledger'])[17:] and found)
        equal({(row['test'], row['reply'][:3]) for row in rows}, {('antivirus', '554')}, 'the ledger')


def test_a_domain_whose_tier_asks_for_more_than_any_listener():
    message = eicar_in_every_way()['plain']
    with scanning('a') as server:
        contains(answer(server, message, 'a'), '250 ', "the listener's tier")
        server.run('domain', 'add', 'later.test', '--tier', 'b')
        server.run('mailbox', 'add', 'u@later.test')
        until('signatures', lambda: 'Test.Eicar' in answer(server, message, 'a', 'u@later.test'))
        equal(len(server.messages('u@later.test')), 0, 'delivered without a scan')
        contains(answer(server, message, 'a'), '250 ', "the listener's tier, still")
        server.stop()
        server.start()
        contains(answer(server, message, 'a', 'u@later.test'), '554 5.7.1 ', 'from the start on')


def test_a_file_is_refused_by_its_name_and_its_path():
    with scanning() as server:
        message = mail((None, b'see'), ('invoice.zip', zipped(inner__7z=seven_zipped('run.exe', b'MZ'))))
        for tier, wanted in (('a', '250 '), ('b', '250 '), ('c', '554 5.7.1 '), ('d', '554 5.7.1 ')):
            contains(answer(server, message, tier), wanted, f'tier {tier}')
        contains(answer(server, message), 'invoice.zip/inner.7z/run.exe', 'the path')
        contains(answer(server, mail(('a.pdf.exe', b'x'))), '554 5.7.1 a.pdf.exe: files that end with .exe', 'by its name')
        contains(answer(server, mail(('a.exe.pdf', b'x'))), '250 ', 'which ends otherwise')


def test_large_messages_are_looked_into_too():
    """What went to a file as it came: of each size around the limits of memory."""
    with scanning('d') as server:
        for size in (40_000, 70_000, 300_000, 1_100_000, 5_000_000):
            filler = os.urandom(size)
            contains(answer(server, mail(('f.bin', filler), ('e.txt', EICAR))), 'Test.Eicar', f'{size} octets')
            contains(answer(server, mail(('f.bin', filler))), '250 ', f'{size} clean octets')
        until('all delivered', lambda: len(server.messages()) == 5)
        sizes = sorted(len(one.raw) for one in server.messages())
        equal(sizes[0] > 40_000 and sizes[-1] > 5_000_000, True, 'whole')


def test_what_unpacks_to_more_than_the_room_for_loading_is_scanned_in_the_workers_own():
    large = os.urandom(16384) * 4500  # 70 MiB
    with scanning('d') as server:
        contains(answer(server, mail(('a.zip', zipped(a__bin=large)))), '250 2.0.0 ', 'clean')
        contains(answer(server, mail(('a.zip', zipped(a__bin=large, b__txt=EICAR)))), 'a.zip/b.txt: Test.Eicar', 'not clean')


def test_a_mode_of_report_says_it_in_the_log_and_lets_it_in():
    with scanning('d', antivirus={'mode': 'report'}) as server:
        since = server.log_end()
        contains(answer(server, mail(('e.txt', EICAR))), '250 ', 'let in')
        server.wait_log(r'reject_warning: END-OF-MESSAGE .*: 554 5\.7\.1 .*Test\.Eicar.* test=antivirus', since)


def test_what_can_not_be_scanned_is_never_clean():
    """By a scanner that crashes, ends, hangs, lies, and is killed or stopped."""
    with scanning('d', PROBE, scanner={'timeout': '5s'}) as server:
        server_pid = server.process.pid
        for what in ('crash', 'exit 0', 'stranger', 'hang'):
            contains(answer(server, f'Subject: x\r\n\r\nprobe {what}\r\n'), '451 4.3.0 ', what)
            until('a scanner', lambda: '250 ' in answer(server, 'Subject: x\r\n\r\nhello\r\n'))
        contains(answer(server, 'Subject: x\r\n\r\nprobe virus Test.Probe\r\n'), '554 5.7.1 probe: Test.Probe found', 'a find')
        equal(server.process.pid, server_pid, 'the server')


def under_load(server, over, outcomes, octets):
    while not over.is_set():
        outcomes.append(answer(server, octets)[:9])


def test_killed_and_stopped_scanners_under_load_let_nothing_through():
    with scanning('d', scanner={'timeout': '5s'}) as server:
        pid = server.process.pid
        over, bad, good = threading.Event(), [], []
        load = [threading.Thread(target=under_load, args=(server, over, bad, mail(('e.txt', EICAR)))),
                threading.Thread(target=under_load, args=(server, over, good, mail((None, b'hello'))))]
        for one in load:
            one.start()
        for number in (signal.SIGKILL, signal.SIGSTOP):
            for whom in ('workers', 'parents'):
                before = len(good)
                until('mail that flows', lambda: '250 2.0.0' in good[before + 5:], 90)
                for parent, workers in scanners(server).items():
                    for victim in workers if whom == 'workers' else [parent]:
                        try:
                            os.kill(victim, number)
                        except ProcessLookupError:
                            pass  # its parent has ended it
                before = len(good)
                until(f'mail again after {number} for {whom}', lambda: '250 2.0.0' in good[before + 2:], 90)
        over.set()
        for one in load:
            one.join()
        equal(set(bad) <= {'554 5.7.1', '451 4.3.0'}, True, f'every one of {len(bad)}: {set(bad)}')
        equal(set(good) <= {'250 2.0.0', '451 4.3.0'}, True, f'every one of {len(good)}: {set(good)}')
        equal(server.process.pid, pid, 'the server')
        equal(server.process.poll(), None, 'the server lives')
        server.wait_messages(good.count('250 2.0.0'))


def test_new_signatures_count_under_load_and_nobody_is_refused_for_it():
    with scanning('d') as server:
        over, outcomes = threading.Event(), []
        load = threading.Thread(target=under_load, args=(server, over, outcomes, mail((None, b'hello'))))
        load.start()
        contains(answer(server, mail(('m.txt', MARKER))), '250 ', 'not known yet')
        server.write('signatures/more.ndb', signature('Test.Marker', MARKER))
        until('the new one counts', lambda: 'Test.Marker' in answer(server, mail(('m.txt', MARKER))), 60)
        contains(answer(server, mail(('e.txt', EICAR))), 'Test.Eicar', 'the old one still does')
        server.write('signatures/broken.ndb', 'nonsense without an end\n')
        server.wait_log(r"scanner can't begin: .*the old one works on", within=60)
        contains(answer(server, mail(('m.txt', MARKER))), 'Test.Marker', 'with a broken file')
        contains(server.run('status'), "the scanner can't begin", 'the alarm')
        os.remove(server.path('signatures/broken.ndb'))
        over.set()
        load.join()
        equal(set(outcomes), {'250 2.0.0'}, f'{len(outcomes)} messages meanwhile')


def test_without_signatures_a_tier_that_asks_for_them_is_no_configuration():
    server = scanning('d')
    try:
        server.accounts()
        os.remove(server.path('signatures/own.ndb'))
        done = server.call('check')
        equal(done.returncode, 78, 'check')
        contains(done.stdout + done.stderr, 'holds no signatures', 'check')
        server.launch()
        equal(server.wait_exit(), 78, 'serve')
        contains(server.log(), 'holds no signatures', 'serve')
        server.settings['antivirus']['mode'] = 'off'
        server.settings['attachments']['mode'] = 'off'
        server.configure()
        server.start()
        server.settings['antivirus']['mode'] = 'enforce'
        server.configure()
        server.reload('holds no signatures')
        server.stop()
    finally:
        if server.process:
            server.kill()
        shutil.rmtree(server.folder)


def test_metrics_tell_of_scans():
    with scanning('d', admin={'http': '127.0.0.1:0'}) as server:
        answer(server, mail((None, b'hello')))
        read = metrics(server)
        equal(value(read, 'postern_scans_total', result='done'), 1, 'done')
        equal(value(read, 'postern_scanner_processes'), 2, 'processes')
        equal(value(read, 'postern_scanner_signatures'), 1, 'signatures')


def test_a_service_manager_may_start_the_scanner_as_somebody_else():
    """By systemd's own tool, as `nobody`: a connection each, the channel as descriptor 3."""
    with scanning('d') as server:
        server.stop()
        path = server.path('scanner.sock')
        program = os.path.join(os.path.dirname(BINARY), 'postern-scanner')
        words = ['systemd-socket-activate', '--accept', '--seqpacket', '-l', path, program]
        if os.geteuid() == 0:  # nobody may not go where this was built
            shutil.copy(program, server.path('postern-scanner'))
            words = words[:-1] + ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', server.path('postern-scanner')]
        manager = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=server.folder)
        try:
            until('the socket', lambda: os.path.exists(path))
            server.settings['scanner']['socket'] = path
            server.configure()
            server.start()
            server.wait_log(f'scanner: {path} with 2 workers, 1 signatures')
            equal(scanners(server), {}, 'children of the server')
            contains(answer(server, mail(('e.txt', EICAR))), 'Test.Eicar', 'refused')
            contains(answer(server, mail((None, b'hello'))), '250 ', 'taken')
            server.write('signatures/more.ndb', signature('Test.Marker', MARKER))
            until('the new one counts', lambda: 'Test.Marker' in answer(server, mail(('m.txt', MARKER))), 60)
            with open(f'/proc/{manager.pid}/task/{manager.pid}/children') as file:
                programs = [int(one) for one in file.read().split()]
            for one in programs:
                os.kill(one, signal.SIGKILL)
            until('mail again', lambda: '250 ' in answer(server, mail((None, b'hello'))), 60)
            server.stop()
        finally:
            manager.terminate()
            manager.wait(20)
