// SPDX-License-Identifier: Apache-2.0
/*
 * Capability sets of the container's process. Runs in init and in exec's process, inside the container's user
 * namespace, while still holding its full capabilities. Raw capset(2): libcap's own state would be one more
 * thing to trust after a clone.
 */
#include "security/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/str.h"
#include "spec/names.h"

#define BIT(n) (UINT64_C(1) << (n))

struct cap_state {
    uint64_t effective, permitted, inheritable;
};

unsigned caps_last(void)
{
    unsigned cap = CAP_BLOCK_SUSPEND; /* 36: in every kernel this runs on */

    while (cap + 1 < 64 && prctl(PR_CAPBSET_READ, cap + 1, 0, 0, 0) >= 0)
        cap++;
    return cap;
}

static int get_state(struct cap_state *state)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    state->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    state->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    state->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}

static int set_state(const struct cap_state *state)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
        { .effective = (uint32_t)state->effective,
          .permitted = (uint32_t)state->permitted,
          .inheritable = (uint32_t)state->inheritable },
        { .effective = (uint32_t)(state->effective >> 32),
          .permitted = (uint32_t)(state->permitted >> 32),
          .inheritable = (uint32_t)(state->inheritable >> 32) },
    };

    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* "CAP_KILL", or "capability 41" for one this build has no name for; never NULL. */
static const char *cap_name(unsigned cap, char *buf, size_t size)
{
    const char *name = spec_number_to_name(spec_capability_names, cap);

    if (name)
        return name;
    (void)str_format(buf, size, "capability %u", cap);
    return buf;
}

static uint64_t asked(const struct spec_capabilities *caps, enum spec_cap_set set)
{
    return caps->set ? caps->mask[set] : 0;
}

int caps_drop_bounding(const struct spec_capabilities *caps, struct err *e)
{
    uint64_t keep = asked(caps, CAP_SET_BOUNDING);
    char buf[32];

    /* Capabilities of a newer kernel, without a name here, are dropped too. PR_CAPBSET_READ fails past the
     * last. */
    for (unsigned cap = 0; cap < 64; cap++) {
        int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

        if (has < 0)
            break;
        if (!has || keep & BIT(cap))
            continue;
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
            return err_sys(e, errno, "cannot drop %s from the bounding set", cap_name(cap, buf, sizeof(buf)));
    }
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return err_sys(e, errno, "cannot keep capabilities over the change of user");
    return 0;
}

/* Those of @mask that the bounding set has: the kernel refuses others in the inheritable set. */
static uint64_t in_bounding(uint64_t mask)
{
    for (unsigned cap = 0; cap < 64; cap++) {
        if (mask & BIT(cap) && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
            mask &= ~BIT(cap);
    }
    return mask;
}

/* capabilities(7): raising needs the capability permitted and inheritable; what can't be granted is left out.
 */
static int apply_ambient(uint64_t ambient, const struct cap_state *have, struct err *e)
{
    char buf[32];

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return err_sys(e, errno, "cannot clear the ambient capabilities");
    ambient &= have->permitted & have->inheritable;
    for (unsigned cap = 0; cap < 64; cap++) {
        if (ambient & BIT(cap) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
            return err_sys(e, errno, "cannot raise %s in the ambient set", cap_name(cap, buf, sizeof(buf)));
    }
    return 0;
}

int caps_apply(const struct spec_capabilities *caps, struct err *e)
{
    struct cap_state have = { 0 }, want;
    int r;

    r = get_state(&have);
    if (r < 0)
        return err_sys(e, r, "cannot read the capabilities");
    want.permitted = asked(caps, CAP_SET_PERMITTED) & have.permitted;
    want.effective = asked(caps, CAP_SET_EFFECTIVE) & want.permitted;
    want.inheritable = in_bounding(asked(caps, CAP_SET_INHERITABLE) & (have.inheritable | have.permitted));
    r = set_state(&want);
    if (r < 0)
        return err_sys(e, r, "cannot set the capabilities");
    r = apply_ambient(asked(caps, CAP_SET_AMBIENT), &want, e);
    if (r < 0)
        return r;
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
        return err_sys(e, errno, "cannot clear PR_SET_KEEPCAPS");
    return 0;
}

uint64_t caps_bounding(void)
{
    uint64_t set = 0;

    for (unsigned cap = 0; cap < 64; cap++) {
        int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

        if (r < 0)
            break; /* beyond the kernel's last one */
        set |= r ? BIT(cap) : 0;
    }
    return set;
}

size_t caps_missing(const struct spec_capabilities *caps, uint64_t available, char *buf, size_t size)
{
    uint64_t missing = 0;
    size_t n = 0, used = 0;
    char number[32];

    if (size)
        buf[0] = '\0';
    for (unsigned set = 0; set < CAP_SET_N; set++)
        missing |= asked(caps, set) & ~available;
    for (unsigned cap = 0; cap < 64; cap++) {
        int len;

        if (!(missing & BIT(cap)))
            continue;
        len = snprintf(buf + used, size - used, "%s%s", n ? ", " : "", cap_name(cap, number, sizeof(number)));
        /* A name that does not fit is left out whole; the count still says how many there are. */
        if (len > 0 && (size_t)len < size - used)
            used += (size_t)len;
        else if (used < size)
            buf[used] = '\0';
        n++;
    }
    return n;
}
