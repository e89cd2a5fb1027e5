# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A throw-away account for work that has to be done unprivileged when all we have is root: made, used, and removed with
# everything that ever ran under it. Sourced by bats/check/run and bootstrap, which run as root; nothing else is.
#
#     account_create && trap account_delete EXIT
#     account_run COMMAND...
#
# Sets ACCOUNT (its name), ACCOUNT_UID, ACCOUNT_DIR (a private directory that goes with it: home, tmp, run).

account_create() {
    local try range
    ACCOUNT_DIR=$(mktemp -d /tmp/lichen-check.XXXXXX) && chmod 0711 "$ACCOUNT_DIR"
    ACCOUNT=lichen$(printf '%05d' $((BASHPID % 100000)))$(printf '%04x' "$RANDOM")
    touch /etc/subuid /etc/subgid
    # Another useradd at this moment holds the lock of /etc/passwd.
    for try in 1 2 3 4 5 6 7 8 9 10; do
        useradd --no-create-home --user-group --home-dir "$ACCOUNT_DIR/home" --shell /bin/bash \
            --comment "lichen throw-away test account" "$ACCOUNT" 2>"$ACCOUNT_DIR/useradd" && break
        if [[ $try -eq 10 ]]; then
            cat "$ACCOUNT_DIR/useradd" >&2
            rm -rf "$ACCOUNT_DIR"
            ACCOUNT='' && return 1
        fi
        sleep 0.5
    done
    rm -f "$ACCOUNT_DIR/useradd"
    ACCOUNT_UID=$(id -u "$ACCOUNT")
    # Debian's useradd gives ranges by itself; where it does not, the first free 65536 of both files.
    if ! grep -q "^$ACCOUNT:" /etc/subuid || ! grep -q "^$ACCOUNT:" /etc/subgid; then
        range=$(account_free_range)
        usermod --add-subuids "$range" --add-subgids "$range" "$ACCOUNT"
    fi
    install -d -m 0700 -o "$ACCOUNT" -g "$ACCOUNT" "$ACCOUNT_DIR/home" "$ACCOUNT_DIR/tmp" "$ACCOUNT_DIR/run"
}

account_free_range() {
    cat /etc/subuid /etc/subgid | awk -F: '
        { end = $2 + $3; if (end > first) first = end }
        END { if (first < 100000) first = 100000; printf "%d-%d\n", first, first + 65535 }'
}

# account_run COMMAND...: as the account, with a clean environment, its own session (no terminal), no input. Words of
# the form NAME=VALUE in front of the command are added to the environment.
account_run() {
    local env=()
    while [[ ${1-} =~ ^[A-Za-z_][A-Za-z0-9_]*= ]]; do
        env+=("$1") && shift
    done
    env -i HOME="$ACCOUNT_DIR/home" USER="$ACCOUNT" LOGNAME="$ACCOUNT" SHELL=/bin/bash LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TMPDIR="$ACCOUNT_DIR/tmp" \
        XDG_RUNTIME_DIR="$ACCOUNT_DIR/run" "${env[@]}" \
        setsid --wait setpriv --reuid="$ACCOUNT" --regid="$ACCOUNT" --init-groups --inh-caps=-all \
        sh -c 'cd && exec "$@"' sh "$@" </dev/null
}

# account_processes -> "PID NAME" of all that runs with the account's uid or one of its subordinate uids.
account_processes() {
    local dir key value name state uid first='' count=''
    IFS=: read -r _ first count < <(grep "^$ACCOUNT:" /etc/subuid)
    for dir in /proc/[0-9]*; do
        uid='' name='' state=''
        # The process may end while it is looked at.
        {
            while read -r key value _; do
                case $key in
                    Name:) name=$value ;;
                    State:) state=$value ;;
                    Uid:) uid=$value && break ;;
                esac
            done <"$dir/status"
        } 2>/dev/null || continue
        [[ -n $uid && $state != Z ]] || continue
        if ((uid == ACCOUNT_UID || (uid >= ${first:-0} && uid < ${first:-0} + ${count:-0}))); then
            echo "${dir#/proc/} $name"
        fi
    done
}

# Ends what is left by pid, then removes account, ranges, home. Safe to call twice.
account_delete() {
    local pid _ try
    [[ -n ${ACCOUNT-} ]] || return 0
    for ((try = 0; try < 100; try++)); do
        [[ -n $(account_processes) ]] || break
        while read -r pid _; do
            kill -KILL "$pid" 2>/dev/null || :
        done < <(account_processes)
        sleep 0.05
    done
    for try in 1 2 3 4 5 6 7 8 9 10; do
        userdel "$ACCOUNT" 2>/dev/null && break
        id "$ACCOUNT" >/dev/null 2>&1 || break
        sleep 0.5
    done
    rm -rf --one-file-system "$ACCOUNT_DIR"
    ACCOUNT=''
}
