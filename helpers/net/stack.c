// SPDX-License-Identifier: Apache-2.0
/*
 * Setting lichen-net's libslirp instance up: configuration, epoll set, published ports. Runs before the
 * sandbox closes, as the plain user in the host's network namespace.
 */
#include "stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

/* Below it are CVE-2021-3592 to 3595; a distribution may load another library than the one built against. */
#define VERSION_MAJOR 4
#define VERSION_MINOR 6
#define VERSION_MICRO 1
#define IPV6_PREFIX   64
/* libslirp listens with a backlog of 1: a burst of clients would wait a second for their SYN to be sent
 * again. */
#define BACKLOG 128

static int check_version(struct err *e)
{
    const char *version = slirp_version_string();
    unsigned major = 0, minor = 0, micro = 0;
    unsigned long have;

    if (sscanf(version, "%u.%u.%u", &major, &minor, &micro) < 2)
        return err_set(e, EINVAL, "libslirp's version \"%s\" is no version", version);
    have = major * 1000000UL + minor * 1000UL + micro;
    if (have < VERSION_MAJOR * 1000000UL + VERSION_MINOR * 1000UL + VERSION_MICRO) {
        err_set(e, ENOTSUP, "libslirp %s is too old", version);
        return err_remedy(e, "upgrade libslirp to %d.%d.%d or newer: older ones have known memory errors",
                          VERSION_MAJOR, VERSION_MINOR, VERSION_MICRO);
    }
    return 0;
}

static void fill_config(const struct net_config *c, SlirpConfig *ret)
{
    *ret = (SlirpConfig){
        .version = 4,
        .in_enabled = true,
        .vnetwork = c->network,
        .vnetmask.s_addr = htonl(~0U << (32 - c->prefix)),
        .vhost = net_node_in(c, NET_NODE_GATEWAY),
        .in6_enabled = c->ipv6,
        .vprefix_addr6.s6_addr = { [0] = 0xfd },
        .vprefix_len = IPV6_PREFIX,
        .vhost6 = net_node_in6(NET_NODE_GATEWAY),
        .vdhcp_start = net_node_in(c, NET_NODE_CONTAINER),
        .vnameserver = net_node_in(c, NET_NODE_NAMESERVER),
        .vnameserver6 = net_node_in6(NET_NODE_NAMESERVER),
        .if_mtu = c->mtu,
        .if_mru = c->mtu,
        .disable_host_loopback = !c->host_loopback,
        .disable_dhcp = true, /* the address is static: one parser of hostile input less */
    };
}

static int watch(const struct stack *s, int fd, struct err *e)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
        return err_sys(e, errno, "watch descriptor %d", fd);
    return 0;
}

/* A gratuitous ARP request (RFC 5227 section 3) for the container. */
static void announce_in(struct stack *s, const struct net_config *c, const uint8_t mac[ETH_ALEN])
{
    struct in_addr self = net_node_in(c, NET_NODE_CONTAINER);
    struct {
        struct ether_header ethernet;
        struct ether_arp arp;
    } __attribute__((packed)) frame = {
        .ethernet = { .ether_dhost = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
                      .ether_type = htons(ETHERTYPE_ARP) },
        .arp.ea_hdr = { .ar_hrd = htons(ARPHRD_ETHER),
                        .ar_pro = htons(ETHERTYPE_IP),
                        .ar_hln = ETH_ALEN,
                        .ar_pln = sizeof(self),
                        .ar_op = htons(ARPOP_REQUEST) },
    };

    memcpy(frame.ethernet.ether_shost, mac, ETH_ALEN);
    memcpy(frame.arp.arp_sha, mac, ETH_ALEN);
    memcpy(frame.arp.arp_spa, &self, sizeof(self));
    memcpy(frame.arp.arp_tpa, &self, sizeof(self));
    slirp_input(s->slirp, (const uint8_t *)&frame, sizeof(frame));
}

/* The Internet checksum (RFC 1071) over an even number of bytes, going on from @sum. */
static uint32_t add_words(uint32_t sum, const void *p, size_t n)
{
    const uint8_t *at = p;

    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)at[i] << 8 | at[i + 1];
    return sum;
}

