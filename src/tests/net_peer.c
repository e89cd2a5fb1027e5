// SPDX-License-Identifier: Apache-2.0
/*
 * The other end of the network tests; numeric addresses, IPv4 or IPv6.
 *   net_peer serve tcp|udp ADDR PORT [SECONDS]      answers each text with "PEER-ADDRESS TEXT"; prints
 * "ready" first net_peer ask tcp|udp ADDR PORT TEXT [SOURCE]    sends a text, prints the answer; SOURCE:
 * address to send from net_peer receive ADDR PORT                      connects, counts bytes until the end,
 * prints them net_peer feed ADDR PORT BYTES                   serves one connection with that many bytes Exit
 * status 0, or 1 with the errno's text on stderr.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 3000

static void die(const char *what)
{
    fprintf(stderr, "net_peer: %s: %s\n", what, strerror(errno));
    exit(1);
}

static socklen_t address(const char *ip, const char *port, struct sockaddr_storage *ret)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port)) };

    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, ip, &in.sin_addr) == 1) {
        memcpy(ret, &in, sizeof(in));
        return sizeof(in);
    }
    if (inet_pton(AF_INET6, ip, &in6.sin6_addr) != 1)
        die(ip);
    memcpy(ret, &in6, sizeof(in6));
    return sizeof(in6);
}

static void wait_for(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };

    if (poll(&p, 1, PATIENCE_MS) == 1)
        return;
    errno = ETIMEDOUT;
    die("wait");
}

static int bound(int type, const char *ip, const char *port)
{
    struct sockaddr_storage a;
    socklen_t n = address(ip, port, &a);
    int fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
        die("socket");
    if (bind(fd, (struct sockaddr *)&a, n) < 0)
        die("bind");
    if (type == SOCK_STREAM && listen(fd, 64) < 0)
        die("listen");
    printf("ready\n");
    fflush(stdout);
    return fd;
}

static int connected(int type, const char *ip, const char *port, const char *source)
{
    struct sockaddr_storage a, from;
    socklen_t n = address(ip, port, &a), error_size = sizeof(int);
    int fd = socket(a.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;

    if (source && bind(fd, (struct sockaddr *)&from, address(source, "0", &from)) < 0)
        die("bind");
    if (connect(fd, (struct sockaddr *)&a, n) < 0 && errno != EINPROGRESS)
        die("connect");
    wait_for(fd, POLLOUT);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0 && error) {
        errno = error;
        die("connect");
    }
    return fd;
}

static const char *name(const struct sockaddr_storage *a, char *buf, size_t size)
{
    const void *ip = a->ss_family == AF_INET
                         ? (const void *)&((const struct sockaddr_in *)(const void *)a)->sin_addr
                         : &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;

    return inet_ntop(a->ss_family, ip, buf, (socklen_t)size);
}

static void answer_one(int fd, int type)
{
    static char text[65536], answer[sizeof(text) + 64];
    char ip[INET6_ADDRSTRLEN];
    struct sockaddr_storage peer;
    socklen_t n_peer = sizeof(peer);
    int connection = type == SOCK_STREAM ? accept(fd, (struct sockaddr *)&peer, &n_peer) : fd;
    ssize_t n =
        recvfrom(connection, text, sizeof(text) - 1, 0, type == SOCK_DGRAM ? (struct sockaddr *)&peer : NULL,
                 type == SOCK_DGRAM ? &n_peer : NULL);
    int length;

    if (n < 0)
        die("receive");
    text[n] = '\0';
    printf("%s\n", text);
    fflush(stdout);
    length = snprintf(answer, sizeof(answer), "%s %s", name(&peer, ip, sizeof(ip)), text);
    if (sendto(connection, answer, (size_t)length, MSG_NOSIGNAL,
               type == SOCK_DGRAM ? (struct sockaddr *)&peer : NULL, type == SOCK_DGRAM ? n_peer : 0) < 0)
        die("send");
    if (connection != fd)
        close(connection);
}

static int serve(int type, char **argv, const char *seconds)
{
    int fd = bound(type, argv[0], argv[1]);
    time_t end = time(NULL) + (seconds ? atoi(seconds) : 20);
    struct pollfd p = { .fd = fd, .events = POLLIN };

    while (time(NULL) < end) {
        if (poll(&p, 1, 200) == 1)
            answer_one(fd, type);
    }
    return 0;
}

static int ask(int type, char **argv, const char *source)
{
    static char text[65536 + 64];
    int fd = connected(type, argv[0], argv[1], source);
    ssize_t n;

    if (send(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL) < 0)
        die("send");
    wait_for(fd, POLLIN);
    n = recv(fd, text, sizeof(text) - 1, 0);
    if (n < 0)
        die("receive");
    text[n] = '\0';
    printf("%s\n", text);
    return n == 0;
}

static int feed(char **argv)
{
    static char block[65536];
    int fd = bound(SOCK_STREAM, argv[0], argv[1]), connection = accept(fd, NULL, NULL);
    long long left = atoll(argv[2]);

    while (left > 0) {
        ssize_t n = send(connection, block, left < (long long)sizeof(block) ? (size_t)left : sizeof(block),
                         MSG_NOSIGNAL);

        if (n < 0)
            die("send");
        left -= n;
    }
    return 0;
}

static uint32_t add_words(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    return sum;
}

static uint16_t checksum(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

/* An IPv4 or IPv6 packet with a UDP datagram from the container's address. Returns its size. */
static size_t make_packet(const struct sockaddr_storage *to, const char *text, uint8_t *packet)
{
    const struct sockaddr_in *in = (const void *)to;
    const struct sockaddr_in6 *in6 = (const void *)to;
    bool v4 = to->ss_family == AF_INET;
    size_t header = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr),
           length = sizeof(struct udphdr) + strlen(text);
    struct udphdr udp = { .source = htons(7777),
                          .dest = v4 ? in->sin_port : in6->sin6_port,
                          .len = htons((uint16_t)length) };

    memcpy(packet + header + sizeof(udp), text, strlen(text));
    if (v4) {
        struct iphdr ip = { .version = 4,
                            .ihl = 5,
                            .tot_len = htons((uint16_t)(header + length)),
                            .ttl = 64,
                            .protocol = IPPROTO_UDP,
                            .saddr = htonl(0x0a000264),
                            .daddr = in->sin_addr.s_addr };

        ip.check = checksum(add_words(0, (const uint8_t *)&ip, sizeof(ip)));
        memcpy(packet, &ip, sizeof(ip));
        memcpy(packet + header, &udp, sizeof(udp));
    } else {
        struct ip6_hdr ip = { .ip6_flow = htonl(6U << 28),
                              .ip6_plen = udp.len,
                              .ip6_nxt = IPPROTO_UDP,
                              .ip6_hlim = 64,
                              .ip6_dst = in6->sin6_addr };

        (void)inet_pton(AF_INET6, "fd00::100", &ip.ip6_src);
        memcpy(packet, &ip, sizeof(ip));
        memcpy(packet + header, &udp, sizeof(udp));
        udp.check = checksum(add_words((uint32_t)length + IPPROTO_UDP, packet + 8, 32 + length));
        memcpy(packet + header, &udp, sizeof(udp));
    }
    return header + length;
}

