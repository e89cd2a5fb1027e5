#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# podman and conmon with lichen-oci as their runtime, rootless. What they are told is in lib/engines.bash.

load lib/lichen
load lib/engines

setup_file() {
    requires user userns subids command=podman command=conmon
    engine_setup_file
    engine_image
}

setup() {
    lichen_setup
    engine_setup
}

teardown() { engine_teardown; }
teardown_file() { [[ -z ${ENGINE_RUN-} ]] || engine_teardown_file; }

# Neither podman nor the runtime has anything left of a container.
left_nothing() {
    run_podman -0 ps --all --quiet
    [[ -z $stdout ]] && wait_until 10 runtime_is_empty
}

@test "podman info names the runtime and its version" {
    run_podman -0 info --format '{{.Host.OCIRuntime.Name}} {{.Host.OCIRuntime.Path}} {{.Host.OCIRuntime.Version}}'
    [[ $stdout == "lichen-oci $LICHEN_OCI lichen-oci version "* ]]
}

@test "run passes output, input and the exit status, and --rm leaves nothing" {
    run_podman -7 run --rm box sh -c 'echo out; echo err >&2; exit 7'
    [[ $stdout == out && $stderr == err ]]
    run_podman -0 run --rm -i box cat <<<"typed"
    [[ $stdout == typed ]]
    echo handed >"$T/file"
    capture sh -c 'exec 3<"$0" && exec podman run --rm --preserve-fds=1 box sh -c "cat <&3"' "$T/file"
    [[ $stdout == handed ]]
    left_nothing
}

@test "run's exit status is 125, 126, 127 or 128 and the signal, with the cause in podman's words" {
    run_podman -127 run --rm box nosuch
    [[ $stderr == *'exec: "nosuch": executable file not found in $PATH: OCI runtime attempted to invoke a command that was not found'* ]]
    run_podman -127 run --rm box /bin/nosuch
    [[ $stderr == *"no such file or directory: OCI runtime attempted to invoke a command that was not found"* ]]
    run_podman -126 run --rm box /etc
    [[ $stderr == *"permission denied: OCI permission denied"* ]]
    run_podman -126 run --rm box /etc/passwd
    [[ $stderr == *"ermission denied: OCI permission denied"* ]]
    run_podman -137 run --rm --init box sh -c 'kill -KILL $$'
    # Refused by the runtime, not by podman: its own message arrives.
    run_podman -126 run --rm --sysctl net.ipv4.ip_forward=nonsense box true
    [[ $stderr == "Error: OCI runtime error: lichen-oci: "*"net.ipv4.ip_forward"* && $stderr != *"lichen-oci: lichen-oci:"* ]]
    left_nothing
}

@test "run -d, logs, exec, kill and wait: conmon sees what became of the container" {
    run_podman -0 run -d --name c box sh -c 'trap "echo got; exit 42" USR1; echo ready; while :; do sleep 0.05; done'
    wait_until 20 podman_logged c ready
    inspected_is c '{{.State.Status}} {{.State.Running}}' "running true"
    [[ $(inspected c '{{.State.Pid}}') -gt 1 ]]
    run_podman -0 exec c sh -c 'ls -d /proc/1'
    run_podman -9 exec c sh -c 'exit 9'
    run_podman -127 exec c nosuch
    [[ $stderr == *"OCI runtime attempted to invoke a command that was not found"* ]]
    run_podman -126 exec c /etc
    run_podman -0 exec -w /etc -u 33:33 -e A=b c sh -c 'echo "$(pwd) $(id -u):$(id -g) $A"'
    [[ $stdout == "/etc 33:33 b" ]]
    run_podman -0 exec -i c cat <<<"typed"
    [[ $stdout == typed ]]
    run_podman -0 kill --signal USR1 c
    run_podman -0 wait c
    [[ $stdout == 42 ]]
    inspected_is c '{{.State.Status}} {{.State.ExitCode}}' "exited 42"
    podman_logged c got
    run_podman -0 rm c
    left_nothing
}

podman_logged() { podman logs "$1" 2>&1 3>&- 4>&- | grep -qx "$2"; }

