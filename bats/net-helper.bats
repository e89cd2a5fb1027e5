#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# lichen-net by itself, without lichen-oci: net_driver plays the runtime (it makes the namespaces, calls net_setup_tap
# and net_helper_start), net_peer both ends of the connections. "The host" is a user and network namespace of the
# test's own, so that it can have any address, port 53 and a resolver, and touches nothing of the real one.

load lib/lichen
bats_require_minimum_version 1.5.0

setup() {
    lichen_setup
    requires userns tun
    command -v ip >/dev/null || skip "needs ip (iproute2)"
    DRIVER=$LICHEN_BUILD/net_driver
    export PEER=$LICHEN_BUILD/net_peer DRIVER T
    [[ -x $DRIVER && -x $PEER ]] || skip "needs net_driver and net_peer: make check builds them"
}

# host SCRIPT: runs it as root of the made-up host: 198.51.100.1, .7 and 2001:db8::1, ::7, loopback up.
host() {
    unshare --user --map-root-user --net --mount --kill-child --fork --pid --mount-proc bash -c '
        set -e
        ip link set lo up
        for a in 198.51.100.1/24 198.51.100.7/24 127.0.0.9/8; do ip addr add $a dev lo; done
        for a in 2001:db8::1/64 2001:db8::7/64; do ip addr add $a dev lo nodad; done
        serve() {
            "$PEER" serve "$@" >"$T/server" 2>&1 &
            for _ in {1..100}; do grep -q ready "$T/server" 2>/dev/null && return; sleep 0.02; done
            cat "$T/server"; return 1
        }
        # With stdout and stderr of its own: what it leaves behind must not hold the pipe of "run" open.
        inside() { "$DRIVER" "${NET[@]}" -- "$@"; }
        '"$1" 3>&- 4>&-
}

# A container that serves: its server is up when the script goes on; $container is net_driver.
container='
        contain() {
            : >"$T/container"
            "$DRIVER" "${NET[@]}" -- "$PEER" serve "$@" >"$T/container" 2>&1 &
            container=$!
            for _ in {1..200}; do grep -q ready "$T/container" && return; sleep 0.02; done
            cat "$T/container"; return 1
        }
'

@test "TCP goes out to the host's network over IPv4" {
    run -0 host 'serve tcp 198.51.100.1 7000; inside "$PEER" ask tcp 198.51.100.1 7000 hello'
    [[ $output == "198.51.100.1 hello" ]]
}

@test "TCP goes out to the host's network over IPv6" {
    run -0 host 'serve tcp 2001:db8::1 7000; inside "$PEER" ask tcp 2001:db8::1 7000 hello'
    [[ $output == "2001:db8::1 hello" ]]
}

@test "UDP goes out to the host's network" {
    run -0 host 'serve udp 198.51.100.1 7000; inside "$PEER" ask udp 198.51.100.1 7000 hello'
    [[ $output == "198.51.100.1 hello" ]]
    run -0 host 'serve udp 2001:db8::1 7000; inside "$PEER" ask udp 2001:db8::1 7000 hello'
    [[ $output == "2001:db8::1 hello" ]]
}

@test "a large transfer arrives whole in both directions, its end after the sender has exited" {
    run -0 host 'NET=(--net slirp:mtu=1500)
        "$PEER" feed 198.51.100.1 7000 20000000 >"$T/server" & sleep 0.2; inside "$PEER" receive 198.51.100.1 7000'
    echo "$output"
    [[ $output == 20000000 ]]
    run -0 host 'NET=(--net slirp --publish 7001:80)
        "$DRIVER" "${NET[@]}" -- "$PEER" feed 0.0.0.0 80 20000000 >"$T/container" 2>&1 & sleep 0.1
        for _ in {1..200}; do grep -q ready "$T/container" && break; sleep 0.02; done
        "$PEER" receive 198.51.100.1 7001'
    [[ $output == 20000000 ]]
}

