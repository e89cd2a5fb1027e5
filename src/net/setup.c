// SPDX-License-Identifier: Apache-2.0
/*
 * The inside of the container's network: lo and tap0. Runs in the container's init (or whoever owns the
 * namespace), with CAP_NET_ADMIN over the network namespace it is in and no other privilege.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "net/net.h"
#include "net/rtnl.h"

#define LOOPBACK_INDEX 1 /* the kernel creates lo first in every network namespace */
#define TAP_NAME       "tap0"
#define IPV6_PREFIX    64

static void request_up(struct rtnl_batch *b, const char *what, int index, uint32_t mtu)
{
    struct ifinfomsg link = {
        .ifi_family = AF_UNSPEC, .ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP
    };

    rtnl_request(b, what, false, RTM_NEWLINK, 0, &link, sizeof(link));
    if (mtu > 0)
        rtnl_attr(b, IFLA_MTU, &mtu, sizeof(mtu));
}

/*
 * No link-local address: it would go through duplicate address detection (a second of waiting), and its
 * router solicitations would bring a second, automatic address.
 */
static void request_no_link_local(struct rtnl_batch *b, int index)
{
    struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = index };
    uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
    size_t spec, inet6;

    rtnl_request(b, "set the IPv6 address mode of " TAP_NAME, true, RTM_NEWLINK, 0, &link, sizeof(link));
    spec = rtnl_nest(b, IFLA_AF_SPEC);
    inet6 = rtnl_nest(b, AF_INET6);
    rtnl_attr(b, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
    rtnl_nest_end(b, inet6);
    rtnl_nest_end(b, spec);
}

static void request_ipv4(struct rtnl_batch *b, const struct net_config *c, int index)
{
    struct in_addr self = net_node_in(c, NET_NODE_CONTAINER), gateway = net_node_in(c, NET_NODE_GATEWAY);
    struct ifaddrmsg addr = { .ifa_family = AF_INET,
                              .ifa_prefixlen = (uint8_t)c->prefix,
                              .ifa_index = (uint32_t)index };
    struct rtmsg route = { .rtm_family = AF_INET,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = RTPROT_BOOT,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_UNICAST };

    rtnl_request(b, "add the IPv4 address of " TAP_NAME, false, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
                 &addr, sizeof(addr));
    rtnl_attr(b, IFA_LOCAL, &self, sizeof(self));
    rtnl_attr(b, IFA_ADDRESS, &self, sizeof(self));
    rtnl_request(b, "add the IPv4 default route", false, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route,
                 sizeof(route));
    rtnl_attr(b, RTA_GATEWAY, &gateway, sizeof(gateway));
    rtnl_attr(b, RTA_OIF, &index, sizeof(index));
}

static void request_ipv6(struct rtnl_batch *b, int index)
{
    struct in6_addr self = net_node_in6(NET_NODE_CONTAINER), gateway = net_node_in6(NET_NODE_GATEWAY);
    /* NODAD: usable at once; nobody else is on this link. */
    struct ifaddrmsg addr = { .ifa_family = AF_INET6,
                              .ifa_prefixlen = IPV6_PREFIX,
                              .ifa_flags = IFA_F_NODAD,
                              .ifa_index = (uint32_t)index };
    struct rtmsg route = { .rtm_family = AF_INET6,
                           .rtm_table = RT_TABLE_MAIN,
                           .rtm_protocol = RTPROT_BOOT,
                           .rtm_scope = RT_SCOPE_UNIVERSE,
                           .rtm_type = RTN_UNICAST };

    rtnl_request(b, "add the IPv6 address of " TAP_NAME, true, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
                 &addr, sizeof(addr));
    rtnl_attr(b, IFA_ADDRESS, &self, sizeof(self));
    rtnl_request(b, "add the IPv6 default route", true, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route,
                 sizeof(route));
    rtnl_attr(b, RTA_GATEWAY, &gateway, sizeof(gateway));
    rtnl_attr(b, RTA_OIF, &index, sizeof(index));
}

int net_setup_loopback(struct err *e)
{
    _cleanup_(rtnl_close) struct rtnl_batch b = { .fd = -1 };
    int r = rtnl_open(&b, e);

    if (r < 0)
        return r;
    request_up(&b, "bring lo up", LOOPBACK_INDEX, 0);
    return rtnl_commit(&b, e);
}

static int open_tap(int *ret, struct err *e)
{
    struct ifreq ifr = { .ifr_name = TAP_NAME, .ifr_flags = IFF_TAP | IFF_NO_PI };
    _cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        err_sys(e, errno, "open /dev/net/tun");
        return err_remedy(e, "load the tun module and let everyone open the device: modprobe tun; chmod 0666 "
                             "/dev/net/tun; or use --net none or host");
    }
    if (ioctl(fd, TUNSETIFF, &ifr) < 0)
        return err_sys(e, errno, "create the device " TAP_NAME);
    *ret = TAKE_FD(fd);
    return 0;
}

/*
 * libslirp sends router advertisements; a container that believed them would get a second address and route.
 * A kernel without IPv6 has no such file.
 */
static int ignore_advertisements(int proc_fd, struct err *e)
{
    static const char path[] = "sys/net/ipv6/conf/" TAP_NAME "/accept_ra";
    _cleanup_close_ int fd = path_open_procfs(proc_fd, path, O_WRONLY);

    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return err_sys(e, fd, "open /proc/%s", path);
    if (write(fd, "0", 1) < 0)
        return err_sys(e, errno, "write /proc/%s", path);
    return 0;
}

int net_setup_tap(const struct net_config *c, int proc_fd, int *ret_tap_fd, struct err *e)
{
    _cleanup_(rtnl_close) struct rtnl_batch b = { .fd = -1 };
    _cleanup_close_ int tap = -1;
    struct ifreq ifr = { .ifr_name = TAP_NAME };
    int r;

    r = open_tap(&tap, e);
    if (r >= 0)
        r = rtnl_open(&b, e);
    if (r < 0)
        return r;
    if (ioctl(b.fd, SIOCGIFINDEX, &ifr) < 0)
        return err_sys(e, errno, "look up the device " TAP_NAME);
    if (proc_fd >= 0 && c->ipv6) {
        r = ignore_advertisements(proc_fd, e);
        if (r < 0)
            return r;
    }
    request_up(&b, "bring lo up", LOOPBACK_INDEX, 0);
    request_no_link_local(&b, ifr.ifr_ifindex);
    request_up(&b, "bring " TAP_NAME " up", ifr.ifr_ifindex, c->mtu);
    request_ipv4(&b, c, ifr.ifr_ifindex);
    if (c->ipv6)
        request_ipv6(&b, ifr.ifr_ifindex);
    r = rtnl_commit(&b, e);
    if (r < 0)
        return r;
    *ret_tap_fd = TAKE_FD(tap);
    return 0;
}
