// SPDX-License-Identifier: Apache-2.0
/*
 * The container's network: what was asked for (plain data, parsed strictly), what the container's init does
 * inside the network namespace, and how the caller starts lichen-net on the host side.
 *
 * Order of a start with NET_SLIRP:
 *   init (inside the network namespace, host's /dev and /proc still there):  net_setup_tap, net_allow_ping
 *   init -> parent:                                                        the tap descriptor (SCM_RIGHTS)
 *   parent (host side, unprivileged):                net_helper_start, ... other work ..., net_helper_await
 */
#ifndef LICHEN_NET_NET_H
#define LICHEN_NET_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

enum net_mode {
    NET_DEFAULT, /* nothing asked for: the caller decides */
    NET_NONE,    /* own namespace with lo only */
    NET_SLIRP,   /* own namespace, user-mode network by lichen-net */
    NET_HOST,    /* the caller's namespace; abstract sockets of the host are reachable (CVE-2020-15257) */
    NET_PATH,    /* an existing namespace, by path */
    NET_MODE_COUNT
};

/* One published port. TCP unless udp. Ports in host byte order, the address in network byte order. */
struct net_port {
    int family; /* AF_INET or AF_INET6: which member of addr, and which of the container's addresses */
    union {
        struct in_addr in;
        struct in6_addr in6;
    } addr; /* host address to listen on */
    uint16_t host_port;
    uint16_t container_port;
    bool udp;
};

#define NET_MTU_MIN     1280 /* what IPv6 needs (RFC 8200 section 5) */
#define NET_MTU_MAX     65520
#define NET_MTU_DEFAULT 65520
#define NET_PORTS_MAX   4096

struct net_config {
    enum net_mode mode;
    char *path;             /* NET_PATH: absolute; owned */
    struct net_port *ports; /* owned */
    size_t n_ports;
    bool host_loopback;     /* the host's loopback answers at the gateway's address */
    bool ipv6;              /* give the container an IPv6 address and route too */
    uint32_t mtu;           /* bytes */
    struct in_addr network; /* of the virtual IPv4 network; network byte order */
    unsigned prefix;        /* its prefix length, 8 to 25 */
};

/* The hosts of the virtual network: 10.0.2.N and fd00::N (fd00::100 is written in hexadecimal). */
enum net_node { NET_NODE_GATEWAY = 2, NET_NODE_NAMESERVER = 3, NET_NODE_CONTAINER = 100 };

/* Defaults: NET_DEFAULT, IPv6 on, 10.0.2.0/24, no host loopback. */
void net_config_init(struct net_config *c);

/* Release what @c owns and leave the defaults. Accepts an initialised or all-zero struct. */
void net_config_free(struct net_config *c);

/*
 * Parse "none", "host", "slirp[:options]" (or "slirp4netns[:options]"), an absolute path of a network
 * namespace or "ns:PATH" into @c; ports are kept. Options, separated by commas, as podman's:
 * allow_host_loopback=BOOL, enable_ipv6=BOOL, mtu=N, cidr=A.B.C.D/N. 0, or -EINVAL with @e naming the part
 * that is wrong; @c is untouched then.
 */
int net_parse_mode(const char *text, struct net_config *c, struct err *e);

/* The text that net_parse_mode reads back as the same configuration (without ports). Malloc'ed. */
char *net_format_mode(const struct net_config *c);

/*
 * Parse one "[ip:]hostport:containerport[/tcp|/udp]" and append what it says to @c. IPv6 addresses in
 * brackets; "8000-8003:80-83" publishes each pair. Without an address the port is published on 0.0.0.0: an
 * IPv6 wildcard would take connections for a server that listens on IPv4 only and then reset them, where a
 * client of "localhost" otherwise falls back to IPv4. 0, or -EINVAL with @e naming the value.
 */
int net_parse_publish(const char *text, struct net_config *c, struct err *e);