@test "the host's loopback is out of reach by every address" {
    run -0 host 'serve tcp 127.0.0.1 7000; "$PEER" serve tcp ::1 7000 >/dev/null & "$PEER" serve udp 127.0.0.1 7000 >/dev/null &
        sleep 0.3
        inside bash -c "
            for a in 10.0.2.2 10.0.2.3 fd00::2 fd00::3 fd00::5; do
                timeout 2 \$PEER ask tcp \$a 7000 x 2>/dev/null && echo TCP \$a reached
            done
            for a in 10.0.2.2 10.0.2.3; do
                timeout 2 \$PEER ask udp \$a 7000 x 2>/dev/null && echo UDP \$a reached
            done
            echo done"'
    [[ $output == done ]]
}

@test "the host's loopback is out of reach of raw frames" {
    # Addresses the container's kernel would not send to its tap, but root in there can. The last two are the proof
    # that such frames get through at all.
    run -0 host 'serve udp 0.0.0.0 7000; "$PEER" serve udp :: 7001 >"$T/server6" & sleep 0.2
        inside bash -c "
            for a in 127.0.0.1 127.0.0.9 0.0.0.0 0.0.0.1 10.0.2.2 255.255.255.255; do \$PEER raw \$a 7000 bad-\$a; done
            for a in ::1 :: ::ffff:127.0.0.1 ::127.0.0.1 fd00::2 ff02::1; do \$PEER raw \$a 7001 bad-\$a; done
            sleep 0.3
            \$PEER raw 198.51.100.1 7000 good4; \$PEER raw 2001:db8::1 7001 good6; sleep 0.5"
        cat "$T/server" "$T/server6"'
    [[ $output == *good4* && $output == *good6* ]]
    [[ $output != *bad* ]]
}

@test "the host's loopback answers at the gateway's address when asked for" {
    run -0 host 'serve tcp 127.0.0.1 7000; NET=(--net slirp:allow_host_loopback=true); inside "$PEER" ask tcp 10.0.2.2 7000 hello'
    [[ $output == "127.0.0.1 hello" ]]
    run -0 host 'serve tcp ::1 7000; NET=(--net slirp:allow_host_loopback=true); inside "$PEER" ask tcp fd00::2 7000 hello'
    [[ $output == "::1 hello" ]]
}

@test "a published TCP port keeps the peer's address" {
    run -0 host "$container"'
        NET=(--publish 8080:80 --publish "[::]:8080:80"); contain tcp 0.0.0.0 80
        "$PEER" ask tcp 198.51.100.1 8080 remote 198.51.100.7; "$PEER" ask tcp 127.0.0.1 8080 local'
    [[ ${lines[0]} == "198.51.100.7 remote" ]]
    [[ ${lines[1]} == "10.0.2.2 local" ]]
    run -0 host "$container"'
        NET=(--publish "[2001:db8::1]:8080:80"); contain tcp :: 80
        "$PEER" ask tcp 2001:db8::1 8080 remote 2001:db8::7'
    [[ $output == "2001:db8::7 remote" ]]
}

@test "a published UDP port keeps the peer's address" {
    run -0 host "$container"'
        NET=(--publish 8080:80/udp); contain udp 0.0.0.0 80
        "$PEER" ask udp 198.51.100.1 8080 remote 198.51.100.7'
    [[ $output == "198.51.100.7 remote" ]]
    run -0 host "$container"'
        NET=(--publish "[2001:db8::1]:8080:80/udp"); contain udp :: 80
        "$PEER" ask udp 2001:db8::1 8080 remote 2001:db8::7'
    [[ $output == "2001:db8::7 remote" ]]
}

