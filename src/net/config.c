// SPDX-License-Identifier: Apache-2.0
/* The network asked for: mode and options as text and as plain data. Pure; runs anywhere, no privileges. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/net.h"

#define PREFIX_MIN 8
#define PREFIX_MAX 25 /* .100 must be inside */

void net_config_init(struct net_config *c)
{
    *c = (struct net_config){
        .mode = NET_DEFAULT,
        .ipv6 = true,
        .mtu = NET_MTU_DEFAULT,
        .network.s_addr = htonl(0x0a000200),
        .prefix = 24,
    };
}

void net_config_free(struct net_config *c)
{
    free(c->path);
    free(c->ports);
    net_config_init(c);
}

struct in_addr net_node_in(const struct net_config *c, enum net_node node)
{
    return (struct in_addr){ .s_addr = htonl(ntohl(c->network.s_addr) + (uint32_t)node) };
}

struct in6_addr net_node_in6(enum net_node node)
{
    struct in6_addr a = { .s6_addr = { [0] = 0xfd } };

    /* The container is fd00::100: the decimal number of its IPv4 address, read as hexadecimal digits. */
    if (node == NET_NODE_CONTAINER)
        a.s6_addr[14] = 1;
    else
        a.s6_addr[15] = (uint8_t)node;
    return a;
}

static int parse_bool(const char *key, const char *value, bool *ret, struct err *e)
{
    if (str_eq(value, "true") || str_eq(value, "1"))
        *ret = true;
    else if (str_eq(value, "false") || str_eq(value, "0"))
        *ret = false;
    else
        return err_set(e, EINVAL, "network option %s: \"%s\" is neither true nor false", key, value);
    return 0;
}

static int set_host_loopback(const char *key, const char *value, struct net_config *c, struct err *e)
{
    return parse_bool(key, value, &c->host_loopback, e);
}

static int set_ipv6(const char *key, const char *value, struct net_config *c, struct err *e)
{
    return parse_bool(key, value, &c->ipv6, e);
}

static int set_mtu(const char *key, const char *value, struct net_config *c, struct err *e)
{
    uint64_t mtu;

    if (str_to_u64(value, NET_MTU_MIN, NET_MTU_MAX, &mtu) < 0)
        return err_set(e, EINVAL, "network option %s: \"%s\" is not a number from %d to %d", key, value,
                       NET_MTU_MIN, NET_MTU_MAX);
    c->mtu = (uint32_t)mtu;
    return 0;
}

static int set_cidr(const char *key, const char *value, struct net_config *c, struct err *e)
{
    const char *slash = strchr(value, '/');
    char text[INET_ADDRSTRLEN];
    struct in_addr network;
    uint64_t prefix;
    uint32_t top;

    if (!slash || str_format(text, sizeof(text), "%.*s", (int)(slash - value), value) < 0 ||
        inet_pton(AF_INET, text, &network) != 1)
        return err_set(e, EINVAL, "network option %s: \"%s\" is not an IPv4 network like 10.0.2.0/24", key,
                       value);
    if (str_to_u64(slash + 1, PREFIX_MIN, PREFIX_MAX, &prefix) < 0)
        return err_set(e, EINVAL, "network option %s: the prefix of \"%s\" must be from %d to %d", key, value,
                       PREFIX_MIN, PREFIX_MAX);
    if (ntohl(network.s_addr) & ~(~0U << (32 - prefix)))
        return err_set(e, EINVAL, "network option %s: \"%s\" has bits set behind its prefix", key, value);
    top = ntohl(network.s_addr) >> 24;
    /* Loopback, "this network", multicast and above can't be a container's own network. */
    if (top == 0 || top == 127 || top >= 224)
        return err_set(e, EINVAL, "network option %s: \"%s\" is not a unicast network", key, value);
    c->network = network;
    c->prefix = (unsigned)prefix;
    return 0;
}

/* clang-format off */
static const struct slirp_option {
    const char *key;
    int (*set)(const char *key, const char *value, struct net_config *c, struct err *e);
} slirp_options[] = {
    { .key = "allow_host_loopback", .set = set_host_loopback },
    { .key = "enable_ipv6", .set = set_ipv6 },
    { .key = "mtu", .set = set_mtu },
    { .key = "cidr", .set = set_cidr },
};
/* clang-format on */
_Static_assert(ARRAY_SIZE(slirp_options) == 4, "net_format_mode writes each of these");

static int parse_slirp_option(char *option, struct net_config *c, struct err *e)
{
    char *value = strchr(option, '=');

    if (!value || value == option)
        return err_set(e, EINVAL, "network option \"%s\" is not of the form name=value", option);
    *value++ = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(slirp_options); i++) {
        if (str_eq(option, slirp_options[i].key))
            return slirp_options[i].set(option, value, c, e);
    }
    err_set(e, EINVAL, "unknown option \"%s\" of the slirp network", option);
    return err_remedy(e, "the options are allow_host_loopback, enable_ipv6, mtu and cidr");
}

static int parse_slirp_options(const char *text, struct net_config *c, struct err *e)
{
    _cleanup_free_ char *copy = str_printf("%s", text);
    char *option, *rest = copy;

    while ((option = strsep(&rest, ","))) {
        int r = parse_slirp_option(option, c, e);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The text behind "slirp" or its synonym: "" or ":options"; NULL when it is something else. */
static const char *after_slirp(const char *text)
{
    static const char *const names[] = { "slirp4netns", "slirp" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *rest = text + strlen(names[i]);

        if (str_has_prefix(text, names[i]) && (*rest == '\0' || *rest == ':'))
            return rest;
    }
    return NULL;
}

int net_parse_mode(const char *text, struct net_config *c, struct err *e)
{
    struct net_config parsed;
    const char *rest;
    int r;

    net_config_init(&parsed);
    if (str_has_prefix(text, "ns:"))
        text += 3;
    if (str_eq(text, "none")) {
        parsed.mode = NET_NONE;
    } else if (str_eq(text, "host")) {
        parsed.mode = NET_HOST;
    } else if (text[0] == '/') {
        parsed.mode = NET_PATH;
    } else if ((rest = after_slirp(text))) {
        parsed.mode = NET_SLIRP;
        r = *rest ? parse_slirp_options(rest + 1, &parsed, e) : 0;
        if (r < 0)
            return r;
    } else {
        err_set(e, EINVAL, "network \"%s\" is unknown", text);
        return err_remedy(e, "use slirp, none, host or the absolute path of a network namespace");
    }
    if (parsed.mode == NET_PATH)
        parsed.path = str_printf("%s", text);
    parsed.ports = c->ports;
    parsed.n_ports = c->n_ports;
    free(c->path);
    *c = parsed;
    return 0;
}

char *net_format_mode(const struct net_config *c)
{
    static const char *const names[NET_MODE_COUNT] = {
        [NET_DEFAULT] = "", [NET_NONE] = "none", [NET_SLIRP] = "slirp", [NET_HOST] = "host", [NET_PATH] = "",
    };
    char network[INET_ADDRSTRLEN];

    if (c->mode == NET_PATH)
        return str_printf("%s", c->path);
    if (c->mode != NET_SLIRP)
        return str_printf("%s", names[c->mode]);
    (void)inet_ntop(AF_INET, &c->network, network, sizeof(network));
    return str_printf("slirp:allow_host_loopback=%s,enable_ipv6=%s,mtu=%u,cidr=%s/%u",
                      c->host_loopback ? "true" : "false", c->ipv6 ? "true" : "false", c->mtu, network,
                      c->prefix);
}
