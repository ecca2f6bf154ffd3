"""AUTH by hand: SCRAM with an independent client, with and without a binding to the connection; what is malformed; hashes of other servers; and
Dovecot as the source of passwords."""
import base64
import hashlib
import hmac
import os
import ssl

from deadline import equal
from dovecot import Dovecot
from test_dovecot_logins import AUTH
from test_submission import LISTENERS, PASSWORD, People, plain
from wire import lenient_client

BCRYPT = '{BLF-CRYPT}$2y$05$abcdefghijklmnopqrstuuXAVRtf8fCNUPE0CUHIMe809LUNX9kSa'
OF_BCRYPT = 'Zwölf graue Räder'


def b64(octets):
    return base64.b64encode(octets).decode()


def hmac_of(key, text):
    return hmac.new(key, text, 'sha256').digest()


def scram(wire, user, password, mechanism='SCRAM-SHA-256', flag='n', binding=b'', code='235 2.7.0 '):
    """RFC 5802, by hand. The last reply must begin with `code`."""
    bare = f'n={user},r={b64(os.urandom(12))}'
    reply = wire.command(f'AUTH {mechanism} ' + b64(f'{flag},,{bare}'.encode()), code[:1] if code.startswith('5') and flag == 'y' else '334 ')
    if reply.code != '334':
        return None
    first = base64.b64decode(reply.text[4:].strip()).decode()
    nonce, salt, rounds = (field[2:] for field in first.split(','))
    salted = hashlib.pbkdf2_hmac('sha256', password.encode(), base64.b64decode(salt), int(rounds))
    key = hmac_of(salted, b'Client Key')
    final = 'c=' + b64(f'{flag},,'.encode() + binding) + ',r=' + nonce
    signed = f'{bare},{first},{final}'.encode()
    proof = bytes(a ^ b for a, b in zip(key, hmac_of(hashlib.sha256(key).digest(), signed)))
    good = code.startswith('235')
    reply = wire.command(b64(f'{final},p={b64(proof)}'.encode()), '334 ' if good else code)
    if good:
        said = base64.b64decode(reply.text[4:].strip()).decode()
        equal(said, 'v=' + b64(hmac_of(hmac_of(salted, b'Server Key'), signed)), "the server's own proof")
        wire.command('', code)
    return first


def test_scram_by_hand():
    with People() as server:
        for name in ('submissions', 'submission'):
            with server.secure(name) as wire:
                scram(wire, 'u@d.test', PASSWORD)
            with server.secure(name) as wire:
                scram(wire, 'U@D.test', PASSWORD)
        with server.secure() as wire:
            scram(wire, 'u@d.test', 'wrong', code='535 5.7.8 ')
        with server.secure() as wire:  # twice the same salt for who isn't there
            salts = [scram(wire, 'nobody@d.test', 'wrong', code='535 5.7.8 ').split(',')[1:] for _ in range(2)]
            equal(salts[0], salts[1], 'salt of an unknown login')
        with server.secure() as wire:  # -PLUS was offered: somebody took it out of the list
            scram(wire, 'u@d.test', PASSWORD, flag='y', code='535 5.7.8 ')


def test_scram_is_bound_to_the_connection():
    with People() as server:
        def bound():
            context = lenient_client()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            wire = server.connect('submission')
            wire.greet()
            wire.command('STARTTLS', '220 ')
            wire.start_tls(context)
            offer = wire.command('EHLO c.test', '250').text
            assert 'AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN' in offer, offer
            return wire, wire.socket.get_channel_binding('tls-unique')
        wire, name = bound()
        scram(wire, 'u@d.test', PASSWORD, 'SCRAM-SHA-256-PLUS', 'p=tls-unique', name)
        wire.close()
        wire, name = bound()
        scram(wire, 'u@d.test', PASSWORD, 'SCRAM-SHA-256-PLUS', 'p=tls-unique', name[:-1] + b'x', code='535 5.7.8 ')
        wire.close()


def test_what_is_malformed_is_nobodys_attempt():
    with People() as server, server.secure() as wire:
        for line, code in (('AUTH PLAIN =', '501 5.5.2 '), ('AUTH PLAIN ====', '501 5.5.2 '), ('AUTH PLAIN QQ==QQ==', '501 5.5.2 '),
                           ('AUTH PLAIN QUFB QUE', '501 5.5.'), ('AUTH CRAM-MD5', '504 5.5.4 '), ('AUTH NTLM', '504 5.5.4 '),
                           ('AUTH XOAUTH2', '504 5.5.4 '), ('AUTH ANONYMOUS', '504 5.5.4 ')):
            wire.command(line, code)
        wire.command('AUTH PLAIN', '334 ')
        wire.command('*', '501 5.7.0 ')
        wire.command('auth login', '334 VXNlcm5hbWU6')
        wire.command(b64(b'u@d.test'), '334 UGFzc3dvcmQ6')
        wire.command(b64(PASSWORD.encode()), '235 2.7.0 ')
    with People() as server, server.secure() as wire:
        wire.command('AUTH PLAIN ' + b64(b'v@d.test\0u@d.test\0' + PASSWORD.encode()), '535 5.7.8 ')
        wire.command('AUTH PLAIN ' + b64('\0ｕ@d.test\0'.encode() + PASSWORD.encode()), '535 5.7.8 ')
        wire.command('AUTH PLAIN ' + plain('u@d.test', PASSWORD), '235 2.7.0 ')


def test_a_hash_of_another_server_and_a_new_password():
    with People() as server:
        server.run('mailbox', 'set', 'v@d.test', '--password-hash-stdin', stdin=BCRYPT + '\n')
        for _ in range(2):  # the second time it is remembered
            with server.secure() as wire:
                wire.command('AUTH PLAIN ' + plain('v@d.test', OF_BCRYPT), '235 2.7.0 ')
        with server.secure() as wire:
            wire.command('AUTH PLAIN ' + plain('v@d.test', PASSWORD), '535 5.7.8 ')
            server.run('mailbox', 'set', 'v@d.test', '--password-stdin', stdin=PASSWORD + '\n')
            wire.command('AUTH PLAIN ' + plain('v@d.test', OF_BCRYPT), '535 5.7.8 ')
            wire.command('AUTH PLAIN ' + plain('v@d.test', PASSWORD), '235 2.7.0 ')


def test_dovecot_is_the_source_of_passwords():
    with Dovecot({'u@d.test': '', 'renamed@d.test': 'user=u@d.test'}, AUTH) as dovecot:
        with People(LISTENERS, auth={'source': f'dovecot:unix:{dovecot.path("run/auth-client")}'}) as server:
            with server.secure() as wire:
                offer = wire.command('EHLO c.test', '250').text
                assert 'AUTH PLAIN LOGIN' in offer and 'SCRAM' not in offer, offer
                wire.command('AUTH PLAIN ' + plain('u@d.test', PASSWORD), '535 5.7.8 ')
                wire.command('AUTH PLAIN ' + plain('renamed@d.test', 'secret'), '535 5.7.8 ')
                wire.command('AUTH PLAIN ' + plain('U@d.test', 'secret'), '235 2.7.0 ')
            dovecot.stop()
            with server.secure() as wire:
                wire.command('AUTH PLAIN ' + plain('u@d.test', 'secret'), '454 4.7.0 ')
            dovecot.start()
            with server.secure() as wire:
                wire.command('AUTH LOGIN ' + b64(b'u@d.test'), '334 ')
                wire.command(b64(b'secret'), '235 2.7.0 ')
