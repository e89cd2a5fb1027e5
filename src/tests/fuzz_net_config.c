// SPDX-License-Identifier: Apache-2.0
/* The texts src/net parses: what is accepted must come back from its own text; the rest must not crash. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void fuzz_mode(const char *text)
{
    _cleanup_(net_config_free) struct net_config c = { 0 };
    _cleanup_(net_config_free) struct net_config again = { 0 };
    _cleanup_free_ char *formatted = NULL;
    struct err e = { 0 };

    if (net_parse_mode(text, &c, &e) < 0)
        return check(e.code != 0 && e.message[0]);
    formatted = net_format_mode(&c);
    check(net_parse_mode(formatted, &again, &e) == 0 && again.mode == c.mode && again.mtu == c.mtu &&
          again.network.s_addr == c.network.s_addr);
}

static void fuzz_port(const char *text)
{
    _cleanup_(net_config_free) struct net_config c = { 0 };
    _cleanup_(net_config_free) struct net_config again = { 0 };
    char formatted[NET_PORT_TEXT_MAX];
    struct err e = { 0 };

    if (net_parse_publish(text, &c, &e) < 0)
        return check(e.code != 0 && e.message[0]);
    check(c.n_ports > 0 && c.ports[0].host_port > 0 && c.ports[0].container_port > 0);
    net_format_port(&c.ports[c.n_ports - 1], formatted);
    check(net_parse_publish(formatted, &again, &e) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *text = mem_zalloc(size + 1);
    _cleanup_(net_config_free) struct net_config c;
    _cleanup_buf_ struct buf b = { 0 };
    uint32_t low, high;

    if (size > 0)
        memcpy(text, data, size);
    fuzz_mode(text);
    fuzz_port(text);
    if (net_ping_range(text, &low, &high) == 0)
        check(low <= high);
    net_config_init(&c);
    net_resolv_conf(&c, text, &b);
    check(b.len > 0);
    return 0;
}
