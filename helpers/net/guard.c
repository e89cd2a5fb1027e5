// SPDX-License-Identifier: Apache-2.0
/* The frame filter of lichen-net (guard.h). Runs on every frame, in the sandboxed process, no privileges. */
#include "guard.h"

#include <net/ethernet.h>
#include <string.h>

#define ETH_HEADER      14
#define IP4_HEADER_MIN  20
#define IP6_HEADER      40
#define UDP_HEADER      8
#define FRAGMENT_OFFSET 0x1fff
#define FRAGMENT_MORE   0x2000

/* Offsets in a frame. */
enum {
    IP4 = ETH_HEADER,
    IP4_ID = IP4 + 4,
    IP4_FRAGMENT = IP4 + 6,
    IP4_PROTOCOL = IP4 + 9,
    IP4_CHECKSUM = IP4 + 10,
    IP4_SOURCE = IP4 + 12,
    IP4_DESTINATION = IP4 + 16,
    IP6 = ETH_HEADER,
    IP6_NEXT = IP6 + 6,
    IP6_SOURCE = IP6 + 8,
    IP6_DESTINATION = IP6 + 24,
    UDP_SOURCE = 0,
    UDP_DESTINATION = 2,
    UDP_CHECKSUM = 6,
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void guard_add_udp_port(struct guard *g, uint16_t port)
{
    g->udp_ports[port / 64] |= UINT64_C(1) << (port % 64);
    g->has_udp_ports = true;
}

static bool is_published(const struct guard *g, uint16_t port)
{
    return g->udp_ports[port / 64] >> (port % 64) & 1;
}

/* RFC 1624, eqn. 3: a checksum after @n bytes (even) of what it covers changed. */
static uint16_t adjust_checksum(uint16_t checksum, const uint8_t *old, const uint8_t *new, size_t n)
{
    uint32_t sum = (uint16_t)~checksum;

    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)(uint16_t)~get16(old + i) + get16(new + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* The UDP header's checksum covers the addresses; 0 means it has none (IPv4 only). */
static void adjust_udp(uint8_t *udp, const uint8_t *old, const uint8_t *new, size_t n)
{
    uint16_t checksum = get16(udp + UDP_CHECKSUM);

    if (checksum == 0)
        return;
    checksum = adjust_checksum(checksum, old, new, n);
    put16(udp + UDP_CHECKSUM, checksum ? checksum : 0xffff);
}

/* Replace an IPv4 address; @udp is NULL in a fragment that doesn't carry the header. */
static void rewrite4(uint8_t *frame, size_t at, const struct in_addr *to, uint8_t *udp)
{
    const uint8_t *new = (const uint8_t *)to;

    put16(frame + IP4_CHECKSUM, adjust_checksum(get16(frame + IP4_CHECKSUM), frame + at, new, 4));
    if (udp)
        adjust_udp(udp, frame + at, new, 4);
    memcpy(frame + at, new, 4);
}

static void rewrite6(uint8_t *frame, size_t at, const struct in6_addr *to, uint8_t *udp)
{
    adjust_udp(udp, frame + at, to->s6_addr, 16);
    memcpy(frame + at, to->s6_addr, 16);
}

static struct guard_flow *flow_slot(struct guard *g, uint16_t peer_port, uint16_t container_port, bool v6)
{
    uint32_t hash = (peer_port * 0x9e3779b1U) ^ (container_port * 0x85ebca6bU);

    return &g->flows[(hash >> 16 ^ hash ^ (uint32_t)v6) % GUARD_FLOWS];
}

static void remember_flow(struct guard *g, const struct guard_flow *flow)
{
    *flow_slot(g, flow->peer_port, flow->container_port, flow->v6) = *flow;
}

static const struct guard_flow *find_flow(struct guard *g, const uint8_t *udp, bool v6, uint32_t now)
{
    uint16_t container_port = get16(udp + UDP_SOURCE), peer_port = get16(udp + UDP_DESTINATION);
    const struct guard_flow *f = flow_slot(g, peer_port, container_port, v6);

    if (!f->used || f->v6 != v6 || f->peer_port != peer_port || f->container_port != container_port ||
        now - f->seen > GUARD_FLOW_SECONDS)
        return NULL;
    return f;
}

/* The UDP header of an IPv4 frame whose first fragment this is; NULL when it is none or cut short. */
static uint8_t *udp4(uint8_t *frame, size_t size)
{
    size_t header = (size_t)(frame[IP4] & 0xf) * 4;

    if (frame[IP4_PROTOCOL] != IPPROTO_UDP || (get16(frame + IP4_FRAGMENT) & FRAGMENT_OFFSET) != 0 ||
        header < IP4_HEADER_MIN || size < ETH_HEADER + header + UDP_HEADER)
        return NULL;
    return frame + ETH_HEADER + header;
}

static uint8_t *udp6(uint8_t *frame, size_t size)
{
    if (frame[IP6_NEXT] != IPPROTO_UDP || size < ETH_HEADER + IP6_HEADER + UDP_HEADER)
        return NULL;
    return frame + ETH_HEADER + IP6_HEADER;
}

/* An answer to a loopback peer, its later fragments included: aim it at the peer. */
static void answer4(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    uint16_t fragment = get16(frame + IP4_FRAGMENT), id = get16(frame + IP4_ID);
    uint8_t *udp = udp4(frame, size);

    if (udp) {
        const struct guard_flow *f = find_flow(g, udp, false, now);
        struct in_addr peer;

        if (!f)
            return;
        memcpy(&peer, f->peer.s6_addr + 12, sizeof(peer));
        rewrite4(frame, IP4_DESTINATION, &peer, udp);
        if (fragment & FRAGMENT_MORE) {
            unsigned slot = g->next_fragment++ % GUARD_FRAGMENT_SLOTS;

            g->fragments[slot].id = id;
            g->fragments[slot].peer = peer;
            g->fragments[slot].used = true;
        }
        return;
    }
    if ((fragment & FRAGMENT_OFFSET) == 0)
        return;
    for (size_t i = 0; i < GUARD_FRAGMENT_SLOTS; i++) {
        if (g->fragments[i].used && g->fragments[i].id == id) {
            rewrite4(frame, IP4_DESTINATION, &g->fragments[i].peer, NULL);
            return;
        }
    }
}

static bool from_container4(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    if (size < ETH_HEADER + IP4_HEADER_MIN)
        return false;
    if (frame[IP4_DESTINATION] == 127 || frame[IP4_DESTINATION] == 0)
        return false;
    if (g->has_udp_ports && frame[IP4_PROTOCOL] == IPPROTO_UDP &&
        memcmp(frame + IP4_DESTINATION, &g->gateway, 4) == 0)
        answer4(g, frame, size, now);
    return true;
}

static bool from_container6(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    /* ::, ::1, IPv4-mapped and the old IPv4-compatible addresses all start with 80 zero bits. */
    static const uint8_t zero[10];
    const struct guard_flow *f;
    uint8_t *udp;

    if (!g->ipv6 || size < ETH_HEADER + IP6_HEADER)
        return false;
    if (memcmp(frame + IP6_DESTINATION, zero, sizeof(zero)) == 0)
        return false;
    if (!g->has_udp_ports || memcmp(frame + IP6_DESTINATION, &g->gateway6, 16) != 0)
        return true;
    udp = udp6(frame, size);
    f = udp ? find_flow(g, udp, true, now) : NULL;
    if (f)
        rewrite6(frame, IP6_DESTINATION, &f->peer, udp);
    return true;
}

bool guard_from_container(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    if (size < ETH_HEADER)
        return false;
    switch (get16(frame + 12)) {
    case ETHERTYPE_ARP:
        return true;
    case ETHERTYPE_IP:
        return from_container4(g, frame, size, now);
    case ETHERTYPE_IPV6:
        return from_container6(g, frame, size, now);
    default:
        /* libslirp also has an NC-SI parser; nothing in a container speaks that. */
        return false;
    }
}

bool guard_is_for_nameserver(const struct guard *g, const uint8_t *frame)
{
    switch (get16(frame + 12)) {
    case ETHERTYPE_IP:
        return memcmp(frame + IP4_DESTINATION, &g->nameserver, 4) == 0;
    case ETHERTYPE_IPV6:
        return memcmp(frame + IP6_DESTINATION, &g->nameserver6, 16) == 0;
    default:
        return false;
    }
}

static void to_container4(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    struct guard_flow flow = { .peer.s6_addr = { [10] = 0xff, [11] = 0xff }, .used = true, .seen = now };
    bool loopback = frame[IP4_SOURCE] == 127;
    uint8_t *udp = udp4(frame, size);

    if (frame[IP4_PROTOCOL] != IPPROTO_UDP || (!loopback && memcmp(frame + IP4_SOURCE, &g->gateway, 4) != 0))
        return;
    if (udp && is_published(g, get16(udp + UDP_DESTINATION))) {
        static const uint8_t localhost[4] = { 127, 0, 0, 1 };

        /* libslirp itself replaces 127.0.0.1, but no other loopback address. */
        memcpy(flow.peer.s6_addr + 12, loopback ? frame + IP4_SOURCE : localhost, 4);
        flow.peer_port = get16(udp + UDP_SOURCE);
        flow.container_port = get16(udp + UDP_DESTINATION);
        remember_flow(g, &flow);
    }
    if (loopback)
        rewrite4(frame, IP4_SOURCE, &g->gateway, udp);
}

static void to_container6(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    bool loopback = memcmp(frame + IP6_SOURCE, &in6addr_loopback, 16) == 0;
    uint8_t *udp = udp6(frame, size);

    if (!udp || (!loopback && memcmp(frame + IP6_SOURCE, &g->gateway6, 16) != 0))
        return;
    if (is_published(g, get16(udp + UDP_DESTINATION))) {
        struct guard_flow flow = { .peer = in6addr_loopback,
                                   .peer_port = get16(udp + UDP_SOURCE),
                                   .container_port = get16(udp + UDP_DESTINATION),
                                   .v6 = true,
                                   .used = true,
                                   .seen = now };

        remember_flow(g, &flow);
    }
    if (loopback)
        rewrite6(frame, IP6_SOURCE, &g->gateway6, udp);
}

void guard_to_container(struct guard *g, uint8_t *frame, size_t size, uint32_t now)
{
    if (!g->has_udp_ports || size < ETH_HEADER)
        return;
    if (get16(frame + 12) == ETHERTYPE_IP && size >= ETH_HEADER + IP4_HEADER_MIN)
        to_container4(g, frame, size, now);
    else if (get16(frame + 12) == ETHERTYPE_IPV6 && size >= ETH_HEADER + IP6_HEADER)
        to_container6(g, frame, size, now);
}
