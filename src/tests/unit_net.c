// SPDX-License-Identifier: Apache-2.0
/* The parsers and generators of src/net. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/net.h"

static struct err e;

static int mode(const char *text, struct net_config *c)
{
    net_config_init(c);
    e = (struct err){ 0 };
    return net_parse_mode(text, c, &e);
}

static void modes_are_told_apart(void)
{
    struct net_config c;

    CHECK_INT(mode("none", &c), 0);
    CHECK_INT(c.mode, NET_NONE);
    CHECK_INT(mode("host", &c), 0);
    CHECK_INT(c.mode, NET_HOST);
    CHECK_INT(mode("slirp", &c), 0);
    CHECK_INT(c.mode, NET_SLIRP);
    CHECK(c.ipv6 && !c.host_loopback);
    CHECK_INT(mode("slirp4netns", &c), 0);
    CHECK_INT(c.mode, NET_SLIRP);
    CHECK_INT(mode("/run/netns/x", &c), 0);
    CHECK_INT(c.mode, NET_PATH);
    CHECK_STR(c.path, "/run/netns/x");
    net_config_free(&c);
    CHECK_INT(mode("ns:/proc/1/ns/net", &c), 0);
    CHECK_STR(c.path, "/proc/1/ns/net");
    net_config_free(&c);
    CHECK(c.path == NULL);
}

static void slirp_options_are_read(void)
{
    struct net_config c;

    CHECK_INT(mode("slirp4netns:allow_host_loopback=true,enable_ipv6=false,mtu=1500,cidr=192.168.7.0/25", &c),
              0);
    CHECK(c.host_loopback);
    CHECK(!c.ipv6);
    CHECK_INT(c.mtu, 1500);
    CHECK_INT(c.prefix, 25);
    CHECK_INT(ntohl(net_node_in(&c, NET_NODE_GATEWAY).s_addr), 0xc0a80702);
    CHECK_INT(ntohl(net_node_in(&c, NET_NODE_CONTAINER).s_addr), 0xc0a80764);
}

static void wrong_modes_are_refused_by_name(void)
{
    static const char *const wrong[] = {
        "",
        "bridge",
        "slirpy",
        "slirp:",
        "slirp:mtu",
        "slirp:=1",
        "slirp:mtu=1279",
        "slirp:mtu=65521",
        "slirp:mtu= 1500",
        "slirp:mtu=1500,",
        "slirp:x=1",
        "slirp:cidr=10.0.2.0",
        "slirp:cidr=10.0.2.1/24",
        "slirp:cidr=10.0.2.0/26",
        "slirp:cidr=127.0.0.0/8",
        "slirp:cidr=0.0.0.0/8",
        "slirp:cidr=224.0.0.0/8",
        "slirp:cidr=/24",
        "slirp:cidr=10.0.2.0/24/1",
        "none:x",
        "relative/path",
        "ns:relative",
        "slirp:enable_ipv6=yes",
        "slirp:allow_host_loopback=",
    };

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct net_config c;

        if (mode(wrong[i], &c) != -EINVAL)
            printf("# accepted: %s\n", wrong[i]);
        CHECK_INT(mode(wrong[i], &c), -EINVAL);
        CHECK_INT(c.mode, NET_DEFAULT);
        CHECK(e.message[0]);
    }
    CHECK(strstr((mode("bridge", &(struct net_config){ 0 }), e.message), "\"bridge\"") != NULL);
}

static void a_mode_survives_its_text(void)
{
    static const char *const texts[] = {
        "none", "host", "/run/netns/x",
        "slirp:allow_host_loopback=true,enable_ipv6=false,mtu=9000,cidr=10.9.0.0/16"
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        _cleanup_(net_config_free) struct net_config c;
        _cleanup_free_ char *text = NULL;

        CHECK_INT(mode(texts[i], &c), 0);
        text = net_format_mode(&c);
        CHECK_STR(text, texts[i]);
    }
}

static int publish(const char *text, struct net_config *c)
{
    net_config_init(c);
    e = (struct err){ 0 };
    return net_parse_publish(text, c, &e);
}

static void ports_are_read(void)
{
    /* clang-format off */
    static const struct { const char *text, *want; } rows[] = {
        { "8080:80", "0.0.0.0:8080:80/tcp" },
        { "8080:80/tcp", "0.0.0.0:8080:80/tcp" },
        { "5353:53/udp", "0.0.0.0:5353:53/udp" },
        { "127.0.0.1:8080:80", "127.0.0.1:8080:80/tcp" },
        { "[::1]:8080:80", "[::1]:8080:80/tcp" },
        { "[::]:65535:1/udp", "[::]:65535:1/udp" },
    };
    /* clang-format on */

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(net_config_free) struct net_config c;
        char text[NET_PORT_TEXT_MAX];

        CHECK_INT(publish(rows[i].text, &c), 0);
        CHECK_INT(c.n_ports, 1);
        if (c.n_ports == 1)
            CHECK_STR(net_format_port(&c.ports[0], text), rows[i].want);
    }
}

