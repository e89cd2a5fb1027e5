// SPDX-License-Identifier: Apache-2.0
/*
 * deny ERRNO CALL[,CALL...] COMMAND...: runs the command under a seccomp filter that answers the named system
 * calls with that errno (ENOSYS, EPERM or a number): an older kernel, or an outer container's profile, for
 * bats/old-kernel.bats. Needs no privilege, so it sets no_new_privs; newuidmap does not work below it.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static int parse_errno(const char *text)
{
    int n = atoi(text);

    return strcmp(text, "ENOSYS") == 0 ? ENOSYS : strcmp(text, "EPERM") == 0 ? EPERM : n;
}

static int add_all(scmp_filter_ctx ctx, char *names, int code)
{
    char *save = NULL;

    for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
        int number = seccomp_syscall_resolve_name(name), r;

        if (number == __NR_SCMP_ERROR) {
            fprintf(stderr, "deny: no system call %s\n", name);
            return -1;
        }
        r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((unsigned)code), number, 0);
        if (r < 0) {
            fprintf(stderr, "deny: %s: %s\n", name, strerror(-r));
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    scmp_filter_ctx ctx;
    int code = argc > 3 ? parse_errno(argv[1]) : 0, r;

    if (code <= 0) {
        fputs("usage: deny ERRNO CALL[,CALL...] COMMAND...\n", stderr);
        return 2;
    }
    ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!ctx || add_all(ctx, argv[2], code) < 0)
        return 125;
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    r = seccomp_load(ctx);
    seccomp_release(ctx);
    if (r < 0) {
        fprintf(stderr, "deny: %s\n", strerror(-r));
        return 125;
    }
    execvp(argv[3], argv + 3);
    perror(argv[3]);
    return 127;
}