@test "a container is stopped, started again, restarted and removed while it runs" {
    run_podman -0 run -d --name c box sh -c 'echo started >>/count; exec sleep 1000'
    wait_until 20 podman exec c grep -q started /count
    run_podman -0 stop --time 0 c
    inspected_is c '{{.State.Status}} {{.State.ExitCode}}' "exited 137"
    run_podman ! exec c true
    run_podman -0 start c
    wait_until 20 count_is 2
    run_podman -0 restart --time 0 c
    wait_until 20 count_is 3
    run_podman ! rm c
    run_podman -0 rm --force --time 0 c
    left_nothing
}

count_is() { [[ $(podman exec c grep -c started /count 3>&- 4>&-) == "$1" ]]; }

@test "a container is stopped by its stop signal before it is killed" {
    run_podman -0 run -d --name c --stop-signal INT box sh -c 'trap "exit 5" INT; echo ready; while :; do sleep 0.05; done'
    wait_until 20 podman_logged c ready
    run_podman -0 stop --time 60 c
    inspected_is c '{{.State.ExitCode}}' 5
    run_podman -0 rm c
}

@test "run -it and exec -it give a terminal of the caller's size" {
    requires command=python3
    capture "$LICHEN_LIB/pty" run 33 97 '[{"expect": "ready"}, {"send": "stty size; exit 4\r"}, {"expect": "33 97"}]' \
        podman run --rm -it box sh -c 'test -t 0 && test -t 1 && echo ready; exec sh'
    [[ $status -eq 4 ]]
    run_podman -0 run -d --name c box sleep 1000
    capture "$LICHEN_LIB/pty" run 20 70 '[{"expect": "ready"}, {"send": "stty size; tty; exit 6\r"}, {"expect": "20 70"}]' \
        podman exec -it c sh -c 'test -t 0 && echo ready; exec sh'
    [[ $status -eq 6 ]]
    run_podman -0 rm --force --time 0 c
    left_nothing
}

@test "created, then attached to while it starts" {
    run_podman -0 create --name c box sh -c 'read a; echo "<$a>"; exit 3'
    inspected_is c '{{.State.Status}}' created
    run_podman -0 rm c
    run_podman -0 create -i --name c box sh -c 'read a; echo "<$a>"; exit 3'
    run_podman -3 start --attach --interactive c <<<"typed"
    [[ $stdout == "<typed>" ]]
    run_podman -0 rm c
    left_nothing
}

@test "identity: user, groups, keep-id, capabilities, no-new-privileges" {
    run_podman -0 run --rm --user 33:50 --group-add 5 --workdir /etc --env A=b --hostname box1 box \
        sh -c 'echo "$(id -u):$(id -G) $(pwd) $A $(hostname)"'
    [[ $stdout == "33:50 5 /etc b box1" ]]
    run_podman -0 run --rm --userns keep-id box id -u
    [[ $stdout == "$EUID" ]]
    mkdir "$T/data"
    run_podman -0 run --rm --userns keep-id -v "$T/data:/data" box sh -c 'echo mine >/data/mine'
    [[ $(stat -c %u "$T/data/mine") -eq $EUID ]]
    run_podman -0 run --rm --cap-drop all --cap-add net_raw box grep -E '^Cap(Eff|Bnd|Inh|Amb)' /proc/self/status
    [[ $stdout == *"CapEff:"*"0000000000002000"* && $stdout == *"CapBnd:"*"0000000000002000"* ]]
    [[ $stdout == *"CapInh:"*"0000000000000000"* && $stdout == *"CapAmb:"*"0000000000000000"* ]]
    run_podman -0 run --rm --security-opt no-new-privileges box grep NoNewPrivs /proc/self/status
    [[ $stdout == *1 ]]
}