static void ranges_are_expanded_pair_by_pair(void)
{
    _cleanup_(net_config_free) struct net_config c;
    char text[NET_PORT_TEXT_MAX];

    CHECK_INT(publish("8000-8003:80-83", &c), 0);
    CHECK_INT(c.n_ports, 4);
    CHECK_STR(net_format_port(&c.ports[3], text), "0.0.0.0:8003:83/tcp");
    CHECK_INT(net_parse_publish("1-4096:1-4096", &c, &e), -EINVAL);
    CHECK_INT(c.n_ports, 4);
}

static void a_udp_port_is_published_once_per_ip_version(void)
{
    _cleanup_(net_config_free) struct net_config c;

    CHECK_INT(publish("127.0.0.1:5000-5010:50-60/udp", &c), 0);
    CHECK_INT(net_parse_publish("127.0.0.2:6000:55/udp", &c, &e), -EINVAL);
    CHECK(strstr(e.message, "port 55 ") != NULL);
    CHECK_INT(net_parse_publish("127.0.0.2:6000:55/tcp", &c, &e), 0);
    CHECK_INT(net_parse_publish("[::1]:6000:55/udp", &c, &e), 0);
    CHECK_INT(net_parse_publish("127.0.0.1:6000:61/udp", &c, &e), 0);
}

static void wrong_ports_are_refused_by_name(void)
{
    static const char *const wrong[] = {
        "",
        "80",
        ":80",
        "0:80",
        "80:0",
        "80:",
        "65536:80",
        "80:65536",
        "8080:80/",
        "8080:80/sctp",
        "8080:80/TCP",
        "8080:80/tcp/udp",
        " 8080:80",
        "+8080:80",
        "8080:80x",
        "1-2:1-3",
        "2-1:2-1",
        "1-2:1",
        "127.0.0.1::80",
        "127.0.0.1:0:80",
        ":8080:80",
        "::1:8080:80",
        "[::1]8080:80",
        "[::1:8080:80",
        "[127.0.0.1]:80:80",
        "[::ffff:1.2.3.4]:80:80",
        "localhost:80:80",
        "256.0.0.1:80:80",
        "[::1]:80",
        "1:2:3:4",
        "-:-",
        "1-:1-",
    };

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct net_config c;
        int r = publish(wrong[i], &c);

        if (r != -EINVAL)
            printf("# accepted: %s\n", wrong[i]);
        CHECK_INT(r, -EINVAL);
        CHECK_INT(c.n_ports, 0);
        CHECK(strstr(e.message, wrong[i]) != NULL);
        CHECK(e.remedy[0]);
    }
}

