#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Networks as lichen-oci gives them to containers. What lichen-net itself does with packets: net-helper.bats.

load lib/lichen

setup() {
    lichen_setup
    requires userns lichen slirp
    bundle_new
    bundle_edit '.process.capabilities |= map_values(. + ["CAP_NET_BIND_SERVICE", "CAP_NET_RAW"])'
}

# A port that nothing listens on at this moment, below the ephemeral range.
free_port() {
    local port
    for _ in {1..50}; do
        port=$((10000 + RANDOM % 20000))
        (exec 5<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
    return 1
}

# serve_host PORT: an HTTP server on the host's loopback; $SERVER its pid, stopped by teardown.
serve_host() {
    mkdir -p "$T/www"
    echo from-host >"$T/www/index.html"
    busybox httpd -f -p "127.0.0.1:$1" -h "$T/www" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
    SERVER=$!
    wait_until 10 busybox wget -q -O /dev/null "http://127.0.0.1:$1/"
}

teardown() {
    [[ -z ${SERVER-} ]] || kill "$SERVER" 2>/dev/null || :
    lichen_teardown
}

net_pids() { pgrep -u "$(id -u)" -x 'lichen-net(-dns)?' || :; }
net_gone() { [[ -z $(net_pids) ]]; }

# serves ADDRESS PORT TEXT: whoever connects there is told TEXT.
serves() { [[ $(timeout 2 bash -c 'exec 5<>"/dev/tcp/$0/$1" && head -n 1 <&5' "$1" "$2" 2>/dev/null) == "$3" ]]; }

# Not httpd and wget: their look-ups of names end busybox's static glibc with SIGSEGV where there is no libnss.
web='while :; do echo from-inside | nc -l -p 80; done'

@test "none is a network of its own with lo only, host is the caller's, a path another's" {
    bundle_script 'readlink /proc/self/ns/net; ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev'
    run_lichen -0 run --net none "$CTR"
    [[ $stdout != *"$(readlink /proc/self/ns/net)"* && $stdout == *$'\n1' ]]
    run_lichen -0 run --net host "$CTR"
    [[ $stdout == *"$(readlink /proc/self/ns/net)"* ]]
    bundle_args sleep 100
    run_lichen -0 run --detach --net none "$CTR-other"
    bundle_args readlink /proc/self/ns/net
    run_lichen ! run --net /absent "$CTR"
    [[ $stderr == */absent* ]]
    run_lichen ! run --net chaos "$CTR"
    [[ $stderr == *chaos* ]]
    run_lichen -0 delete --force "$CTR-other"
}

@test "slirp by option or annotation gives tap0, a default route and a resolv.conf" {
    bundle_script 'grep -q tap0 /proc/net/dev && cat /etc/resolv.conf && ip -4 addr show tap0'
    run_lichen -0 run --net slirp "$CTR"
    [[ $stdout == *"nameserver 10.0.2.3"* && $stdout == *10.0.2.100/24* ]]
    bundle_edit '.annotations = {"io.lichen.net": "slirp"}'
    run_lichen -0 run "$CTR"
    [[ $stdout == *10.0.2.100/24* ]]
    [[ ! -s rootfs/etc/resolv.conf ]]
}

@test "a published TCP port reaches the container and is free for the next one" {
    local port
    port=$(free_port)
    bundle_script "$web"
    for _ in 1 2; do
        run_lichen -0 run --detach --net slirp --publish "127.0.0.1:$port:80" "$CTR"
        wait_until 10 serves 127.0.0.1 "$port" from-inside
        run_lichen -0 delete --force "$CTR"
    done
    wait_until 5 net_gone
}

@test "a published IPv6 port reaches the container" {
    requires ipv6
    local port
    port=$(free_port)
    bundle_script "$web"
    run_lichen -0 run --detach --net slirp --publish "[::1]:$port:80" "$CTR"
    wait_until 10 serves ::1 "$port" from-inside
    run_lichen -0 delete --force "$CTR"
}

@test "a taken port, a low port, a port without slirp are errors that say so and leave nothing" {
    local port
    port=$(free_port)
    serve_host "$port"
    bundle_args true
    run_lichen -1 run --net slirp --publish "127.0.0.1:$port:80" "$CTR"
    [[ $stderr == *"port $port"*"in use"* ]]
    if [[ $EUID -ne 0 ]] && (($(</proc/sys/net/ipv4/ip_unprivileged_port_start) > 81)); then
        run_lichen -1 run --net slirp --publish 127.0.0.1:81:80 "$CTR"
        [[ $stderr == *"port 81"*net.ipv4.ip_unprivileged_port_start=81* ]]
    fi
    run_lichen -1 run --net none --publish "$((port + 1)):80" "$CTR"
    [[ $stderr == *publish* ]]
    run_lichen -1 state "$CTR"
    wait_until 5 net_gone
    [[ -z $(find "$LICHEN_ROOT" -mindepth 1 ! -path '*seccomp*') ]]
}

@test "the host's loopback is refused unless allow_host_loopback" {
    local port
    port=$(free_port)
    serve_host "$port"
    bundle_script "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 10.0.2.2 $port"
    run_lichen ! run --net slirp "$CTR"
    [[ $stdout != *from-host* ]]
    run_lichen -0 run --net slirp:allow_host_loopback=true "$CTR"
    [[ $stdout == *from-host* ]]
}

@test "the gateway answers ping, and every group of the container may have ping sockets" {
    requires subids
    # busybox's ping knows raw sockets only.
    bundle_script 'ping -c 1 -W 3 10.0.2.2; cat /proc/sys/net/ipv4/ping_group_range'
    run_lichen -0 run --net slirp "$CTR"
    [[ $stdout == *"1 packets received"* ]]
    local range
    read -ra range <<<"$(tail -n 1 <<<"$stdout")"
    ((range[0] == 0 && range[1] >= 33))
}

@test "lichen-net ends with the container: normal exit, SIGKILL of init, of run" {
    bundle_args true
    run_lichen -0 run --net slirp "$CTR"
    wait_until 5 net_gone
    bundle_args sleep 100
    run_lichen -0 run --detach --net slirp "$CTR"
    [[ -n $(net_pids) ]]
    run_lichen -0 kill "$CTR" KILL
    wait_until 5 net_gone
    run_lichen -0 delete --force "$CTR"
    "$LICHEN_OCI" --root "$LICHEN_ROOT" run --net slirp "$CTR" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
    local run=$!
    wait_state "$CTR" running
    kill -KILL "$run"
    wait "$run" || :
    run_lichen -0 delete --force "$CTR"
    wait_until 5 net_gone
}