static int raw(char **argv)
{
    static uint8_t packet[1400];
    struct sockaddr_storage to;
    int fd;
    size_t n;
    struct sockaddr_ll link = { .sll_family = AF_PACKET,
                                .sll_ifindex = (int)if_nametoindex("tap0"),
                                .sll_halen = ETH_ALEN,
                                .sll_addr = { 0x52, 0x55, 0x0a, 0, 2, 2 } };

    (void)address(argv[0], argv[1], &to);
    link.sll_protocol = htons(to.ss_family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
    n = make_packet(&to, argv[2], packet);
    fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, packet, n, 0, (struct sockaddr *)&link, sizeof(link)) != (ssize_t)n)
        die("send a raw packet");
    return 0;
}

static int receive(char **argv)
{
    static char block[262144];
    int fd = connected(SOCK_STREAM, argv[0], argv[1], NULL);
    long long total = 0;

    for (;;) {
        ssize_t n;

        wait_for(fd, POLLIN);
        n = recv(fd, block, sizeof(block), 0);
        if (n < 0)
            die("receive");
        if (n == 0)
            break;
        total += n;
    }
    printf("%lld\n", total);
    return 0;
}

int main(int argc, char **argv)
{
    int type;

    if (argc == 4 && strcmp(argv[1], "receive") == 0)
        return receive(argv + 2);
    if (argc == 5 && strcmp(argv[1], "feed") == 0)
        return feed(argv + 2);
    if (argc == 5 && strcmp(argv[1], "raw") == 0)
        return raw(argv + 2);
    if (argc < 5)
        return 2;
    type = strcmp(argv[2], "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM;
    if (strcmp(argv[1], "serve") == 0)
        return serve(type, argv + 3, argv[5]);
    return argc >= 6 ? ask(type, argv + 3, argv[6]) : 2;
}
