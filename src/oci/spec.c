// SPDX-License-Identifier: Apache-2.0
/* lichen-oci spec and features */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "config.h"
#include "create/host.h"
#include "oci/cli.h"
#include "rootfs/mntopts.h"
#include "spec/features.h"
#include "spec/template.h"

static size_t to_spec(const struct idmap *map, struct spec_id_mapping *out)
{
    for (size_t i = 0; i < map->n; i++)
        out[i] = (struct spec_id_mapping){ map->v[i].container, map->v[i].host, map->v[i].size };
    return map->n;
}

/* The caller's own default map, written out, so that the bundle says what it will get. */
static int rootless_text(char **ret, struct err *e)
{
    static struct spec_id_mapping uids[IDMAP_MAX], gids[IDMAP_MAX];
    static struct idmap uid_map, gid_map;
    struct host host;
    int r;

    r = host_probe(&host, e);
    if (r >= 0)
        r = host_load_ranges(&host, e);
    if (r >= 0)
        r = idmap_build(IDS_DEFAULT, host.uid, &host.subuids, "/etc/subuid", &uid_map, e);
    if (r >= 0)
        r = idmap_build(IDS_DEFAULT, host.gid, &host.subgids, "/etc/subgid", &gid_map, e);
    if (r < 0)
        return r;
    *ret = spec_template(true, uids, to_spec(&uid_map, uids), gids, to_spec(&gid_map, gids));
    return 0;
}

int verb_spec(struct cli *cli, struct err *e)
{
    _cleanup_free_ char *path = str_printf("%s/config.json", cli->bundle ? cli->bundle : "."), *text = NULL;
    _cleanup_close_ int fd = -1;
    int r;

    if (cli->rootless_spec) {
        r = rootless_text(&text, e);
        if (r < 0)
            return r;
    } else {
        text = spec_template(false, NULL, 0, NULL, 0);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0 && errno == EEXIST)
        return err_remedy((err_set(e, EEXIST, "%s exists already", path), e), "remove it first");
    if (fd < 0)
        return err_sys(e, errno, "%s", path);
    r = fd_write_all(fd, text, strlen(text));
    if (r < 0) {
        (void)unlink(path);
        return err_sys(e, r, "%s", path);
    }
    return 0;
}

int verb_features(struct cli *cli, struct err *e)
{
    const struct scmp_version *v = seccomp_version();
    char version[32];
    const struct spec_features features = { .version = PACKAGE_VERSION,
                                            .libseccomp_version = version,
                                            .mount_options = mntopts_names() };
    _cleanup_free_ char *text = NULL;

    (void)cli;
    (void)e;
    (void)str_format(version, sizeof(version), "%u.%u.%u", v->major, v->minor, v->micro);
    text = spec_features(&features);
    fputs(text, stdout);
    return 0;
}
