// SPDX-License-Identifier: Apache-2.0
/*
 * Moving network devices. netdev_check runs in the parent; netdev_move in a child of it that has a socket in
 * either network namespace. Privileges: CAP_NET_ADMIN over both.
 */
#include "net/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define DUMP_SIZE 32768

/* What an address keeps of its flags: how it was configured, not its state. */
#define KEPT_FLAGS (IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN)

/* Whether our user namespace owns our network namespace (ioctl_ns(2), NS_GET_USERNS). */
static bool own_network(void)
{
    _cleanup_close_ int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), owner = -1;
    struct stat a, b;

    owner = net < 0 ? -1 : ioctl(net, _IO(0xb7, 0x1));
    return owner >= 0 && fstat(owner, &a) == 0 && stat("/proc/self/ns/user", &b) == 0 &&
           a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

int netdev_check(const struct spec_net_device *devices, size_t n, struct err *e)
{
    if (n == 0)
        return 0;
    if (geteuid() != 0 || !own_network()) {
        err_set(e, EPERM,
                "linux.netDevices[\"%s\"]: an unprivileged user cannot take a device out of the host's "
                "network namespace (CAP_NET_ADMIN there is needed)",
                devices[0].name);
        return err_remedy(e, "remove the field; --net slirp gives the container a network of its own");
    }
    for (size_t i = 0; i < n; i++) {
        if (if_nametoindex(devices[i].name) == 0)
            return err_set(e, ENODEV, "linux.netDevices[\"%s\"]: there is no such network device",
                           devices[i].name);
    }
    return 0;
}

struct address {
    struct ifaddrmsg header;
    uint32_t flags;
    struct {
        unsigned char data[16];
        size_t size; /* 0: not there */
    } local, address, broadcast;
};

struct addresses {
    struct address *v;
    size_t n;
};

static void free_addresses(struct addresses *list)
{
    free(list->v);
}

static void take_attribute(const struct rtattr *a, struct address *ret)
{
    size_t size = RTA_PAYLOAD(a);

    if (a->rta_type == IFA_FLAGS && size == sizeof(ret->flags))
        memcpy(&ret->flags, RTA_DATA(a), size);
#define TAKE(type, member)                                           \
    if (a->rta_type == (type) && size <= sizeof(ret->member.data)) { \
        memcpy(ret->member.data, RTA_DATA(a), size);                 \
        ret->member.size = size;                                     \
    }
    TAKE(IFA_LOCAL, local)
    TAKE(IFA_ADDRESS, address)
    TAKE(IFA_BROADCAST, broadcast)
#undef TAKE
}

/* config-linux.md: permanent addresses (IFA_F_PERMANENT) of global scope (RT_SCOPE_UNIVERSE) move along. */
static void take_address(const struct nlmsghdr *h, int ifindex, struct addresses *list)
{
    const struct ifaddrmsg *header = NLMSG_DATA(h);
    struct address a = { .header = *header, .flags = header->ifa_flags };
    size_t left = IFA_PAYLOAD(h);

    if (header->ifa_index != (unsigned)ifindex || header->ifa_scope != RT_SCOPE_UNIVERSE)
        return;
    for (const struct rtattr *attr = IFA_RTA(header); RTA_OK(attr, left); attr = RTA_NEXT(attr, left))
        take_attribute(attr, &a);
    if (!(a.flags & IFA_F_PERMANENT))
        return;
    list->v = mem_realloc_array(list->v, list->n + 1, sizeof(*list->v));
    list->v[list->n++] = a;
}