@test "seccomp profiles, masked paths, privileged" {
    jq -n '{defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 95}]}' >"$T/profile.json"
    run_podman ! run --rm --security-opt seccomp="$T/profile.json" box mkdir /tmp/x
    [[ $stderr == *"not supported"* ]]
    run_podman -0 run --rm --security-opt seccomp=unconfined box grep '^Seccomp:' /proc/self/status
    [[ $stdout == *0 ]]
    run_podman -0 run --rm box grep '^Seccomp:' /proc/self/status
    [[ $stdout == *2 ]]
    run_podman -0 run --rm box grep -c ' /proc/sysrq-trigger\| /proc/bus\| /proc/timer_list' /proc/self/mountinfo
    run_podman -0 run --rm --security-opt unmask=ALL box sh -c 'grep -c " /proc/[a-z]" /proc/self/mountinfo || :'
    [[ $stdout == 0 ]]
    run_podman -0 run --rm --privileged box sh -c 'mount -t tmpfs t /mnt && grep -c " /mnt tmpfs" /proc/mounts'
    [[ $stdout == 1 ]]
}

@test "volumes, tmpfs, a read-only root, limits, sysctls, devices" {
    mkdir "$T/data" && echo here >"$T/data/file"
    run_podman -0 run --rm -v "$T/data:/ro:ro" -v "$T/data:/rw" -v named:/named --tmpfs /t:size=64k,mode=0700 --read-only box sh -c '
        cat /ro/file; touch /ro/x 2>/dev/null || echo ro; touch /rw/x && echo rw; touch /x 2>/dev/null || echo root ro
        echo kept >/named/file; stat -c %a /t; grep -c " /t tmpfs rw.*size=64k" /proc/mounts; touch /tmp/x && echo tmp rw'
    [[ $stdout == $'here\nro\nrw\nroot ro\n700\n1\ntmp rw' ]]
    run_podman -0 run --rm --volume named:/v:ro box cat /v/file
    [[ $stdout == kept ]]
    run_podman -0 volume rm named
    run_podman -0 run --rm --ulimit nofile=77:88 --sysctl net.ipv4.ip_forward=1 --shm-size 128k box sh -c '
        ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | tail -n 1'
    [[ $stdout == $'77\n88\n1\n'*" 128 "* ]]
    run_podman -0 run --rm --device /dev/null:/dev/mynull box sh -c 'echo x >/dev/mynull && test -c /dev/mynull && echo device'
    [[ $stdout == device ]]
}

@test "--init reaps and passes signals on" {
    run_podman -0 run -d --init --name c box sh -c 'trap "exit 8" TERM; echo ready; while :; do sleep 0.05; done'
    wait_until 20 podman_logged c ready
    run_podman -0 exec c cat /proc/1/comm
    [[ $stdout == podman-init || $stdout == catatonit ]]
    run_podman -0 stop --time 60 c
    inspected_is c '{{.State.ExitCode}}' 8
    run_podman -0 rm c
}

@test "health checks run in the container" {
    run_podman -0 run -d --name c --health-cmd 'test -e /healthy' --health-interval disable --health-retries 1 box sleep 1000
    run_podman -1 healthcheck run c
    run_podman -0 exec c touch /healthy
    run_podman -0 healthcheck run c
    run_podman -0 rm --force --time 0 c
}

@test "files are copied into and out of a running container" {
    run_podman -0 run -d --name c box sleep 1000
    echo content >"$T/file"
    run_podman -0 cp "$T/file" c:/tmp/file
    run_podman -0 exec c cat /tmp/file
    [[ $stdout == content ]]
    run_podman -0 cp c:/tmp/file "$T/back"
    [[ $(cat "$T/back") == content ]]
    run_podman -0 commit --quiet c box2
    run_podman -0 run --rm box2 cat /tmp/file
    [[ $stdout == content ]]
    run_podman -0 rm --force --time 0 c
}

@test "the containers of a pod share its namespaces" {
    run_podman -0 pod create --name p --infra-image box --share net,uts,ipc --hostname podhost
    run_podman -0 create --pod p --name a box sleep 1000
    run_podman -0 create --pod p --name b box sleep 1000
    run_podman -0 pod start p
    wait_until 20 inspected_is a '{{.State.Status}}' running
    wait_until 20 inspected_is b '{{.State.Status}}' running
    local first show='for name in net uts ipc mnt; do readlink /proc/self/ns/$name; done'
    run_podman -0 exec a sh -c "$show"
    first=$stdout
    run_podman -0 exec b sh -c "$show"
    [[ ${stdout%mnt:*} == "${first%mnt:*}" && $stdout != "$first" ]]
    run_podman -0 exec b hostname
    [[ $stdout == podhost ]]
    run_podman -0 pod rm --force --time 0 p
    left_nothing
}

