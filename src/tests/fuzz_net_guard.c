// SPDX-License-Identifier: Apache-2.0
/*
 * lichen-net's frame filter on hostile frames: a frame that passes must not name a loopback address, unless
 * it answers a peer that spoke first. The input is a list of {direction, size, frame}.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct guard g;
    bool peer_spoke = false;

    memset(&g, 0, sizeof(g));
    g.ipv6 = true;
    g.gateway.s_addr = htonl(0x0a000202);
    g.gateway6 = (struct in6_addr){ .s6_addr = { [0] = 0xfd, [15] = 2 } };
    guard_add_udp_port(&g, 53);
    while (size >= 2) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        uint8_t *frame = malloc(n ? n : 1);
        bool outward = data[0] & 1;

        memcpy(frame, data + 2, n);
        if (!outward) {
            guard_to_container(&g, frame, n, 0);
            peer_spoke = true;
        } else if (guard_from_container(&g, frame, n, 0) && !peer_spoke && n >= 34 && frame[12] == 8 &&
                   frame[13] == 0 && (frame[30] == 127 || frame[30] == 0)) {
            abort();
        }
        free(frame);
        data += 2 + n;
        size -= 2 + n;
    }
    return 0;
}