static void resolv_conf_names_the_virtual_server_and_keeps_the_search_list(void)
{
    struct net_config c;
    _cleanup_buf_ struct buf b = { 0 };

    CHECK_INT(mode("slirp", &c), 0);
    net_resolv_conf(
        &c,
        "# x\nnameserver 127.0.0.53\nsearch a.example b.example\noptions edns0\ndomainx y\nnameserver 1::1\n",
        &b);
    CHECK_STR(b.data, "nameserver 10.0.2.3\nnameserver fd00::3\nsearch a.example b.example\noptions edns0\n");
    buf_free(&b);
    b = (struct buf){ 0 };
    c.ipv6 = false;
    net_resolv_conf(&c, "nameserver fe80::1%eth0", &b);
    CHECK_STR(b.data, "nameserver 10.0.2.3\n");
    buf_free(&b);
    b = (struct buf){ 0 };
    c.ipv6 = true;
    net_resolv_conf(&c, "nameserver fe80::1%eth0", &b);
    CHECK_STR(b.data, "nameserver fd00::3\n");
    buf_free(&b);
    b = (struct buf){ 0 };
    net_resolv_conf(&c, NULL, &b);
    CHECK_STR(b.data, "nameserver 10.0.2.3\n");
}

static void hosts_names_the_host_only_when_its_loopback_was_asked_for(void)
{
    struct net_config c;
    _cleanup_buf_ struct buf b = { 0 };

    CHECK_INT(mode("slirp", &c), 0);
    net_hosts(&c, "box", &b);
    CHECK(strstr(b.data, "10.0.2.100\tbox\n") != NULL);
    CHECK(strstr(b.data, "host.containers.internal") == NULL);
    c.host_loopback = true;
    net_hosts(&c, "box", &b);
    CHECK(strstr(b.data, "10.0.2.2\thost.containers.internal\n") != NULL);
}

static void the_ping_range_spans_the_map(void)
{
    uint32_t low = 7, high = 7;

    CHECK_INT(
        net_ping_range("         0       1000          1\n         1     100000      65536\n", &low, &high),
        0);
    CHECK_INT(low, 0);
    CHECK_INT(high, 65536);
    CHECK_INT(net_ping_range("0 0 4294967295\n", &low, &high), 0);
    CHECK_INT(high, 0x7fffffff);
    CHECK_INT(net_ping_range("0 1000 1", &low, &high), 0);
    CHECK_INT(low, 0);
    CHECK_INT(high, 0);
}

static void a_map_that_turns_around_gives_its_largest_extent(void)
{
    uint32_t low = 7, high = 7;

    CHECK_INT(net_ping_range("0 1000000 1\n1 100000 65536\n", &low, &high), 0);
    CHECK_INT(low, 1);
    CHECK_INT(high, 65536);
}

static void a_text_that_is_no_map_gives_no_range(void)
{
    uint32_t low = 7, high = 7;

    CHECK_INT(net_ping_range("", &low, &high), -EINVAL);
    CHECK_INT(net_ping_range("0 1\n", &low, &high), -EINVAL);
    CHECK_INT(net_ping_range("0 1 0\n", &low, &high), -EINVAL);
    CHECK_INT(net_ping_range("0 1 2 3\n", &low, &high), -EINVAL);
    CHECK_INT(net_ping_range("0 -1 2\n", &low, &high), -EINVAL);
    CHECK_INT(low, 7);
}

UNIT_MAIN(TEST(modes_are_told_apart), TEST(slirp_options_are_read), TEST(wrong_modes_are_refused_by_name),
          TEST(a_mode_survives_its_text), TEST(ports_are_read), TEST(ranges_are_expanded_pair_by_pair),
          TEST(a_udp_port_is_published_once_per_ip_version), TEST(wrong_ports_are_refused_by_name),
          TEST(resolv_conf_names_the_virtual_server_and_keeps_the_search_list),
          TEST(hosts_names_the_host_only_when_its_loopback_was_asked_for), TEST(the_ping_range_spans_the_map),
          TEST(a_map_that_turns_around_gives_its_largest_extent), TEST(a_text_that_is_no_map_gives_no_range))