/* An unsolicited neighbor advertisement (RFC 4861 section 7.2.6) for the container. */
static void announce_in6(struct stack *s, const uint8_t mac[ETH_ALEN])
{
    struct {
        struct ether_header ethernet;
        struct ip6_hdr ip;
        struct nd_neighbor_advert na;
        struct nd_opt_hdr option;
        uint8_t mac[ETH_ALEN];
    } __attribute__((packed)) frame = {
        .ethernet = { .ether_dhost = { 0x33, 0x33, 0, 0, 0, 1 }, .ether_type = htons(ETHERTYPE_IPV6) },
        .ip = { .ip6_flow = htonl(6U << 28),
                .ip6_nxt = IPPROTO_ICMPV6,
                .ip6_hlim = 255,
                .ip6_src = net_node_in6(NET_NODE_CONTAINER),
                .ip6_dst.s6_addr = { [0] = 0xff, [1] = 2, [15] = 1 } },
        .na = { .nd_na_type = ND_NEIGHBOR_ADVERT,
                .nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
                .nd_na_target = net_node_in6(NET_NODE_CONTAINER) },
        .option = { .nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1 },
    };
    uint16_t size = sizeof(frame) - offsetof(__typeof__(frame), na);
    uint32_t sum = size + IPPROTO_ICMPV6;

    memcpy(frame.ethernet.ether_shost, mac, ETH_ALEN);
    memcpy(frame.mac, mac, ETH_ALEN);
    frame.ip.ip6_plen = htons(size);
    sum = add_words(sum, (const uint8_t *)&frame + offsetof(__typeof__(frame), ip.ip6_src), 32);
    sum = add_words(sum, (const uint8_t *)&frame + offsetof(__typeof__(frame), na), size);
    sum = (sum & 0xffff) + (sum >> 16);
    frame.na.nd_na_cksum = htons((uint16_t) ~(sum + (sum >> 16)));
    slirp_input(s->slirp, (const uint8_t *)&frame, sizeof(frame));
}

/*
 * Tell libslirp the container's hardware address, as if the container had announced itself: while libslirp
 * asks for an unknown one it loses the first datagram (IPv6) or one of several fragments (IPv4).
 */