static int list_addresses(int fd, int ifindex, struct addresses *ret, struct err *e)
{
    struct {
        struct nlmsghdr h;
        struct ifaddrmsg m;
    } request = { .h = { .nlmsg_len = sizeof(request),
                         .nlmsg_type = RTM_GETADDR,
                         .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                         .nlmsg_seq = 1 } };
    _cleanup_free_ char *answer = mem_zalloc(DUMP_SIZE);

    if (send(fd, &request, sizeof(request), 0) < 0)
        return err_sys(e, errno, "listing addresses");
    for (;;) {
        ssize_t n = recv(fd, answer, DUMP_SIZE, 0);
        size_t left = n < 0 ? 0 : (size_t)n;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(e, errno, "listing addresses");
        for (const struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            if (h->nlmsg_type == NLMSG_DONE)
                return 0;
            if (h->nlmsg_type == NLMSG_ERROR)
                return err_set(e, EIO, "listing addresses: the kernel reports an error");
            if (h->nlmsg_type == RTM_NEWADDR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
                take_address(h, ifindex, ret);
        }
    }
}

/* The device with @ifindex in the namespace of the socket? 0, or -ENODEV. */
static int find_device(struct rtnl_batch *b, int ifindex)
{
    struct ifreq request = { .ifr_ifindex = ifindex };

    return ioctl(b->fd, SIOCGIFNAME, &request) < 0 ? -errno : 0;
}

/* An index that is free on the other side, by which the device is found whatever its name becomes there. */
static int choose_index(struct rtnl_batch *to, int ifindex)
{
    while (find_device(to, ifindex) == 0)
        ifindex++;
    return ifindex;
}

static int send_device(const struct spec_net_device *device, struct rtnl_batch *from, int ifindex, int index,
                       int netns, struct err *e)
{
    const struct ifinfomsg header = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
    const char *name = device->new_name ? device->new_name : device->name;
    int r;

    rtnl_request(from, "moving it to the container's network namespace", false, RTM_SETLINK, 0, &header,
                 sizeof(header));
    rtnl_attr(from, IFLA_NET_NS_FD, &netns, sizeof(netns));
    rtnl_attr(from, IFLA_NEW_IFINDEX, &index, sizeof(index));
    rtnl_attr(from, IFLA_IFNAME, name, strlen(name) + 1);
    r = rtnl_commit(from, e);
    if (r == -EEXIST)
        return err_set(e, EEXIST, "the container's network namespace has a device \"%s\" already", name);
    return r == -EINVAL
               ? err_remedy(e, "a device that belongs to its namespace (loopback, a bridge's or tunnel's "
                               "own) cannot be moved")
               : r;
}

static void request_address(struct rtnl_batch *to, const struct address *a, int index)
{
    struct ifaddrmsg header = a->header;
    const uint32_t flags = a->flags & KEPT_FLAGS;

    header.ifa_index = (unsigned)index;
    header.ifa_flags = (unsigned char)flags;
    rtnl_request(to, "giving it back its address", false, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &header,
                 sizeof(header));
    rtnl_attr(to, IFA_FLAGS, &flags, sizeof(flags));
    if (a->local.size)
        rtnl_attr(to, IFA_LOCAL, a->local.data, a->local.size);
    if (a->address.size)
        rtnl_attr(to, IFA_ADDRESS, a->address.data, a->address.size);
    if (a->broadcast.size)
        rtnl_attr(to, IFA_BROADCAST, a->broadcast.data, a->broadcast.size);
}

static int set_up(struct rtnl_batch *to, const struct addresses *addresses, int index, struct err *e)
{
    const struct ifinfomsg up = {
        .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP
    };

    for (size_t i = 0; i < addresses->n; i++) {
        int r;

        /* One at a time: a batch has room for a few requests only. */
        request_address(to, &addresses->v[i], index);
        r = rtnl_commit(to, e);
        if (r < 0)
            return r;
    }
    rtnl_request(to, "setting it up", false, RTM_SETLINK, 0, &up, sizeof(up));
    return rtnl_commit(to, e);
}

int netdev_move(const struct spec_net_device *device, struct rtnl_batch *from, struct rtnl_batch *to,
                int to_netns, struct err *e)
{
    _cleanup_(free_addresses) struct addresses addresses = { 0 };
    struct ifreq request = { 0 };
    int index, r;

    (void)str_format(request.ifr_name, sizeof(request.ifr_name), "%s", device->name);
    if (ioctl(from->fd, SIOCGIFINDEX, &request) < 0)
        return err_sys(e, errno, "linux.netDevices[\"%s\"]", device->name);
    r = list_addresses(from->fd, request.ifr_ifindex, &addresses, e);
    index = choose_index(to, request.ifr_ifindex);
    if (r >= 0)
        r = send_device(device, from, request.ifr_ifindex, index, to_netns, e);
    if (r >= 0)
        r = set_up(to, &addresses, index, e);
    return r < 0 ? err_prefix(e, "linux.netDevices[\"%s\"]", device->name) : 0;
}
