// SPDX-License-Identifier: Apache-2.0
/*
 * What lichen-net lets through between the container's tap device and libslirp. Pure: frames in, verdicts and
 * rewritten frames out; every byte comes from the container and is hostile.
 *
 * libslirp refuses its own gateway's address when host loopback is off, but it connects to whatever other
 * address a frame names: a container that routes 127.0.0.1, 0.0.0.0, ::1 or ::ffff:127.0.0.1 to its tap, or
 * writes raw frames, would reach the host's loopback (slirp4netns#50, #93). Those frames end here.
 *
 * The other job: answers of a published UDP port to a peer on the host's loopback. libslirp shows that peer
 * as the gateway and then refuses the answer, because host loopback is off. A peer that spoke first is
 * remembered, and exactly the answers to it are let through.
 */
#ifndef LICHEN_HELPERS_NET_GUARD_H
#define LICHEN_HELPERS_NET_GUARD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_FLOWS          512
#define GUARD_FLOW_SECONDS   180
#define GUARD_FRAGMENT_SLOTS 8

struct guard_flow {
    struct in6_addr peer; /* 127.x.y.z as ::ffff:127.x.y.z, or ::1 */
    uint16_t peer_port, container_port;
    bool v6, used;
    uint32_t seen; /* seconds; the last datagram from the peer */
};

struct guard {
    bool ipv6;
    struct in_addr gateway, nameserver;
    struct in6_addr gateway6, nameserver6;
    uint64_t udp_ports[1024]; /* bit set of published container UDP ports */
    bool has_udp_ports;
    struct guard_flow flows[GUARD_FLOWS];
    struct {
        uint16_t id;
        bool used;
        struct in_addr peer;
    } fragments[GUARD_FRAGMENT_SLOTS]; /* later fragments of an answer carry no ports */
    unsigned next_fragment;
};

/* A published UDP port of the container. */
void guard_add_udp_port(struct guard *g, uint16_t port);

/* A frame from the container, before libslirp sees it; may be rewritten. False: drop it. @now in seconds. */
bool guard_from_container(struct guard *g, uint8_t *frame, size_t size, uint32_t now);

/* Is a frame that guard_from_container let through for the name server? */
bool guard_is_for_nameserver(const struct guard *g, const uint8_t *frame);

/* A frame of libslirp for the container. May be rewritten. */
void guard_to_container(struct guard *g, uint8_t *frame, size_t size, uint32_t now);

#endif
