"""Whose addresses somebody may write from, over the wire: the four of jan.novak@firma.cz and no fifth, in the envelope and in every spelling
of the header's From. `python3 tests/integration/test_submission_senders.py` prints each with its verdict."""
import sys

from deadline import equal
from test_submission import PASSWORD, People, plain

OWN = ('jan.novak@firma.cz', 'jan@firma.cz', 'jan.novak@firma.eu', 'jan@firma.eu')
OTHERS = ('petr@firma.cz', 'petr@firma.eu', 'jan.novak@other.test', 'jan.novak@sub.firma.cz', 'jan+x@firma.cz', 'jan.nov@firma.cz', 'postmaster@firma.cz',
          'jan.novak@firma.cz.other.test', '"jan.novak "@firma.cz', 'jan.novak@firma.eu.cz')
# What the header says, and whether it is taken. [own], [alias] and [other] stand for addresses.
SPELLINGS = (
    ('From: [own]', True),
    ('From: <[own]>', True),
    ('From: Jan <[own]>', True),
    ('From: "Novák, Jan" <[own]>', True),
    ('From: =?utf-8?b?Tm92w6Fr?= <[own]>', True),
    ('From: "[other]" <[own]>', True),  # a name is no address
    ('From: (a comment (in it)) Jan <[own]> (another)', True),
    ('From: Jan\r\n <[own]>', True),
    ('from:[own]', True),
    ('From: JAN.NOVAK@FIRMA.CZ', True),
    ('From: "jan.novak"@firma.cz', True),
    ('From: [own], Jan <[alias]>', True),
    ('From: Firm: [own], [alias];', True),
    ('From: [own]\r\nSender: [alias]', True),
    ('From: [other]', False),
    ('From: [own], [other]', False),
    ('From: [other], [own]', False),
    ('From: Firm: [own], [other];', False),
    ('From: Firm: [own];, [other]', False),
    ('From: [own]\r\nFrom: [other]', False),
    ('From: [other]\r\nFrom: [own]', False),
    ('From: [own]\r\nFROM: [own]', False),
    ('From: [own]\r\nFrom : [other]', False),
    ('From : [own]', False),
    ('From\r\n : [other]\r\nFrom: [own]', False),
    (' From: [own]\r\nFrom: [other]', False),
    ('X: y', False),
    ('From:', False),
    ('From: ;', False),
    ('From: undisclosed:;', False),
    ('From: Jan', False),
    ('From: <>', False),
    ('From: =?utf-8?q?jan.novak?= =?utf-8?q?=40firma.cz?=', False),
    ('From: =?utf-8?q?jan=2Enovak=40firma=2Ecz?= <[other]>', False),
    ('From: <@other.test,@x.test:[own]>', False),
    ('From: <[own]> <[other]>', False),
    ('From: <[other]>\\,<[own]>', False),
    ('From: [other],<[own]', False),
    ('From: <[own]>[other]', False),
    ('From: [own] [other]', False),
    ('From: [own](\r\nFrom: [other]', False),
    ('From: "a\\" <[own]>" <[other]>', False),
    ('From: "unended <[own]>', False),
    ('From: [own]\r\nSender: [other]', False),
    ('From: jan.novak@firma.cz@other.test', False),
    ('From: jan.novak@[192.0.2.1]', False),
    ('From: jan.novak @ firma.cz', False),  # obsolete, and not read by everybody alike
    ('From: jan . novak@firma . cz', False),
    ('From: jan.novak@firma.cz.', False),
    ('From: jаn.novak@firma.cz', False),  # a Cyrillic letter
    ('From: ｊan.novak@firma.cz', False),  # a wide one
    ('From: jan\u00ad.novak@firma.cz', False),
)


class Firm(People):
    def accounts(self):
        self.run('domain', 'add', 'firma.cz')
        self.run('domain', 'add', 'firma.eu', '--alias-of', 'firma.cz')
        for name in ('jan.novak', 'petr'):
            self.run('mailbox', 'add', f'{name}@firma.cz', '--password-stdin', stdin=PASSWORD + '\n')
        self.run('alias', 'add', 'jan@firma.cz', 'jan.novak@firma.cz')

    def jan(self):
        wire = self.secure()
        wire.command('AUTH PLAIN ' + plain('jan.novak@firma.cz', PASSWORD), '235')
        return wire


def said_to(wire, sender, header):
    """The reply that decides."""
    wire.send(f'MAIL FROM:<{sender}> SMTPUTF8\r\n')
    said = wire.reply()
    if said.code != '250':
        return said
    wire.command('RCPT TO:<petr@firma.cz>', '250')
    wire.command('DATA', '354')
    wire.send(f'{header}\r\nSubject: s\r\n\r\nA line.\r\n.\r\n')
    return wire.reply()


def verdicts():
    with Firm(limits={'errors': 1000, 'soft_errors': 1000}, submission={'hourly_limit': 0}) as server:
        with server.jan() as wire:
            for sender in (*OWN, '', *OTHERS):
                yield f'MAIL FROM:<{sender}>', sender in OWN or not sender, said_to(wire, sender, f'From: {OWN[0]}')
            for header, wanted in SPELLINGS:
                spelt = header.replace('[own]', OWN[0]).replace('[alias]', OWN[3]).replace('[other]', 'petr@firma.cz')
                yield spelt, wanted, said_to(wire, OWN[0], spelt)
            wire.quit()


def test_four_addresses_and_no_fifth():
    wrong = []
    for what, wanted, said in verdicts():
        fits = said.code == '250' if wanted else said.lines[0][:9] in ('553-5.7.1', '553 5.7.1', '550 5.7.1', '550-5.7.1', '550 5.6.0', '501 5.1.7')
        if not fits:
            wrong.append((what, wanted, said.text))
    equal(wrong, [], 'what was judged otherwise')


if __name__ == '__main__':
    for what, wanted, said in verdicts():
        print(f'{"taken  " if said.code == "250" else "refused"} {what!r:60} {said.lines[0][:70]}', '' if (said.code == '250') == wanted else 'WRONG')
    sys.exit(0)