@test "podman's hooks run at their stages with the state on their stdin" {
    cat >"$T/hook" <<HOOK
#!/bin/sh
cat >"$T/hook.\$1"
HOOK
    chmod +x "$T/hook"
    local stage
    for stage in prestart createRuntime poststop; do
        jq -n --arg path "$T/hook" --arg stage "$stage" '{version: "1.0.0", hook: {path: $path, args: ["hook", $stage]},
            when: {annotations: {"^hooked$": "yes"}}, stages: [$stage]}' >"$ENGINE_DIR/hooks/$stage.json"
    done
    run_podman -0 run --name c --annotation hooked=yes box true
    run_podman -0 inspect --format '{{.Id}}' c
    local id=$stdout
    run_podman -0 rm c
    [[ $(jq -r '[.id, .status, .annotations.hooked] | join(" ")' "$T/hook.prestart") == "$id creating yes" ]]
    [[ $(jq -r '.status' "$T/hook.createRuntime") == creating && $(jq -r .pid "$T/hook.createRuntime") -gt 1 ]]
    [[ $(jq -r '[.id, .status] | join(" ")' "$T/hook.poststop") == "$id stopped" ]]
    # One that fails fails create, and its words arrive.
    printf '#!/bin/sh\necho no such luck >&2\nexit 3\n' >"$T/hook"
    run_podman -126 run --rm --annotation hooked=yes box true
    [[ $stderr == *"no such luck"* || $stderr == *"hook"*"exit"*3* ]]
    rm "$ENGINE_DIR"/hooks/*
    left_nothing
}

@test "what cannot be had without cgroups or root is refused with a cause" {
    requires --lane user
    run_podman -0 run -d --name c box sleep 1000
    run_podman -125 update --memory 64m c
    [[ $stderr == *"has no cgroup"* ]]
    run_podman -125 pause c
    run_podman -125 container checkpoint c
    inspected_is c '{{.State.Status}}' running
    run_podman -0 rm --force --time 0 c
    left_nothing
}

@test "systemd makes podman's scope: limits, exec, top, stats, update and pause in it, and rm ends it" {
    requires --lane vm cgroup-memory cgroup-pids cgroup-cpu systemd-user
    run_podman -0 run -d --name c --memory 64m --pids-limit 50 --cpus 0.5 box sleep 1000
    run_podman -0 exec c sh -c 'cd /sys/fs/cgroup && cat memory.max pids.max cpu.max && cat /proc/self/cgroup'
    [[ $stdout == $'67108864\n50\n50000 100000\n0::/'* ]]
    local pid scope
    pid=$(inspected c '{{.State.Pid}}')
    scope=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
    [[ $scope == */user@*/libpod-*.scope* ]]
    run_podman -0 top c comm
    [[ $stdout == *sleep* ]]
    run_podman -0 stats --no-stream --format '{{.MemUsage}} {{.PIDs}}' c
    [[ $stdout == *"/ 67.11MB 1" ]]
    run_podman -0 update --memory 96m c
    [[ $(cat "/sys/fs/cgroup$scope/memory.max") -eq 100663296 ]]
    run_podman -0 pause c
    inspected_is c '{{.State.Status}}' paused
    run_podman ! exec c true
    run_podman -0 unpause c
    run_podman -0 exec c true
    run_podman -0 rm --force --time 0 c
    [[ ! -e /sys/fs/cgroup$scope ]]
    left_nothing
}

@test "a pod's containers lie in the pod's slice" {
    requires --lane vm cgroup-v2 systemd-user
    run_podman -0 pod create --name p --infra-image box
    run_podman -0 run -d --pod p --name a box sleep 1000
    [[ $(cat "/proc/$(inspected a '{{.State.Pid}}')/cgroup") == *libpod_pod_*.slice/libpod-*.scope* ]]
    run_podman -0 pod rm --force --time 0 p
    left_nothing
}
