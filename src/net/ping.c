// SPDX-License-Identifier: Apache-2.0
/*
 * ICMP echo without privilege inside the container: the sysctl net.ipv4.ping_group_range. Runs in the
 * container's init, root of the user namespace that owns the network namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "net/net.h"

#define GID_MAP_MAX    (64U << 10)
#define GROUP_ID_MAX   0x7fffffffU /* the sysctl's own bound */
#define EXTENT_NUMBERS 3

struct extent {
    uint32_t inside, outside, last; /* last: the highest gid inside */
};

/* Parse one line "inside outside length". 1, 0 at the end of the text, -EINVAL. */
static int next_extent(const char **at, struct extent *ret)
{
    unsigned long long n[EXTENT_NUMBERS];
    char *end;

    while (**at == '\n')
        (*at)++;
    if (**at == '\0')
        return 0;
    for (size_t i = 0; i < EXTENT_NUMBERS; i++) {
        const char *start = *at + strspn(*at, " ");

        if (*start < '0' || *start > '9')
            return -EINVAL;
        errno = 0;
        n[i] = strtoull(start, &end, 10);
        if (errno != 0 || n[i] > UINT32_MAX)
            return -EINVAL;
        *at = end;
    }
    if (**at != '\n' && **at != '\0')
        return -EINVAL;
    if (n[2] == 0 || n[0] + n[2] - 1 > UINT32_MAX || n[1] + n[2] - 1 > UINT32_MAX)
        return -EINVAL;
    *ret = (struct extent){ .inside = (uint32_t)n[0],
                            .outside = (uint32_t)n[1],
                            .last = (uint32_t)(n[0] + n[2] - 1) };
    return 1;
}

int net_ping_range(const char *gid_map, uint32_t *ret_low, uint32_t *ret_high)
{
    struct extent x, low = { 0 }, high = { 0 }, largest = { 0 };
    uint32_t high_outside;
    int n = 0, r;

    while ((r = next_extent(&gid_map, &x)) > 0) {
        if (x.inside > GROUP_ID_MAX)
            continue;
        if (x.last > GROUP_ID_MAX)
            x.last = GROUP_ID_MAX;
        n++;
        if (n == 1 || x.inside < low.inside)
            low = x;
        if (n == 1 || x.last > high.last)
            high = x;
        if (n == 1 || x.last - x.inside > largest.last - largest.inside)
            largest = x;
    }
    if (r < 0 || n == 0)
        return -EINVAL;
    high_outside = high.outside + (high.last - high.inside);
    /* ping_group_range compares ids of the initial namespace; a range that falls there is taken as "nobody".
     */
    if (high_outside >= low.outside) {
        *ret_low = low.inside;
        *ret_high = high.last;
    } else {
        *ret_low = largest.inside;
        *ret_high = largest.last;
    }
    return 0;
}

int net_allow_ping(int proc_fd, struct err *e)
{
    static const char path[] = "sys/net/ipv4/ping_group_range";
    _cleanup_buf_ struct buf map = { 0 };
    _cleanup_close_ int map_fd = -1;
    _cleanup_close_ int fd = -1;
    uint32_t low, high;
    char text[32];
    int r;

    map_fd = path_open_procfs(proc_fd, "self/gid_map", O_RDONLY);
    r = map_fd < 0 ? map_fd : fd_read_all(map_fd, GID_MAP_MAX, &map);
    if (r < 0)
        return err_sys(e, r, "read /proc/self/gid_map");
    r = net_ping_range(map.data, &low, &high);
    if (r < 0)
        return err_set(e, r, "/proc/self/gid_map is empty or not a map");
    fd = path_open_procfs(proc_fd, path, O_WRONLY);
    if (fd < 0)
        return err_sys(e, fd, "open /proc/%s", path);
    (void)str_format(text, sizeof(text), "%u %u", low, high);
    if (write(fd, text, strlen(text)) < 0)
        return err_sys(e, errno, "write \"%s\" to /proc/%s", text, path);
    return 0;
}
