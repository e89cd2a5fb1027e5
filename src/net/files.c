// SPDX-License-Identifier: Apache-2.0
/* resolv.conf and hosts of a container, from text to text. Pure; runs anywhere, no privileges. */
#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "net/net.h"

/* Does the line start with this keyword and a blank? *ret_value: behind the blanks. */
static bool keyword(const char *line, const char *word, const char **ret_value)
{
    size_t n = strlen(word);

    if (!str_has_prefix(line, word) || (line[n] != ' ' && line[n] != '\t'))
        return false;
    *ret_value = line + n + strspn(line + n, " \t");
    return true;
}

/* AF_INET, AF_INET6 or 0 for the address of a nameserver line (a scope "%eth0" may follow). */
static int family_of(const char *value)
{
    char ip[INET6_ADDRSTRLEN];
    struct in6_addr any;

    if (str_format(ip, sizeof(ip), "%.*s", (int)strcspn(value, " \t%"), value) < 0)
        return 0;
    if (inet_pton(AF_INET, ip, &any) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, ip, &any) == 1 ? AF_INET6 : 0;
}

static void put_nameserver(int family, const void *addr, struct buf *ret)
{
    char ip[INET6_ADDRSTRLEN];

    (void)inet_ntop(family, addr, ip, sizeof(ip));
    buf_printf(ret, "nameserver %s\n", ip);
}

void net_resolv_conf(const struct net_config *c, const char *host_text, struct buf *ret)
{
    static const char *const kept[] = { "search", "domain", "options" };
    _cleanup_free_ char *copy = str_printf("%s", host_text ? host_text : "");
    struct in_addr v4 = net_node_in(c, NET_NODE_NAMESERVER);
    struct in6_addr v6 = net_node_in6(NET_NODE_NAMESERVER);
    char *line, *rest = copy;
    _cleanup_buf_ struct buf tail = { 0 };
    bool has_v4 = false, has_v6 = false;
    const char *value;

    while ((line = strsep(&rest, "\n"))) {
        if (keyword(line, "nameserver", &value)) {
            has_v4 = has_v4 || family_of(value) == AF_INET;
            has_v6 = has_v6 || family_of(value) == AF_INET6;
        }
        for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
            if (keyword(line, kept[i], &value) && *value)
                buf_printf(&tail, "%s %s\n", kept[i], value);
        }
    }
    has_v6 = has_v6 && c->ipv6;
    /* libslirp forwards each family to the host's first server of that family; one without would time out. */
    if (has_v4 || !has_v6)
        put_nameserver(AF_INET, &v4, ret);
    if (has_v6)
        put_nameserver(AF_INET6, &v6, ret);
    if (tail.len > 0)
        buf_append(ret, tail.data, tail.len);
}

void net_hosts(const struct net_config *c, const char *hostname, struct buf *ret)
{
    char ip[INET_ADDRSTRLEN] = "127.0.1.1";
    struct in_addr node;

    buf_puts(ret, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    if (c->mode == NET_SLIRP) {
        node = net_node_in(c, NET_NODE_CONTAINER);
        (void)inet_ntop(AF_INET, &node, ip, sizeof(ip));
    }
    if (hostname && *hostname && !str_eq(hostname, "localhost"))
        buf_printf(ret, "%s\t%s\n", ip, hostname);
    if (c->mode == NET_SLIRP && c->host_loopback) {
        node = net_node_in(c, NET_NODE_GATEWAY);
        (void)inet_ntop(AF_INET, &node, ip, sizeof(ip));
        buf_printf(ret, "%s\thost.containers.internal\n", ip);
    }
}