#define NET_PORT_TEXT_MAX (INET6_ADDRSTRLEN + 32)
/* "127.0.0.1:8080:80/tcp", "[::1]:8080:80/udp": what net_parse_publish reads. Returns @buf. */
const char *net_format_port(const struct net_port *port, char buf[NET_PORT_TEXT_MAX]);

/* The IPv4 and IPv6 address of a node of the virtual network. */
struct in_addr net_node_in(const struct net_config *c, enum net_node node);
struct in6_addr net_node_in6(enum net_node node);

/*
 * resolv.conf for a container with NET_SLIRP, from the host's text: the virtual name server (IPv4 and, where
 * the host has an IPv6 resolver, IPv6) and the host's search, domain and options lines. Appends to @ret.
 */
void net_resolv_conf(const struct net_config *c, const char *host_text, struct buf *ret);

/*
 * A hosts file: localhost, @hostname (may be NULL) on the container's own address (127.0.1.1 where it has
 * none), and the host as host.containers.internal when its loopback was asked for. Appends to @ret.
 */
void net_hosts(const struct net_config *c, const char *hostname, struct buf *ret);

/* Bring lo up in the calling process's network namespace; needs CAP_NET_ADMIN over it. 0 or -errno. */
int net_setup_loopback(struct err *e);

/*
 * In the calling process's network namespace (CAP_NET_ADMIN over it): bring lo up, create the tap device tap0
 * with the container's addresses, MTU and default routes. @proc_fd is a descriptor of a procfs mount (-1: the
 * accept_ra sysctl is left alone). Opens /dev/net/tun by path, so run it while the host's /dev is still in
 * place; the device belongs to the namespace that is current at that open. *ret_tap_fd (owned by the caller,
 * close-on-exec) holds the device and pins the namespace. IPv6 is left out silently where the kernel has none
 * or forbids it. 0 or -errno.
 */
int net_setup_tap(const struct net_config *c, int proc_fd, int *ret_tap_fd, struct err *e);

/*
 * Let every group of the calling process's user namespace open ICMP echo sockets in its network namespace
 * (net.ipv4.ping_group_range; podman#1779). @proc_fd is a descriptor of a procfs mount that shows the caller.
 * 0 or -errno; a caller may go on without.
 */
int net_allow_ping(int proc_fd, struct err *e);

/*
 * The gids to write for a /proc/PID/gid_map text: from the lowest mapped gid to the highest where the kernel
 * takes that range (it compares the ids outside too), else the largest extent. 0, or -EINVAL for a text that
 * is no map.
 */
int net_ping_range(const char *gid_map, uint32_t *ret_low, uint32_t *ret_high);

/* A lichen-net on its way. */
struct net_helper {
    pid_t pid;     /* child of the caller; exits with the container, someone has to reap it */
    int status_fd; /* -1 after net_helper_await */
};

/*
 * Start lichen-net in the caller's (the host's) network namespace and return at once. @tap_fd and @container
 * (a pidfd: lichen-net exits when that process does) are duplicated, the caller keeps its own. @log_fd (or
 * -1) becomes its stderr; stdin, stdout and otherwise stderr are /dev/null, every other descriptor is closed
 * (podman#3695). 0 or -errno.
 */
int net_helper_start(const struct net_config *c, int tap_fd, int container, int log_fd,
                     struct net_helper *ret, struct err *e);

#define NET_WARNING_MAX 256

/*
 * Wait at most @timeout_ms until lichen-net serves: ports published, sandbox closed. Its own error record is
 * handed on, e.g. "port 8080 on 127.0.0.1: address in use". @warning receives a downgrade to report (no user
 * namespace for the sandbox) or "". Closes the status descriptor either way; after a failure the child is
 * killed and reaped. 0 or -errno.
 */
int net_helper_await(struct net_helper *h, int timeout_ms, char warning[NET_WARNING_MAX], struct err *e);

/* Close the status descriptor, kill and reap: for the caller's error path. */
void net_helper_abort(struct net_helper *h);

#endif
