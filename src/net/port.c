// SPDX-License-Identifier: Apache-2.0
/* Published ports as text and as plain data. Pure; runs anywhere, no privileges. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/net.h"

struct range {
    uint16_t first, last;
};

static int invalid(struct err *e, const char *text, const char *why)
{
    err_set(e, EINVAL, "published port \"%s\": %s", text, why);
    return err_remedy(e, "write [ip:]hostport:containerport[/tcp|/udp], an IPv6 address in brackets");
}

static int parse_protocol(const char *text, char *spec, bool *ret_udp, struct err *e)
{
    char *slash = strchr(spec, '/');

    *ret_udp = false;
    if (!slash)
        return 0;
    *slash = '\0';
    if (str_eq(slash + 1, "udp"))
        *ret_udp = true;
    else if (!str_eq(slash + 1, "tcp"))
        return invalid(e, text, "the protocol is neither tcp nor udp");
    return 0;
}

/* "80" or "80-83". */
static int parse_range(const char *text, char *spec, const char *whose, struct range *ret, struct err *e)
{
    char *dash = strchr(spec, '-');
    char why[96];
    uint64_t first, last;

    if (dash)
        *dash = '\0';
    if (str_to_u64(spec, 1, UINT16_MAX, &first) < 0 ||
        (last = first, dash && str_to_u64(dash + 1, first, UINT16_MAX, &last) < 0)) {
        (void)snprintf(why, sizeof(why), "the %s port must be a number from 1 to 65535 or a rising range",
                       whose);
        return invalid(e, text, why);
    }
    *ret = (struct range){ .first = (uint16_t)first, .last = (uint16_t)last };
    return 0;
}

static int parse_address(const char *text, const char *ip, bool bracketed, struct net_port *port,
                         struct err *e)
{
    port->family = bracketed ? AF_INET6 : AF_INET;
    if (inet_pton(port->family, ip, &port->addr) != 1)
        return invalid(
            e, text, bracketed ? "no IPv6 address between the brackets" : "no IPv4 address before the ports");
    if (bracketed && IN6_IS_ADDR_V4MAPPED(&port->addr.in6))
        return invalid(e, text, "an IPv4 address must be written as one");
    return 0;
}

/* Take "[ip]:" or "ip:" off the front of @spec; *ret_ports is what is left: "host:container". */
static int split_address(const char *text, char *spec, struct net_port *port, char **ret_ports, struct err *e)
{
    char *colon, *close;

    *ret_ports = spec;
    if (spec[0] == '[') {
        close = strchr(spec, ']');
        if (!close || close[1] != ':')
            return invalid(e, text, "no \"]:\" behind the address");
        *close = '\0';
        *ret_ports = close + 2;
        return parse_address(text, spec + 1, true, port, e);
    }
    colon = strchr(spec, ':');
    if (!colon) {
        err_set(e, EINVAL, "published port \"%s\": no host port", text);
        return err_remedy(e, "name the port on the host too, as in %s:%s", "8080", text);
    }
    if (!strchr(colon + 1, ':')) {
        port->family = AF_INET;
        port->addr.in.s_addr = htonl(INADDR_ANY);
        return 0;
    }
    *colon = '\0';
    *ret_ports = colon + 1;
    return parse_address(text, spec, false, port, e);
}

/*
 * libslirp finds the host socket of an answer by the container's port alone: published on two host addresses,
 * the answers to one of them would leave from the other.
 */
static int check_udp(const char *text, const struct net_config *c, const struct net_port *port,
                     const struct range *container, struct err *e)
{
    for (size_t i = 0; port->udp && i < c->n_ports; i++) {
        const struct net_port *other = &c->ports[i];

        if (other->udp && other->family == port->family && other->container_port >= container->first &&
            other->container_port <= container->last) {
            err_set(e, EINVAL, "published port \"%s\": UDP port %u of the container is already published",
                    text, other->container_port);
            return err_remedy(e, "publish a UDP port once per IP version");
        }
    }
    return 0;
}

static int append_ports(const char *text, struct net_config *c, struct net_port port,
                        const struct range *host, const struct range *container, struct err *e)
{
    size_t n = (size_t)(host->last - host->first) + 1;

    if (host->last - host->first != container->last - container->first)
        return invalid(e, text, "the two ranges differ in length");
    if (c->n_ports + n > NET_PORTS_MAX) {
        err_set(e, EINVAL, "published port \"%s\": more than %d ports", text, NET_PORTS_MAX);
        return err_remedy(e, "publish fewer ports, or use --net host");
    }
    c->ports = mem_realloc_array(c->ports, c->n_ports + n, sizeof(*c->ports));
    for (size_t i = 0; i < n; i++) {
        port.host_port = (uint16_t)(host->first + i);
        port.container_port = (uint16_t)(container->first + i);
        c->ports[c->n_ports++] = port;
    }
    return 0;
}

int net_parse_publish(const char *text, struct net_config *c, struct err *e)
{
    _cleanup_free_ char *spec = str_printf("%s", text);
    struct net_port port = { 0 };
    struct range host, container;
    char *ports, *colon;
    int r;

    r = parse_protocol(text, spec, &port.udp, e);
    if (r >= 0)
        r = split_address(text, spec, &port, &ports, e);
    if (r < 0)
        return r;
    colon = strchr(ports, ':');
    if (!colon)
        return invalid(e, text, "no container port");
    *colon = '\0';
    if (*ports == '\0' || str_eq(ports, "0")) {
        err_set(e, EINVAL, "published port \"%s\": the host port is left open", text);
        return err_remedy(e, "choose a port from 1 to 65535; a random one is not given out");
    }
    r = parse_range(text, ports, "host", &host, e);
    if (r >= 0)
        r = parse_range(text, colon + 1, "container", &container, e);
    if (r >= 0)
        r = check_udp(text, c, &port, &container, e);
    if (r < 0)
        return r;
    return append_ports(text, c, port, &host, &container, e);
}

const char *net_format_port(const struct net_port *port, char buf[NET_PORT_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN];
    bool v6 = port->family == AF_INET6;

    (void)inet_ntop(port->family, &port->addr, ip, sizeof(ip));
    (void)snprintf(buf, NET_PORT_TEXT_MAX, "%s%s%s:%u:%u/%s", v6 ? "[" : "", ip, v6 ? "]" : "",
                   port->host_port, port->container_port, port->udp ? "udp" : "tcp");
    return buf;
}