static int announce_container(struct stack *s, const struct net_config *c, struct err *e)
{
    struct ifreq ifr = { 0 };
    uint8_t mac[ETH_ALEN];

    if (ioctl(s->tap, SIOCGIFHWADDR, &ifr) < 0)
        return err_sys(e, errno, "descriptor %d is no tap device", s->tap);
    memcpy(mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
    announce_in(s, c, mac);
    if (c->ipv6)
        announce_in6(s, mac);
    return 0;
}

int stack_open(struct stack *s, const struct net_config *c, int tap, int container, struct err *e)
{
    SlirpConfig config;
    int flags, r;

    *s = (struct stack){ .tap = tap, .container = container, .epoll = -1, .keeper = -1, .config = c };
    s->guard.ipv6 = c->ipv6;
    s->guard.gateway = net_node_in(c, NET_NODE_GATEWAY);
    s->guard.gateway6 = net_node_in6(NET_NODE_GATEWAY);
    s->guard.nameserver = net_node_in(c, NET_NODE_NAMESERVER);
    s->guard.nameserver6 = net_node_in6(NET_NODE_NAMESERVER);
    r = check_version(e);
    if (r < 0)
        return r;
    flags = fcntl(tap, F_GETFL);
    if (flags < 0 || fcntl(tap, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_sys(e, errno, "tap descriptor %d", tap);
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        return err_sys(e, errno, "make an epoll set");
    r = watch(s, tap, e);
    if (r >= 0)
        r = watch(s, container, e);
    if (r < 0)
        return r;
    stack_read_clock(s);
    fill_config(c, &config);
    s->slirp = slirp_new(&config, &stack_callbacks, s);
    if (!s->slirp)
        return err_set(e, EINVAL, "libslirp %s refused its configuration", slirp_version_string());
    return announce_container(s, c, e);
}

/* A socket address for a port of ours. Returns its length. */
static socklen_t socket_address(int family, const void *addr, uint16_t port, struct sockaddr_storage *ret)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

    memset(ret, 0, sizeof(*ret));
    if (family == AF_INET) {
        memcpy(&in.sin_addr, addr, sizeof(in.sin_addr));
        memcpy(ret, &in, sizeof(in));
        return sizeof(in);
    }
    memcpy(&in6.sin6_addr, addr, sizeof(in6.sin6_addr));
    memcpy(ret, &in6, sizeof(in6));
    return sizeof(in6);
}

static int publish_failed(const struct net_port *port, int code, struct err *e)
{
    char ip[INET6_ADDRSTRLEN];

    (void)inet_ntop(port->family, &port->addr, ip, sizeof(ip));
    err_sys(e, code, "publish %s port %u on %s", port->udp ? "UDP" : "TCP", port->host_port, ip);
    if (code == EACCES)
        return err_remedy(e,
                          "choose a port from 1024 up, or allow low ports to everyone: "
                          "sysctl net.ipv4.ip_unprivileged_port_start=%u",
                          port->host_port);
    if (code == EADDRINUSE)
        return err_remedy(e,
                          "another program (or container) listens there: see ss -ln%cp; choose another port",
                          port->udp ? 'u' : 't');
    if (code == EADDRNOTAVAIL)
        return err_remedy(e, "%s is no address of this host", ip);
    return -code;
}

static int publish_port(struct stack *s, const struct net_config *c, const struct net_port *port,
                        struct err *e)
{
    struct sockaddr_storage host, container;
    struct in_addr in = net_node_in(c, NET_NODE_CONTAINER);
    struct in6_addr in6 = net_node_in6(NET_NODE_CONTAINER);
    socklen_t host_size = socket_address(port->family, &port->addr, port->host_port, &host);
    socklen_t container_size;
    int flags = port->udp ? SLIRP_HOSTFWD_UDP : 0;

    if (port->family == AF_INET6) {
        /* [::] must leave 0.0.0.0 to others: an IPv4 peer could not be shown to an IPv6 address anyway. */
        flags |= SLIRP_HOSTFWD_V6ONLY;
        if (!c->ipv6) {
            err_set(e, EINVAL, "port %u: published on IPv6, but the network has no IPv6", port->host_port);
            return err_remedy(e, "drop enable_ipv6=false or publish on an IPv4 address");
        }
    }
    container_size = socket_address(port->family, port->family == AF_INET ? (void *)&in : (void *)&in6,
                                    port->container_port, &container);
    if (slirp_add_hostxfwd(s->slirp, (struct sockaddr *)&host, host_size, (struct sockaddr *)&container,
                           container_size, flags) < 0)
        return publish_failed(port, errno, e);
    if (port->udp)
        guard_add_udp_port(&s->guard, port->container_port);
    return 0;
}

/* SlirpAddPollCb: called for each published port; raises the listening ones' backlog. */
static int raise_backlog(int fd, int events, void *opaque)
{
    int listening = 0;
    socklen_t size = sizeof(listening);

    (void)events;
    (void)opaque;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening)
        (void)listen(fd, BACKLOG);
    return fd;
}

int stack_publish(struct stack *s, const struct net_config *c, struct err *e)
{
    uint32_t timeout = 0;

    for (size_t i = 0; i < c->n_ports; i++) {
        int r = publish_port(s, c, &c->ports[i], e);

        if (r < 0)
            return r;
    }
    if (c->n_ports > 0)
        slirp_pollfds_fill(s->slirp, &timeout, raise_backlog, s);
    return 0;
}

void stack_unpublish(struct stack *s)
{
    for (size_t i = 0; i < s->config->n_ports; i++) {
        const struct net_port *port = &s->config->ports[i];
        struct sockaddr_storage host;
        socklen_t size = socket_address(port->family, &port->addr, port->host_port, &host);

        (void)slirp_remove_hostxfwd(s->slirp, (struct sockaddr *)&host, size,
                                    port->udp ? SLIRP_HOSTFWD_UDP : 0);
    }
}
