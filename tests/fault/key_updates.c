/* A TLS 1.3 client that greets and then only asks for new keys: key_updates PORT COUNT. Prints how many the
   server answered for before it ended the connection, or COUNT. */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int count, char** words) {
    if (count != 3) return 64;
    signal(SIGPIPE, SIG_IGN);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words[1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr*)&to, sizeof to) != 0) return 1;
    SSL* tls = SSL_new(SSL_CTX_new(TLS_client_method()));
    char got[512];
    if (SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1 || SSL_read(tls, got, sizeof got) <= 0) return 1;
    const long most = atol(words[2]);
    long done = 0;
    while (done < most && SSL_key_update(tls, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(tls) == 1)
        ++done;
    printf("%ld\n", done);
    return 0;
}
