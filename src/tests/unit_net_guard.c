// SPDX-License-Identifier: Apache-2.0
/* lichen-net's frame filter. */
#include "unit.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <stdlib.h>

#include "guard.h"

#define GATEWAY   0x0a000202U
#define CONTAINER 0x0a000264U
#define REMOTE    0xcb007107U /* 203.0.113.7 */
#define LOCALHOST 0x7f000001U

static uint8_t frame[256];

static void put16(size_t at, unsigned v)
{
    frame[at] = (uint8_t)(v >> 8);
    frame[at + 1] = (uint8_t)v;
}

static void put32(size_t at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v & 0xffff);
}

static uint32_t get32(size_t at)
{
    return (uint32_t)frame[at] << 24 | (uint32_t)frame[at + 1] << 16 | (uint32_t)frame[at + 2] << 8 |
           frame[at + 3];
}

static uint32_t sum(uint32_t s, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i += 2)
        s += (uint32_t)frame[at + i] << 8 | (i + 1 < n ? frame[at + i + 1] : 0);
    return s;
}

static uint16_t fold(uint32_t s)
{
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

#define PAYLOAD 5
#define SIZE4   (14 + 20 + 8 + PAYLOAD)
#define SIZE6   (14 + 40 + 8 + PAYLOAD)

static uint32_t udp_sum4(void)
{
    return sum(17 + 8 + PAYLOAD, 26, 8) + sum(0, 34, 8 + PAYLOAD);
}

static uint32_t udp_sum6(void)
{
    return sum(17 + 8 + PAYLOAD, 22, 32) + sum(0, 54, 8 + PAYLOAD);
}

/* Checksums computed from scratch, so that the incremental ones of the guard have something to be held to. */
static void make4(uint32_t source, uint32_t destination, unsigned source_port, unsigned destination_port)
{
    memset(frame, 0, sizeof(frame));
    put16(12, ETHERTYPE_IP);
    frame[14] = 0x45;
    put16(16, 20 + 8 + PAYLOAD);
    put16(18, 0x1234);
    frame[22] = 64;
    frame[23] = 17;
    put32(26, source);
    put32(30, destination);
    put16(24, (uint16_t)~fold(sum(0, 14, 20)));
    put16(34, source_port);
    put16(36, destination_port);
    put16(38, 8 + PAYLOAD);
    memcpy(frame + 42, "hello", PAYLOAD);
    put16(40, (uint16_t)~fold(udp_sum4()));
}

static bool valid4(void)
{
    return fold(sum(0, 14, 20)) == 0xffff && fold(udp_sum4()) == 0xffff;
}

static void make6(const char *source, const char *destination, unsigned source_port,
                  unsigned destination_port)
{
    memset(frame, 0, sizeof(frame));
    put16(12, ETHERTYPE_IPV6);
    frame[14] = 0x60;
    put16(18, 8 + PAYLOAD);
    frame[20] = 17;
    frame[21] = 64;
    (void)inet_pton(AF_INET6, source, frame + 22);
    (void)inet_pton(AF_INET6, destination, frame + 38);
    put16(54, source_port);
    put16(56, destination_port);
    put16(58, 8 + PAYLOAD);
    memcpy(frame + 62, "hello", PAYLOAD);
    put16(60, (uint16_t)~fold(udp_sum6()));
}

static bool is6(size_t at, const char *want)
{
    struct in6_addr a;

    (void)inet_pton(AF_INET6, want, &a);
    return memcmp(frame + at, &a, sizeof(a)) == 0;
}

static struct guard *new_guard(void)
{
    static struct guard g;

    memset(&g, 0, sizeof(g));
    g.ipv6 = true;
    g.gateway.s_addr = htonl(GATEWAY);
    (void)inet_pton(AF_INET6, "fd00::2", &g.gateway6);
    guard_add_udp_port(&g, 53);
    return &g;
}

static void frames_for_the_hosts_loopback_are_dropped(void)
{
    static const char *const local6[] = { "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1" };
    struct guard *g = new_guard();

    make4(CONTAINER, LOCALHOST, 1000, 80);
    CHECK(!guard_from_container(g, frame, SIZE4, 0));
    make4(CONTAINER, 0x7fffffff, 1000, 80);
    CHECK(!guard_from_container(g, frame, SIZE4, 0));
    make4(CONTAINER, 0, 1000, 80);
    CHECK(!guard_from_container(g, frame, SIZE4, 0));
    for (size_t i = 0; i < sizeof(local6) / sizeof(local6[0]); i++) {
        make6("fd00::100", local6[i], 1000, 80);
        CHECK(!guard_from_container(g, frame, SIZE6, 0));
    }
}

static void ordinary_frames_pass_unchanged(void)
{
    struct guard *g = new_guard();
    uint8_t before[sizeof(frame)];

    make4(CONTAINER, REMOTE, 1000, 80);
    memcpy(before, frame, sizeof(frame));
    CHECK(guard_from_container(g, frame, SIZE4, 0));
    CHECK(memcmp(before, frame, sizeof(frame)) == 0);
    make4(REMOTE, CONTAINER, 1000, 53);
    memcpy(before, frame, sizeof(frame));
    guard_to_container(g, frame, SIZE4, 0);
    CHECK(memcmp(before, frame, sizeof(frame)) == 0);
    make6("fd00::100", "2001:db8::1", 1000, 80);
    CHECK(guard_from_container(g, frame, SIZE6, 0));
    put16(12, ETHERTYPE_ARP);
    CHECK(guard_from_container(g, frame, 42, 0));
}

static void other_protocols_and_short_frames_are_dropped(void)
{
    struct guard *g = new_guard();

    make4(CONTAINER, REMOTE, 1, 1);
    for (size_t n = 0; n < 34; n++)
        CHECK(!guard_from_container(g, frame, n, 0));
    put16(12, 0x88f8);
    CHECK(!guard_from_container(g, frame, SIZE4, 0));
    make6("fd00::100", "2001:db8::1", 1000, 80);
    CHECK(!guard_from_container(g, frame, 53, 0));
    g->ipv6 = false;
    CHECK(!guard_from_container(g, frame, SIZE6, 0));
}

static void an_answer_reaches_the_loopback_peer_that_asked(void)
{
    struct guard *g = new_guard();

    make4(0x7f000009, CONTAINER, 4000, 53);
    guard_to_container(g, frame, SIZE4, 10);
    CHECK_INT(get32(26), GATEWAY);
    CHECK(valid4());
    make4(CONTAINER, GATEWAY, 53, 4000);
    CHECK(guard_from_container(g, frame, SIZE4, 11));
    CHECK_INT(get32(30), 0x7f000009);
    CHECK(valid4());
}

static void a_peer_that_libslirp_translated_is_answered_on_localhost(void)
{
    struct guard *g = new_guard();

    make4(GATEWAY, CONTAINER, 4000, 53);
    guard_to_container(g, frame, SIZE4, 10);
    make4(CONTAINER, GATEWAY, 53, 4000);
    CHECK(guard_from_container(g, frame, SIZE4, 11));
    CHECK_INT(get32(30), LOCALHOST);
    CHECK(valid4());
}

static void an_ipv6_answer_reaches_the_loopback_peer(void)
{
    struct guard *g = new_guard();

    make6("::1", "fd00::100", 4000, 53);
    guard_to_container(g, frame, SIZE6, 10);
    CHECK(is6(22, "fd00::2"));
    CHECK_INT(fold(udp_sum6()), 0xffff);
    make6("fd00::100", "fd00::2", 53, 4000);
    CHECK(guard_from_container(g, frame, SIZE6, 10));
    CHECK(is6(38, "::1"));
    CHECK_INT(fold(udp_sum6()), 0xffff);
}

static void nobody_else_on_loopback_can_be_reached_from_a_published_port(void)
{
    struct guard *g = new_guard();

    make4(GATEWAY, CONTAINER, 4000, 53);
    guard_to_container(g, frame, SIZE4, 10);
    make4(CONTAINER, GATEWAY, 53, 4001); /* another port of the host */
    CHECK(guard_from_container(g, frame, SIZE4, 11));
    CHECK_INT(get32(30), GATEWAY);
    make4(CONTAINER, GATEWAY, 54, 4000); /* from another port of the container */
    CHECK(guard_from_container(g, frame, SIZE4, 11));
    CHECK_INT(get32(30), GATEWAY);
    make4(CONTAINER, GATEWAY, 53, 4000); /* too late */
    CHECK(guard_from_container(g, frame, SIZE4, 11 + GUARD_FLOW_SECONDS));
    CHECK_INT(get32(30), GATEWAY);
    make4(CONTAINER, LOCALHOST, 53, 4000); /* not at the gateway's address */
    CHECK(!guard_from_container(g, frame, SIZE4, 11));
    make4(GATEWAY, CONTAINER, 5000, 54); /* not a published port: not remembered */
    guard_to_container(g, frame, SIZE4, 10);
    make4(CONTAINER, GATEWAY, 54, 5000);
    CHECK(guard_from_container(g, frame, SIZE4, 10));
    CHECK_INT(get32(30), GATEWAY);
}

static void fragments_of_an_answer_follow_the_first(void)
{
    struct guard *g = new_guard();

    make4(GATEWAY, CONTAINER, 4000, 53);
    guard_to_container(g, frame, SIZE4, 10);
    make4(CONTAINER, GATEWAY, 53, 4000);
    put16(20, 0x2000);
    CHECK(guard_from_container(g, frame, SIZE4, 10));
    CHECK_INT(get32(30), LOCALHOST);
    make4(CONTAINER, GATEWAY, 53, 4000);
    put16(20, 0x0002);
    CHECK(guard_from_container(g, frame, SIZE4, 10));
    CHECK_INT(get32(30), LOCALHOST);
    make4(CONTAINER, GATEWAY, 53, 4000);
    put16(18, 0x4321);
    put16(20, 0x0002);
    CHECK(guard_from_container(g, frame, SIZE4, 10));
    CHECK_INT(get32(30), GATEWAY);
}

UNIT_MAIN(TEST(frames_for_the_hosts_loopback_are_dropped), TEST(ordinary_frames_pass_unchanged),
          TEST(other_protocols_and_short_frames_are_dropped),
          TEST(an_answer_reaches_the_loopback_peer_that_asked),
          TEST(a_peer_that_libslirp_translated_is_answered_on_localhost),
          TEST(an_ipv6_answer_reaches_the_loopback_peer),
          TEST(nobody_else_on_loopback_can_be_reached_from_a_published_port),
          TEST(fragments_of_an_answer_follow_the_first))