@test "a published UDP port answers peers on the host's loopback, mixed with others" {
    run -0 host "$container"'
        NET=(--publish 8080:80/udp); contain udp 0.0.0.0 80
        "$PEER" ask udp 127.0.0.1 8080 a; "$PEER" ask udp 198.51.100.1 8080 b 198.51.100.7
        "$PEER" ask udp 127.0.0.1 8080 c; "$PEER" ask udp 127.0.0.1 8080 d 127.0.0.9
        "$PEER" ask udp 127.0.0.1 8080 "$(head -c 20000 /dev/zero | tr "\0" x)" | wc -c'
    [[ ${lines[0]} == "10.0.2.2 a" ]]
    [[ ${lines[1]} == "198.51.100.7 b" ]]
    [[ ${lines[2]} == "10.0.2.2 c" ]]
    [[ ${lines[3]} == "10.0.2.2 d" ]]
    ((lines[4] == 20000 + ${#lines[0]}))
}

@test "a published UDP port answers peers on the host's IPv6 loopback" {
    run -0 host "$container"'
        NET=(--publish "[::1]:8080:80/udp" --publish 127.0.0.1:8080:80/udp); contain udp :: 80
        "$PEER" ask udp ::1 8080 a; "$PEER" ask udp ::1 8080 b; "$PEER" ask udp 127.0.0.1 8080 c'
    [[ $output == $'fd00::2 a\nfd00::2 b\n::ffff:10.0.2.2 c' ]]
}

@test "a large UDP answer to a loopback peer survives fragmentation" {
    run -0 host "$container"'
        NET=(--net slirp:mtu=1500 --publish 8080:80/udp); contain udp 0.0.0.0 80
        "$PEER" ask udp 127.0.0.1 8080 "$(head -c 6000 /dev/zero | tr "\0" x)" | wc -c'
    ((output == 6000 + 10))
}

@test "a hundred clients at once are all accepted without delay" {
    run -0 host "$container"'
        NET=(--publish 8080:80); contain tcp 0.0.0.0 80
        for i in {1..100}; do "$PEER" ask tcp 198.51.100.1 8080 x >>"$T/answers" & pids+=($!); done
        wait "${pids[@]}"; wc -l <"$T/answers"'
    ((output == 100))
}

@test "DNS queries reach the host's first name server, also one on loopback, and its replacement" {
    run -0 host '
        mount -t tmpfs t /mnt; echo "nameserver 127.0.0.9" >/mnt/resolv.conf; mount --bind /mnt/resolv.conf /etc/resolv.conf
        serve udp 127.0.0.9 53; "$PEER" serve udp 198.51.100.7 53 >/dev/null &
        inside bash -c "\$PEER ask udp 10.0.2.3 53 a; echo change >$T/change; sleep 2; \$PEER ask udp 10.0.2.3 53 b" &
        driver=$!
        for _ in {1..100}; do [[ -e $T/change ]] && break; sleep 0.05; done
        echo "nameserver 198.51.100.7" >/mnt/resolv.conf
        wait $driver'
    [[ ${lines[0]} == "127.0.0.1 a" ]]
    [[ ${lines[1]} == *" b" && ${lines[1]} != 127.* ]]
}

@test "DNS follows a resolver that replaces its file, as systemd-resolved does" {
    run -0 host '
        mount -t tmpfs t /etc; mount -t tmpfs t /run; mkdir -p /run/resolver; ln -s /run/resolver/stub.conf /etc/resolv.conf
        echo "nameserver 127.0.0.9" >/run/resolver/stub.conf
        serve udp 127.0.0.9 53; "$PEER" serve udp 198.51.100.1 53 >"$T/second" & sleep 0.2
        inside bash -c "\$PEER ask udp 10.0.2.3 53 a; echo change >$T/change; sleep 2; \$PEER ask udp 10.0.2.3 53 b" &
        driver=$!
        for _ in {1..100}; do [[ -e $T/change ]] && break; sleep 0.05; done
        echo "nameserver 198.51.100.1" >/run/resolver/new && mv /run/resolver/new /run/resolver/stub.conf
        wait $driver; cat "$T/second"'
    [[ $output == *" a"*" b"*"ready"*"b"* ]]
}

@test "DNS follows a plain resolv.conf that is replaced, as NetworkManager does" {
    run -0 host '
        mount -t tmpfs t /etc; echo "nameserver 127.0.0.9" >/etc/resolv.conf
        serve udp 127.0.0.9 53; "$PEER" serve udp 198.51.100.1 53 >"$T/second" & sleep 0.2
        inside bash -c "\$PEER ask udp 10.0.2.3 53 a; echo change >$T/change; sleep 2; \$PEER ask udp 10.0.2.3 53 b" &
        driver=$!
        for _ in {1..100}; do [[ -e $T/change ]] && break; sleep 0.05; done
        echo "nameserver 198.51.100.1" >/etc/new && mv /etc/new /etc/resolv.conf
        wait $driver; cat "$T/second"; sleep 0.3; pgrep lichen-net-dns || echo ended'
    [[ $output == *" a"*" b"*"ready"*"b"*"ended" ]]
}

@test "without a user namespace for its sandbox lichen-net serves and says so" {
    # One more namespace is allowed below the made-up host: the container's.
    run -0 host 'serve tcp 198.51.100.1 7000; echo 1 >/proc/sys/user/max_user_namespaces
        inside "$PEER" ask tcp 198.51.100.1 7000 hello'
    [[ $output == *"warning: lichen-net sees the host"* ]]
    [[ $output == *"198.51.100.1 hello"* ]]
}

@test "ping works inside when the host allows ping sockets" {
    busybox --list | grep -qx ping || skip "needs busybox's ping"
    run -0 host 'echo "0 0" >/proc/sys/net/ipv4/ping_group_range; inside busybox ping -c 1 -W 3 198.51.100.7'
    [[ $output == *"1 packets received"* ]]
}

@test "a port that is taken is named" {
    run -125 host 'serve tcp 127.0.0.1 8080; NET=(--publish 127.0.0.1:8080:80); inside true'
    [[ $output == *"TCP port 8080 on 127.0.0.1"*"in use"* ]]
}

@test "a low port is refused with the sysctl that would allow it" {
    requires user
    (($(</proc/sys/net/ipv4/ip_unprivileged_port_start) > 81)) || skip "this host allows low ports"
    run -125 "$DRIVER" --publish 127.0.0.1:81:80 -- true
    [[ $output == *"port 81 on 127.0.0.1"*"net.ipv4.ip_unprivileged_port_start=81"* ]]
}

@test "lichen-net ends with the container's process, however that dies" {
    # net_driver fails (124) when it does not.
    run -0 "$DRIVER" -- true
    run -137 "$DRIVER" -- sh -c 'kill -9 $$'
}

@test "lichen-net holds no descriptor it was not given" {
    exec 8<"$BATS_TEST_FILENAME" 9> >(cat >"$T/pipe")
    "$DRIVER" -- sleep 2 9>&- &
    driver=$!
    exec 9>&-
    for _ in {1..100}; do net=$(pgrep -P "$driver" lichen-net) && break; sleep 0.02; done
    sleep 0.3
    # Not dumpable, so the links cannot be read even by its user; that is half of what this test is about.
    run ! ls "/proc/$net/fd"
    grep -q "^NoNewPrivs:.1" "/proc/$net/status"
    grep -q "^Seccomp:.2" "/proc/$net/status"
    grep -q '^CapEff:.0*$' "/proc/$net/status"
    wait "$driver"
}

@test "lichen-net closes a pipe it inherits" {
    mkfifo "$T/fifo"
    "$DRIVER" -- sleep 3 3>"$T/fifo" 5>&3 9>&3 4>&- >/dev/null 2>&1 &
    driver=$!
    exec 7<"$T/fifo"
    for _ in {1..100}; do net=$(pgrep -P "$driver" lichen-net) && break; sleep 0.02; done
    # net_driver and the sleep hold it; without them only lichen-net could.
    kill -STOP "$net"
    pkill -KILL -P "$driver" sleep
    kill -KILL "$driver"
    run -0 timeout 5 cat <&7
    kill -CONT "$net"
    wait "$driver" || :
}

@test "lichen-net says what is wrong with its command line" {
    net=$LICHEN_BUILD/helpers/lichen-net
    run -0 "$net" --help
    [[ $output == *--tap-fd*--publish* ]]
    run -0 "$net" --version
    [[ $output == "lichen-net "*libslirp* ]]
    run -2 "$net"
    [[ $output == *--tap-fd* ]]
    run -2 "$net" --tap-fd 77 --pidfd 0
    [[ $output == *'"77"'* ]]
    run -2 "$net" --bogus
    [[ $output == *'"--bogus"'* ]]
}
