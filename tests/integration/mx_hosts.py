"""Mail servers of others, on port 25 of addresses of their own: each takes all mail, with the TLS that it is told to have."""
import socket
import ssl
import threading

GOOD, NONE, BROKEN = 'good', 'none', 'broken'


class MailHost:
    """`tls`: GOOD, with the certificate; NONE, no STARTTLS; BROKEN, a STARTTLS that leads nowhere."""

    def __init__(self, name, address, tls=GOOD, pair=None):
        self.name, self.tls, self.taken = name, tls, []  # (recipient, protocol of TLS or None)
        self.context = None
        if pair:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(pair['cert'], pair['key'])
        self.asked_for = []  # names by SNI
        if self.context:
            self.context.sni_callback = lambda _, name, __: self.asked_for.append(name)
        self.listening = socket.create_server((address, 25))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.talk_to, args=(peer,), daemon=True).start()

    def talk_to(self, peer):
        try:
            with peer:
                peer.settimeout(60)
                peer.sendall(f'220 {self.name} ESMTP\r\n'.encode())
                self.talk(peer)
        except OSError:
            pass

    def talk(self, peer):
        lines, version, to, content = peer.makefile('rb'), None, [], False
        while line := lines.readline():
            text = line.decode('latin-1').rstrip()
            if content:
                if text == '.':
                    content = False
                    self.taken += [(one, version) for one in to]
                    peer.sendall(b'250 2.0.0 taken\r\n')
                continue
            verb = text[:4].upper()
            if verb == 'EHLO':
                offers = 'STARTTLS' if self.tls != NONE and not version else 'SIZE'
                peer.sendall(f'250-{self.name}\r\n250 {offers}\r\n'.encode())
            elif verb == 'STAR' and not version:
                peer.sendall(b'220 go\r\n')
                if self.tls == BROKEN:
                    return
                peer = self.context.wrap_socket(peer, server_side=True)
                lines, version = peer.makefile('rb'), peer.version()
            elif verb == 'RCPT':
                to.append(text[text.index('<') + 1:text.index('>')])
                peer.sendall(b'250 2.1.5 ok\r\n')
            elif verb == 'DATA':
                content = True
                peer.sendall(b'354 go\r\n')
            elif verb == 'QUIT':
                peer.sendall(b'221 bye\r\n')
                return
            else:
                to = [] if verb in ('MAIL', 'RSET') else to
                peer.sendall(b'250 2.0.0 ok\r\n')

    def close(self):
        self.listening.close()
