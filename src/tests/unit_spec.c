// SPDX-License-Identifier: Apache-2.0
/* The parser of config.json: what it accepts, what it refuses and how it says so. */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/str.h"
#include "spec/features.h"
#include "spec/fields.h"
#include "spec/names.h"
#include "spec/spec.h"
#include "spec/template.h"
#include "tests/unit.h"

static int parse(const char *text, struct spec **ret, struct err *e)
{
    *ret = NULL;
    return spec_parse(text, strlen(text), ret, e);
}

static struct spec *parse_seed(const char *name)
{
    _cleanup_free_ char *path = str_printf("%s/fuzz_spec/%s", unit_seeds(SEEDS_DIR), name);
    _cleanup_buf_ struct buf text = { 0 };
    struct spec *spec = NULL;
    struct err e = { 0 };

    CHECK_INT(fd_read_file(AT_FDCWD, path, SPEC_MAX_SIZE, &text), 0);
    if (spec_parse(text.data ? text.data : "", text.len, &spec, &e) < 0) {
        printf("# %s: %s\n", name, e.message);
        CHECK(!"the seed parses");
    }
    return spec;
}

/* A bad fragment, put where %s stands in one of the frames below, and what the message must begin with. */
struct bad {
    const char *frame, *fragment, *message;
};

#define TOP     "{\"ociVersion\":\"1.0.2\",%s}"
#define PROCESS "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],%s}}"
#define LINUX   "{\"ociVersion\":\"1.0.2\",\"linux\":{%s}}"
#define RES     "{\"ociVersion\":\"1.0.2\",\"linux\":{\"resources\":{%s}}}"
#define MOUNT   "{\"ociVersion\":\"1.0.2\",\"mounts\":[{\"destination\":\"/a\"},{%s}]}"
#define SECCOMP "{\"ociVersion\":\"1.0.2\",\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",%s}}}"

static const struct bad bad_documents[] = {
    { "%s", "", "config.json is not valid JSON" },
    { "%s", "[]", "config.json is not a JSON object" },
    { "%s", "null", "config.json is not" },
    { "%s", "{\"ociVersion\":\"1.0.0\"} x", "config.json is not valid JSON: line 1, column 24" },
    { "%s", "{\"ociVersion\":\"1.0.0\",}", "config.json is not valid JSON" },
    { "%s", "{\"ociVersion\":\"1.0.0\"", "config.json is not valid JSON" },
    { "%s", "{'ociVersion':\"1.0.0\"}", "config.json is not valid JSON" },
    { "%s", "/**/{\"ociVersion\":\"1.0.0\"}", "config.json is not valid JSON" },
    { "%s", "{\n \"ociVersion\": NaN}", "config.json is not valid JSON: line 2" },
    { "%s", "{\"ociVersion\":\"1.0\t.0\"}", "config.json is not valid JSON: line 1, column 15: control" },
    { "%s", "{\"a\":01}", "config.json is not valid JSON: line 1, column 6: number expected" },
    { "%s", "{\"a\":1.}", "config.json is not valid JSON" },
    { "%s", "{\"a\":-}", "config.json is not valid JSON" },
    { "%s", "{\"a\":-9223372036854775809}", "config.json is not valid JSON: line 1, column 6: integer out" },
    { "%s", "{\"a\":Infinity}", "config.json is not valid JSON" },
    { "%s", "{\"a\":True}", "config.json is not valid JSON" },
    { "%s", "{\"a\":\"\\x\"}", "config.json is not valid JSON" },
    { "%s", "{\"a\":\"\\\"}", "config.json is not valid JSON" },
    { "%s", "{}", "ociVersion: is required, but missing" },
    { "%s", "{\"ociVersion\":null}", "ociVersion: is required, but missing" },
    { "%s", "{\"ociVersion\":\"\"}", "ociVersion: is empty" },
    { "%s", "{\"ociVersion\":1}", "ociVersion: is an integer, not a string" },
    { "%s", "{\"ociVersion\":\"1.0\"}", "ociVersion: \"1.0\" is not a version" },
    { "%s", "{\"ociVersion\":\"1.0.0.0\"}", "ociVersion: \"1.0.0.0\" is not a version" },
    { "%s", "{\"ociVersion\":\"01.0.0\"}", "ociVersion: \"01.0.0\" is not a version" },
    { "%s", "{\"ociVersion\":\"1.0.0-\"}", "ociVersion: \"1.0.0-\" is not a version" },
    { "%s", "{\"ociVersion\":\"1.0.0-a..b\"}", "ociVersion: \"1.0.0-a..b\" is not a version" },
    { "%s", "{\"ociVersion\":\"1.0.0+a+b\"}", "ociVersion: \"1.0.0+a+b\" is not a version" },
    { "%s", "{\"ociVersion\":\"v1.0.0\"}", "ociVersion: \"v1.0.0\" is not a version" },
    { "%s", "{\"ociVersion\":\"2.0.0\"}", "ociVersion: \"2.0.0\" is not supported" },
    { "%s", "{\"ociVersion\":\"0.9.0\"}", "ociVersion: \"0.9.0\" is not supported" },
    { TOP, "\"annotations\":{\"\\u0000\":\"v\"}", "annotations[\"\"]: has an empty name" },
    { TOP, "\"annotations\":{\"a\\u0000b\":\"v\"}", "config.json: a key or value contains \\u0000" },
    { TOP, "\"annotations\":{\"\":\"v\"}", "annotations[\"\"]: has an empty name" },
    { TOP, "\"annotations\":{\"k\":1}", "annotations[\"k\"]: is an integer, not a string" },
    { TOP, "\"annotations\":[]", "annotations: is an array, not an object" },
    { TOP, "\"root\":{}", "root.path: is required, but missing" },
    { TOP, "\"root\":{\"path\":\"\"}", "root.path: is empty" },
    { TOP, "\"root\":{\"path\":\"r\\u0000x\"}", "root.path: contains a NUL character" },
    { TOP, "\"root\":{\"path\":\"r\",\"readonly\":1}", "root.readonly: is an integer, not a boolean" },
    { TOP, "\"hostname\":\"0123456789012345678901234567890123456789012345678901234567890123456\"",
      "hostname: \"0123" },
    { TOP, "\"windows\":{\"layerFolders\":[\"a\"]}",
      "windows: is part of runtime-spec 1.3.0, but not supported" },
    { TOP, "\"solaris\":{\"anet\":[{\"linkname\":\"n\"}]}", "solaris: is part of" },
    { TOP, "\"vm\":{\"kernel\":{\"path\":\"/k\"}}", "vm: is part of" },
    { TOP, "\"zos\":{\"namespaces\":[{\"type\":\"pid\"}]}", "zos: is part of" },
    { TOP, "\"hooks\":{\"prestart\":[{}]}", "hooks.prestart[0].path: is required, but missing" },
    { TOP, "\"hooks\":{\"poststop\":[{\"path\":\"bin\"}]}",
      "hooks.poststop[0].path: \"bin\" is not an absolute path" },
    { TOP, "\"hooks\":{\"poststart\":[{\"path\":\"/b\",\"timeout\":0}]}",
      "hooks.poststart[0].timeout: 0 is out of range" },
    { TOP, "\"hooks\":{\"poststart\":[{\"path\":\"/b\",\"timeout\":-3}]}",
      "hooks.poststart[0].timeout: -3 is out of range" },
    { TOP, "\"hooks\":{\"createRuntime\":[{\"path\":\"/b\",\"env\":[\"A\"]}]}",
      "hooks.createRuntime[0].env[0]: \"A\" is not of the form" },
    { MOUNT, "", "mounts[1].destination: is required, but missing" },
    { MOUNT, "\"destination\":\"\"", "mounts[1].destination: is empty" },
    { MOUNT, "\"destination\":\"/b\",\"options\":\"ro\"", "mounts[1].options: is a string, not an array" },
    { MOUNT, "\"destination\":\"/b\",\"options\":[\"ro\",null]",
      "mounts[1].options[1]: is null, not a string" },
    { MOUNT, "\"destination\":\"/b\",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1}]",
      "mounts[1].gidMappings: is missing" },
    { MOUNT, "\"destination\":\"/b\",\"gidMappings\":[{\"containerID\":0,\"hostID\":0}]",
      "mounts[1].gidMappings[0].size: is required" },
};

static const struct bad bad_process[] = {
    { TOP, "\"process\":{\"cwd\":\"/\"}", "process.args: is required, but missing" },
    { TOP, "\"process\":{\"cwd\":\"/\",\"args\":[]}", "process.args: needs at least one element" },
    { TOP, "\"process\":{\"cwd\":\"/\",\"args\":[\"\"]}", "process.args[0]: is empty" },
    { TOP, "\"process\":{\"args\":[\"a\"]}", "process.cwd: is required, but missing" },
    { TOP, "\"process\":{\"args\":[\"a\"],\"cwd\":\"tmp\"}", "process.cwd: \"tmp\" is not an absolute path" },
    { PROCESS, "\"args\":[\"a\",\"b\\u0000c\"]", "process.args[1]: contains a NUL" },
    { PROCESS, "\"env\":[\"A=b\",\"FOO\"]", "process.env[1]: \"FOO\" is not of the form NAME=VALUE" },
    { PROCESS, "\"env\":[\"=x\"]", "process.env[0]: \"=x\" is not of the form NAME=VALUE" },
    { PROCESS, "\"env\":{}", "process.env: is an object, not an array" },
    { PROCESS, "\"terminal\":\"yes\"", "process.terminal: is a string, not a boolean" },
    { PROCESS, "\"consoleSize\":{\"height\":1}", "process.consoleSize.width: is required" },
    { PROCESS, "\"consoleSize\":{\"height\":65536,\"width\":1}", "process.consoleSize.height: 65536 is out" },
    { PROCESS, "\"user\":{\"uid\":-1}", "process.user.uid: -1 is out of range (0 to 4294967294)" },
    { PROCESS, "\"user\":{\"uid\":4294967295}", "process.user.uid: 4294967295 is out of range" },
    { PROCESS, "\"user\":{\"gid\":4294967296}", "process.user.gid: 4294967296 is out of range" },
    { PROCESS, "\"user\":{\"uid\":1.0}", "process.user.uid: is a number with a fraction" },
    { PROCESS, "\"user\":{\"uid\":1e3}", "process.user.uid: is a number with a fraction" },
    { PROCESS, "\"user\":{\"uid\":\"0\"}", "process.user.uid: is a string, not an integer" },
    { PROCESS, "\"user\":{\"umask\":512}", "process.user.umask: 512 is out of range" },
    { PROCESS, "\"user\":{\"additionalGids\":[1,-2]}", "process.user.additionalGids[1]: -2 is out of range" },
    { PROCESS, "\"user\":{\"additionalGids\":[true]}", "process.user.additionalGids[0]: is a boolean" },
    { PROCESS, "\"capabilities\":{\"bounding\":[7]}", "process.capabilities.bounding[0]: is an integer" },
    { PROCESS, "\"capabilities\":[]", "process.capabilities: is an array" },
    { PROCESS, "\"rlimits\":[{\"type\":\"RLIMIT_FOO\",\"soft\":1,\"hard\":1}]",
      "process.rlimits[0].type: \"RLIMIT_FOO\" is not a known name" },
    { PROCESS,
      "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},{\"type\":\"RLIMIT_CPU\",\"soft\":1,"
      "\"hard\":1}]",
      "process.rlimits[1].type: RLIMIT_CPU is given twice" },
    { PROCESS, "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]",
      "process.rlimits[0].soft: 2 is above the hard limit 1" },
    { PROCESS, "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":-1,\"hard\":1}]",
      "process.rlimits[0].soft: -1 is out of range" },
    { PROCESS, "\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2}]", "process.rlimits[0].hard: is required" },
    { PROCESS, "\"oomScoreAdj\":1001", "process.oomScoreAdj: 1001 is out of range (-1000 to 1000)" },
    { PROCESS, "\"oomScoreAdj\":-1001", "process.oomScoreAdj: -1001 is out of range" },
    { PROCESS, "\"oomScoreAdj\":9223372036854775808", "process.oomScoreAdj: 9223372036854775808 is out" },
    { PROCESS, "\"scheduler\":{}", "process.scheduler.policy: is required" },
    { PROCESS, "\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":20}",
      "process.scheduler.nice: 20 is out" },
    { PROCESS, "\"scheduler\":{\"policy\":\"SCHED_FIFO\"}", "process.scheduler.priority: SCHED_FIFO and" },
    { PROCESS, "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"priority\":1}",
      "process.scheduler.priority: 1 is" },
    { PROCESS, "\"scheduler\":{\"policy\":\"SCHED_BATCH\",\"flags\":[\"X\"]}",
      "process.scheduler.flags[0]: \"X\" is not a known name" },
    { PROCESS, "\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"runtime\":1}", "process.scheduler.runtime: " },
    { PROCESS, "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_NONE\"}", "process.ioPriority.class: \"IOPRIO" },
    { PROCESS, "\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}",
      "process.ioPriority.priority: 8 is out of range (0 to 7)" },
    { PROCESS, "\"scheduler\":{\"policy\":\"SCHED_ISO\"}",
      "process.scheduler.policy: SCHED_ISO is implemented in no" },
    { PROCESS, "\"execCPUAffinity\":{\"initial\":\"0-\"}",
      "process.execCPUAffinity.initial: \"0-\" is not a list" },
    { PROCESS, "\"execCPUAffinity\":{\"final\":\"1-8192\"}",
      "process.execCPUAffinity.final: \"1-8192\" has a number that is not below 8192" },
};

static const struct bad bad_linux[] = {
    { LINUX, "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"pid\"}]",
      "linux.namespaces[1].type: \"pid\" is given" },
    { LINUX, "\"namespaces\":[{\"type\":\"net\"}]",
      "linux.namespaces[0].type: \"net\" is not a known namespace" },
    { LINUX, "\"namespaces\":[{}]", "linux.namespaces[0].type: is required" },
    { LINUX, "\"namespaces\":[{\"type\":\"pid\",\"path\":\"proc/1\"}]",
      "linux.namespaces[0].path: \"proc/1\" is not an absolute path" },
    { LINUX, "\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}]",
      "linux.uidMappings[0].size: 0 is out of range (1 to" },
    { LINUX, "\"uidMappings\":[{\"containerID\":4294967290,\"hostID\":0,\"size\":6}]",
      "linux.uidMappings[0].size: 6 ids from containerID 4294967290" },
    { LINUX, "\"gidMappings\":[{\"containerID\":0,\"hostID\":4294967290,\"size\":4294967295}]",
      "linux.gidMappings[0].size: 4294967295 ids from hostID" },
    { LINUX,
      "\"gidMappings\":[{\"containerID\":0,\"hostID\":5,\"size\":10},{\"containerID\":9,\"hostID\":50,"
      "\"size\":1}]",
      "linux.gidMappings[1].containerID: 9 overlaps with element 0" },
    { LINUX,
      "\"gidMappings\":[{\"containerID\":10,\"hostID\":5,\"size\":10},{\"containerID\":0,\"hostID\":14,"
      "\"size\":1}]",
      "linux.gidMappings[1].hostID: 14 overlaps with element 0" },
    { LINUX, "\"timeOffsets\":{\"realtime\":{\"secs\":1}}",
      "linux.timeOffsets[\"realtime\"]: is not a clock" },
    { LINUX, "\"timeOffsets\":{\"boottime\":{\"nanosecs\":1000000000}}",
      "linux.timeOffsets.boottime.nanosecs: 1000000000 is out of range" },
    { LINUX, "\"devices\":[{\"type\":\"c\",\"path\":\"dev/x\",\"major\":1,\"minor\":3}]",
      "linux.devices[0].path: \"dev/x\" is not an absolute path" },
    { LINUX, "\"devices\":[{\"type\":\"x\",\"path\":\"/dev/x\"}]",
      "linux.devices[0].type: \"x\" is not a known" },
    { LINUX, "\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\"}]",
      "linux.devices[0].major: major and minor" },
    { LINUX, "\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":4096,\"minor\":0}]",
      "linux.devices[0].major: 4096 is out of range" },
    { LINUX, "\"devices\":[{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1048576}]",
      "linux.devices[0].minor: 1048576 is out of range" },
    { LINUX, "\"netDevices\":{\"a/b\":{}}", "linux.netDevices[\"a/b\"]: is not the name of a" },
    { LINUX, "\"netDevices\":{\"\":{}}", "linux.netDevices[\"\"]: is not the name of a" },
    { LINUX, "\"netDevices\":{\"eth0\":{\"name\":\"0123456789abcdef\"}}",
      "linux.netDevices[\"eth0\"].name: \"0123456789abcdef\" cannot be" },
    { LINUX, "\"netDevices\":{\"eth0\":{\"name\":\"e%d%d\"}}",
      "linux.netDevices[\"eth0\"].name: \"e%d%d\" has a %" },
    { LINUX, "\"netDevices\":{\"eth0\":{\"name\":\"e%s\"}}",
      "linux.netDevices[\"eth0\"].name: \"e%s\" has a %" },
    { LINUX, "\"netDevices\":{\"eth0\":1}", "linux.netDevices[\"eth0\"]: " },
    { LINUX, "\"intelRdt\":{\"closID\":\"a/b\"}", "linux.intelRdt.closID: \"a/b\" is not the name of" },
    { LINUX, "\"intelRdt\":{\"closID\":\"..\"}", "linux.intelRdt.closID: \"..\" cannot be" },
    { LINUX, "\"intelRdt\":{\"closID\":\"mon_groups\"}", "linux.intelRdt.closID: \"mon_groups\" cannot be" },
    { LINUX, "\"intelRdt\":{\"memBwSchema\":\"L3:0=1\"}",
      "linux.intelRdt.memBwSchema: \"L3:0=1\" is not one line" },
    { LINUX, "\"intelRdt\":{\"l3CacheSchema\":\"L3:0=1\\nMB:0=1\"}", "linux.intelRdt.l3CacheSchema: " },
    { LINUX, "\"intelRdt\":{\"schemata\":[\"L3:0=1\",\"\"]}", "linux.intelRdt.schemata[1]: " },
    { LINUX, "\"intelRdt\":{\"enableCMT\":true}", "linux.intelRdt.enableCMT: is part of" },
    { LINUX, "\"memoryPolicy\":{}", "linux.memoryPolicy.mode: is required" },
    { LINUX, "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}",
      "linux.memoryPolicy.nodes: is required for MPOL_BIND" },
    { LINUX, "\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\"}",
      "linux.memoryPolicy.nodes: MPOL_LOCAL takes none" },
    { LINUX, "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0,1024\"}",
      "linux.memoryPolicy.nodes: \"0,1024\" has a number that is not below 1024" },
    { LINUX, "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\",\"}",
      "linux.memoryPolicy.nodes: \",\" is not" },
    { LINUX, "\"memoryPolicy\":{\"mode\":\"MPOL_PREFERRED\",\"flags\":[\"MPOL_F_STATIC_NODES\"]}",
      "linux.memoryPolicy.flags: are about nodes" },
    { LINUX,
      "\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\","
      "\"MPOL_F_RELATIVE_NODES\"]}",
      "linux.memoryPolicy.flags: MPOL_F_RELATIVE_NODES and" },
    { LINUX, "\"cgroupsPath\":\"/a/../../b\"", "linux.cgroupsPath: \"/a/../../b\" contains \"..\"" },
    { LINUX, "\"cgroupsPath\":\"..\"", "linux.cgroupsPath: \"..\" contains" },
    { LINUX, "\"rootfsPropagation\":\"Shared\"", "linux.rootfsPropagation: \"Shared\" is not a known name" },
    { LINUX, "\"maskedPaths\":[\"/a\",\"b\"]", "linux.maskedPaths[1]: \"b\" is not an absolute path" },
    { LINUX, "\"readonlyPaths\":[\"\"]", "linux.readonlyPaths[0]: \"\" is not an absolute path" },
    { LINUX, "\"personality\":{}", "linux.personality.domain: is required" },
    { LINUX, "\"personality\":{\"domain\":\"linux\"}", "linux.personality.domain: \"linux\" is not" },
    { LINUX, "\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}",
      "linux.personality.flags: is part of" },
    { LINUX, "\"sysctl\":{\"a\":1}", "linux.sysctl[\"a\"]: is an integer, not a string" },
    { RES, "\"memory\":{\"limit\":-2}", "linux.resources.memory.limit: -2 is out of range" },
    { RES, "\"memory\":{\"limit\":1.5}", "linux.resources.memory.limit: is a number with a fraction" },
    { RES, "\"memory\":{\"limit\":9223372036854775808}",
      "linux.resources.memory.limit: 9223372036854775808" },
    { RES, "\"memory\":{\"swappiness\":101}", "linux.resources.memory.swappiness: 101 is out of range" },
    { RES, "\"cpu\":{\"shares\":-1}", "linux.resources.cpu.shares: -1 is out of range" },
    { RES, "\"cpu\":{\"shares\":18446744073709551616}", "config.json is not valid JSON" },
    { RES, "\"cpu\":{\"cpus\":\"0-3;reboot\"}", "linux.resources.cpu.cpus: \"0-3;reboot\" is not a list" },
    { RES, "\"cpu\":{\"idle\":2}", "linux.resources.cpu.idle: 2 is out of range (0 to 1)" },
    { RES, "\"pids\":{\"limit\":\"5\"}", "linux.resources.pids.limit: is a string" },
    { RES, "\"blockIO\":{\"weight\":5}", "linux.resources.blockIO.weight: 5 is out of range (10 to 1000)" },
    { RES, "\"blockIO\":{\"weight\":1001}", "linux.resources.blockIO.weight: 1001 is out of range" },
    { RES, "\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}",
      "linux.resources.blockIO.weightDevice[0].weight: is required, or leafWeight" },
    { RES, "\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0}]}",
      "linux.resources.blockIO.throttleReadBpsDevice[0].rate: is required" },
    { RES, "\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":1}]",
      "linux.resources.hugepageLimits[0].pageSize: \"../x\" is not a page size" },
    { RES, "\"hugepageLimits\":[{\"pageSize\":\"2MB\"}]",
      "linux.resources.hugepageLimits[0].limit: is required" },
    { RES, "\"network\":{\"classID\":1}", "linux.resources.network: is part of" },
    { RES, "\"rdma\":{\"mlx5\":{}}", "linux.resources.rdma[\"mlx5\"]: needs hcaHandles or hcaObjects" },
    { RES, "\"rdma\":{\"a b\":{\"hcaHandles\":1}}", "linux.resources.rdma[\"a b\"]: is not a device name" },
    { RES, "\"unified\":{\"../cgroup.procs\":\"1\"}",
      "linux.resources.unified[\"../cgroup.procs\"]: is not" },
    { RES, "\"unified\":{\"memory\":\"1\"}", "linux.resources.unified[\"memory\"]: is not the name" },
    { RES, "\"devices\":[{\"access\":\"r\"}]", "linux.resources.devices[0].allow: is required" },
    { RES, "\"devices\":[{\"allow\":true,\"access\":\"rx\"}]",
      "linux.resources.devices[0].access: \"rx\" has" },
    { RES, "\"devices\":[{\"allow\":true,\"type\":\"z\"}]",
      "linux.resources.devices[0].type: \"z\" is none of" },
    { RES, "\"devices\":[{\"allow\":true,\"major\":-2}]",
      "linux.resources.devices[0].major: -2 is out of range" },
};

static const struct bad bad_seccomp[] = {
    { LINUX, "\"seccomp\":{}", "linux.seccomp.defaultAction: is required" },
    { LINUX, "\"seccomp\":{\"defaultAction\":\"ALLOW\"}", "linux.seccomp.defaultAction: \"ALLOW\" is not" },
    { LINUX, "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
      "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY" },
    { LINUX, "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_KILL\",\"defaultErrnoRet\":1}",
      "linux.seccomp.defaultErrnoRet: is only for SCMP_ACT_ERRNO and SCMP_ACT_TRACE" },
    { LINUX, "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}",
      "linux.seccomp.defaultErrnoRet: 4096 is not an errno" },
    { SECCOMP, "\"architectures\":[\"SCMP_ARCH_X86_64\",\"x86\"]",
      "linux.seccomp.architectures[1]: \"x86\" is not a known architecture" },
    { SECCOMP, "\"flags\":[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]", "linux.seccomp.flags[0]: \"SECCOMP" },
    { SECCOMP, "\"listenerPath\":\"agent\"",
      "linux.seccomp.listenerPath: \"agent\" is not an absolute path" },
    { SECCOMP, "\"listenerMetadata\":\"m\"", "linux.seccomp.listenerMetadata: must not be set without" },
    { SECCOMP, "\"syscalls\":[{\"action\":\"SCMP_ACT_KILL\"}]",
      "linux.seccomp.syscalls[0].names: is required" },
    { SECCOMP, "\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_KILL\"}]",
      "linux.seccomp.syscalls[0].names: needs at least one element" },
    { SECCOMP, "\"syscalls\":[{\"names\":[\"a\"]}]", "linux.seccomp.syscalls[0].action: is required" },
    { SECCOMP, "\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":1}]",
      "linux.seccomp.syscalls[0].errnoRet: is only for" },
    { SECCOMP, "\"syscalls\":[{\"names\":[\"a\",\"write\"],\"action\":\"SCMP_ACT_NOTIFY\"}]",
      "linux.seccomp.syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used for write" },
    { SECCOMP,
      "\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":6,\"value\":0,"
      "\"op\":\"SCMP_CMP_EQ\"}]}]",
      "linux.seccomp.syscalls[0].args[0].index: 6 is out of range (0 to 5)" },
    { SECCOMP,
      "\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"value\":0,"
      "\"op\":\"EQ\"}]}]",
      "linux.seccomp.syscalls[0].args[0].op: \"EQ\" is not a known name" },
    { SECCOMP,
      "\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"value\":-1,"
      "\"op\":\"SCMP_CMP_EQ\"}]}]",
      "linux.seccomp.syscalls[0].args[0].value: -1 is out of range" },
};

static void check_bad(const struct bad *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = strstr(table[i].frame, "%s");
        _cleanup_free_ char *text =
            str_printf("%.*s%s%s", (int)(at - table[i].frame), table[i].frame, table[i].fragment, at + 2);
        struct spec *spec = NULL;
        struct err e = { 0 };
        int r = parse(text, &spec, &e);

        if (r != -EINVAL || spec || e.code != EINVAL || !str_has_prefix(e.message, table[i].message)) {
            printf("# %s\n#  gives %d \"%s\"\n#  not \"%s\"\n", text, r, e.message, table[i].message);
            CHECK(!"refused with that message");
        }
        spec_free(spec);
    }
}

static void broken_documents_are_refused_by_path(void)
{
    check_bad(bad_documents, ARRAY_SIZE(bad_documents));
}

static void bad_processes_are_refused_by_path(void)
{
    check_bad(bad_process, ARRAY_SIZE(bad_process));
}

static void bad_linux_fields_are_refused_by_path(void)
{
    check_bad(bad_linux, ARRAY_SIZE(bad_linux));
}

static void bad_seccomp_is_refused_by_path(void)
{
    check_bad(bad_seccomp, ARRAY_SIZE(bad_seccomp));
}

static void harmless_oddities_are_accepted(void)
{
    static const char *const good[] = {
        "{\"ociVersion\":\"1.0.0\"}",
        "{\"ociVersion\":\"1.0.2-dev\"}",
        "{\"ociVersion\":\"1.99.0-rc.1+b-1.0\"}",
        " {\"ociVersion\":\"1.0.0\"}\n",
        "{\"ociVersion\":\"1.0.0\",\"unknown\":{\"field\":[1,2.5]}}",
        "{\"ociVersion\":\"1.0.0\",\"process\":null,\"linux\":{\"resources\":null,\"intelRdt\":null}}",
        "{\"ociVersion\":\"1.0.0\",\"vm\":{},\"linux\":{\"netDevices\":{}}}",
        "{\"ociVersion\":\"1.0.0\",\"windows\":{\"layerFolders\":null}}",
        "{\"ociVersion\":\"1.0.0\",\"annotations\":{\"k\":\"C:\\\\u0000\"}}",
        "{\"ociVersion\":\"1.0.0\",\"linux\":{\"cgroupsPath\":\"a..b/..c\",\"rootfsPropagation\":\"\"}}",
        "{\"ociVersion\":\"1.0.0\",\"process\":{\"cwd\":\"/\",\"args\":[\"a\",\"\"]}}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct spec *spec;
        struct err e = { 0 };

        if (parse(good[i], &spec, &e) < 0) {
            printf("# %s: %s\n", good[i], e.message);
            CHECK(!"accepted");
        }
        spec_free(spec);
    }
}

static void a_minimal_document_has_nothing_set(void)
{
    struct spec *spec = parse_seed("minimal.json");

    CHECK(spec && !spec->has_process && !spec->has_root && !spec->has_linux && !spec->seccomp.set);
    CHECK(spec && !spec->resources.memory.limit.set && !spec->resources.pids_limit.set);
    spec_free(spec);
}

static void nul_and_oversize_texts_are_refused(void)
{
    static const char with_nul[] = "{\"ociVersion\":\"1.0.0\"}\0";
    struct spec *spec = NULL;
    struct err e = { 0 };

    CHECK_INT(spec_parse(with_nul, sizeof(with_nul) - 1, &spec, &e), -EINVAL);
    CHECK(strstr(e.message, "unexpected character"));
    /* The size is checked before a byte is read. */
    CHECK_INT(spec_parse("{}", SPEC_MAX_SIZE + 1, &spec, &e), -EFBIG);
    CHECK(!spec);
}

static void invalid_utf8_is_refused(void)
{
    struct spec *spec;
    struct err e = { 0 };

    CHECK_INT(parse("{\"ociVersion\":\"1.0.0\",\"hostname\":\"\xff\"}", &spec, &e), -EINVAL);
    CHECK(str_has_prefix(e.message, "config.json is not valid JSON"));
    CHECK_INT(parse("{\"ociVersion\":\"1.0.0\",\"hostname\":\"\xc3\xa9\"}", &spec, &e), 0);
    CHECK_STR(spec->hostname, "\xc3\xa9");
    spec_free(spec);
}

static void deep_nesting_is_refused(void)
{
    _cleanup_buf_ struct buf b = { 0 };
    struct spec *spec = NULL;
    struct err e = { 0 };

    buf_puts(&b, "{\"ociVersion\":\"1.0.0\",\"x\":");
    for (int i = 0; i < 100000; i++)
        buf_puts(&b, "[");
    CHECK_INT(spec_parse(b.data, b.len, &spec, &e), -EINVAL);
    CHECK(strstr(e.message, "nesting too deep"));
}

/* As in Go: two parsers of one file must not disagree on what it says. */
static void the_last_of_duplicate_keys_counts(void)
{
    struct spec *spec = parse_seed("duplicate-key.json");

    CHECK(spec && str_eq(spec->oci_version, "1.0.0") && str_eq(spec->process.cwd, "/b"));
    spec_free(spec);
}

static void integers_keep_their_whole_range(void)
{
    struct spec *spec;
    struct err e = { 0 };

    CHECK_INT(
        parse("{\"ociVersion\":\"1.0.0\",\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"rlimits\":[{\"type\":"
              "\"RLIMIT_CORE\",\"soft\":9223372036854775808,\"hard\":18446744073709551615}]},\"linux\":{"
              "\"resources\":{\"cpu\":{\"quota\":-9223372036854775808}}}}",
              &spec, &e),
        0);
    CHECK(spec->process.rlimits[0].hard == RLIM_INFINITY);
    CHECK(spec->process.rlimits[0].soft == UINT64_C(9223372036854775808));
    CHECK(spec->resources.cpu.quota.set && spec->resources.cpu.quota.value == INT64_MIN);
    spec_free(spec);
}

static void every_field_reaches_its_member(void)
{
    struct spec *s = parse_seed("everything.json");
    const struct spec_process *p;

    if (!s)
        return;
    p = &s->process;
    CHECK(s->has_root && s->has_process && s->has_linux && s->root.readonly);
    CHECK_STR(s->domainname, "example.org");
    CHECK(p->terminal && p->console_height == 24 && p->console_width == 80 && p->no_new_privileges);
    CHECK(p->user.uid == 33 && p->user.gid == 33 && p->user.has_umask && p->user.umask == 077);
    CHECK(p->user.n_additional_gids == 2 && p->user.additional_gids[1] == 44);
    CHECK(p->capabilities.set && p->capabilities.mask[CAP_SET_AMBIENT] == 1U << 5);
    CHECK(p->capabilities.unknown.n == 1 && str_eq(p->capabilities.unknown.v[0], "CAP_FUTURE"));
    CHECK(p->n_rlimits == 1 && p->rlimits[0].resource == RLIMIT_CORE && p->rlimits[0].hard == RLIM_INFINITY);
    CHECK_STR(p->rlimits[0].name, "RLIMIT_CORE");
    CHECK(p->oom_score_adj.set && p->oom_score_adj.value == -1);
    CHECK(p->scheduler.set && p->scheduler.policy == SCHED_BATCH && p->scheduler.nice == 5);
    CHECK(p->scheduler.flags == SCHED_FLAG_RESET_ON_FORK);
    CHECK(p->io_priority.set && p->io_priority.class == IOPRIO_CLASS_BE && p->io_priority.priority == 7);
    CHECK_STR(s->mounts[0].destination, "/data");
    CHECK(s->mounts[0].n_uid_mappings == 1 && s->mounts[0].gid_mappings[0].host_id == 1000);
    for (unsigned i = 0; i < HOOK_KIND_N; i++)
        CHECK(s->hooks.n[i] == 1 && str_eq(s->hooks.v[i][0].args.v[0], spec_hook_names[i]) &&
              s->hooks.v[i][0].timeout == 3);
    for (unsigned i = 0; i < NS_N; i++)
        CHECK(s->namespaces[i].present && !s->namespaces[i].path == (i != NS_TIME));
    CHECK(s->n_gid_mappings == 1 && s->gid_mappings[0].host_id == 4294967294U);
    CHECK(s->time_offset_monotonic.set && s->time_offset_monotonic.secs == -5);
    CHECK(s->time_offset_boottime.set && s->time_offset_boottime.secs == 86400);
    CHECK(s->n_devices == 4 && s->devices[0].has_mode && s->devices[0].mode == 0666 &&
          s->devices[3].type == 'c');
    CHECK(s->personality.set && s->personality.domain == 8);
    CHECK_STR(s->rootfs_propagation, "rslave");
    CHECK_STR(spec_annotation(s, "io.lichen.net"), "slirp");
    CHECK(!spec_annotation(s, "io.lichen"));
    spec_free(s);
}

static void every_resource_reaches_its_member(void)
{
    struct spec *s = parse_seed("everything.json");
    const struct spec_resources *r;

    if (!s)
        return;
    r = &s->resources;
    CHECK(r->memory.limit.value == 536870912 && r->memory.swap.value == -1 && r->memory.swappiness.set);
    CHECK(r->memory.use_hierarchy.value && r->memory.disable_oom_killer.set &&
          !r->memory.disable_oom_killer.value);
    CHECK(r->cpu.shares.value == 1024 && r->cpu.quota.value == -1 && r->cpu.idle.value == 1 &&
          r->cpu.burst.set);
    CHECK_STR(r->cpu.cpus, "0-3,7");
    CHECK(r->pids_limit.set && r->pids_limit.value == -1);
    CHECK(r->block_io.weight.value == 10 && r->block_io.n_weights == 1 &&
          r->block_io.weights[0].weight.value == 500);
    for (unsigned i = 0; i < THROTTLE_N; i++)
        CHECK(r->block_io.n_throttles[i] == 1 && r->block_io.throttles[i][0].rate == 600 + i);
    CHECK(r->n_hugepages == 1 && r->hugepages[0].limit == UINT64_C(9223372036854771712));
    CHECK(r->n_rdma == 1 && r->rdma[0].objects.value == 10000 && str_eq(r->rdma[0].device, "mlx5_1"));
    CHECK(r->n_unified == 1 && str_eq(r->unified[0].key, "memory.high"));
    CHECK(r->n_device_rules == 1 && r->device_rules[0].major.value == 1 && !r->device_rules[0].minor.set);
    spec_free(s);
}

static void seccomp_actions_carry_their_errno(void)
{
    struct spec *s = parse_seed("everything.json"), *podman = parse_seed("podman.json");

    if (!s || !podman)
        return;
    CHECK(s->seccomp.set && s->seccomp.default_action == SECCOMP_RET_ALLOW && s->seccomp.n_rules == 4);
    CHECK(s->seccomp.flags == (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
    CHECK(s->seccomp.rules[0].action == SECCOMP_RET_USER_NOTIF);
    CHECK(s->seccomp.rules[1].action == (SECCOMP_RET_TRACE | 7));
    CHECK(s->seccomp.rules[2].action == (SECCOMP_RET_ERRNO | EPERM)); /* the spec's default */
    CHECK(s->seccomp.rules[3].args[0].op == 7 && s->seccomp.rules[3].args[0].value_two == 0x5412);
    CHECK(podman->seccomp.default_action == (SECCOMP_RET_ERRNO | EPERM) && podman->seccomp.flags == 0);
    spec_free(s);
    spec_free(podman);
}

static void stock_configurations_of_runc_and_podman_parse(void)
{
    static const char *const seeds[] = { "template.json", "template-rootless.json", "podman.json" };

    for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
        struct spec *spec = parse_seed(seeds[i]);

        CHECK(spec && spec->has_process && spec->namespaces[NS_MOUNT].present && spec->masked_paths.n > 5);
        spec_free(spec);
    }
}

static void a_process_alone_is_checked_alike(void)
{
    static const char good[] = "{\"args\":[\"id\"],\"cwd\":\"/\",\"user\":{\"uid\":5}}";
    static const char bad[] = "{\"args\":[\"id\"],\"cwd\":\"x\"}";
    struct arena arena = { 0 };
    struct spec_process process = { 0 };
    struct err e = { 0 };

    CHECK_INT(spec_parse_process(good, strlen(good), &arena, &process, &e), 0);
    CHECK(process.user.uid == 5 && !process.capabilities.set);
    CHECK_INT(spec_parse_process(bad, strlen(bad), &arena, &process, &e), -EINVAL);
    CHECK_STR(e.message, "process.cwd: \"x\" is not an absolute path");
    CHECK(process.user.uid == 5); /* untouched on failure */
    arena_free(&arena);
}

static void resources_alone_are_checked_alike(void)
{
    static const char good[] = "{\"memory\":{\"limit\":1048576}}", bad[] = "{\"memory\":{\"limit\":-5}}";
    struct arena arena = { 0 };
    struct spec_resources resources = { 0 };
    struct err e = { 0 };

    CHECK_INT(spec_parse_resources(good, strlen(good), &arena, &resources, &e), 0);
    CHECK(resources.memory.limit.value == 1048576);
    CHECK_INT(spec_parse_resources(bad, strlen(bad), &arena, &resources, &e), -EINVAL);
    CHECK(str_has_prefix(e.message, "linux.resources.memory.limit: -5 is out of range"));
    arena_free(&arena);
}

static void names_and_numbers_translate_both_ways(void)
{
    int64_t n = 0;

    CHECK(spec_name_to_number(spec_capability_names, "CAP_SYS_ADMIN", &n) == 0 && n == 21);
    CHECK_INT(spec_name_to_number(spec_capability_names, "cap_sys_admin", &n), -ENOENT);
    CHECK_INT(spec_name_to_number(spec_capability_names, "SYS_ADMIN", &n), -ENOENT);
    CHECK_STR(spec_number_to_name(spec_rlimit_names, RLIMIT_NOFILE), "RLIMIT_NOFILE");
    CHECK(!spec_number_to_name(spec_rlimit_names, 999));
}

static void templates_parse_and_hold_the_mappings(void)
{
    static const struct spec_id_mapping ids[] = { { 0, 1000, 1 }, { 1, 100000, 65536 } };
    _cleanup_free_ char *rootless = spec_template(true, ids, 2, ids, 1);
    _cleanup_free_ char *rootful = spec_template(false, NULL, 0, NULL, 0);
    struct spec *s;
    struct err e = { 0 };

    CHECK_INT(parse(rootless, &s, &e), 0);
    CHECK(s && s->n_uid_mappings == 2 && s->uid_mappings[1].size == 65536 && s->n_gid_mappings == 1);
    CHECK(s && s->namespaces[NS_USER].present && !s->namespaces[NS_NETWORK].present);
    CHECK(s && s->mounts[5].options.n == 5 && str_eq(s->mounts[5].options.v[0], "rbind"));
    spec_free(s);
    CHECK_INT(parse(rootful, &s, &e), 0);
    CHECK(s && !s->namespaces[NS_USER].present && s->namespaces[NS_NETWORK].present && s->n_mounts == 7);
    CHECK(s && s->process.terminal &&
          s->process.capabilities.mask[CAP_SET_BOUNDING] == (1U << 5 | 1U << 29 | 1U << 10));
    CHECK(s && s->process.capabilities.mask[CAP_SET_INHERITABLE] == 0 && s->masked_paths.n == 10);
    spec_free(s);
}

static void features_come_from_the_tables(void)
{
    static const char *const options[] = { "bind", "ro", NULL };
    _cleanup_free_ char *text = spec_features(&(struct spec_features){ "9.8.7", "2.5.4", options });

    CHECK(strstr(text, "\"ociVersionMax\": \"1.3.0\""));
    CHECK(strstr(text, "\"SCMP_ARCH_RISCV64\"") && strstr(text, "\"CAP_CHECKPOINT_RESTORE\""));
    CHECK(strstr(text, "\"io.lichen.version\": \"9.8.7\"") && strstr(text, "\"bind\""));
    CHECK(strstr(text, "\"createContainer\"") && strstr(text, "\"time\""));
    CHECK(strstr(text, "\"netDevices\": {\n      \"enabled\": true"));
    CHECK(strstr(text, "\"idmap\": {\n        \"enabled\": true"));
}

struct visited {
    size_t n;
    bool rlimit_type, intel, kernel_memory, no_section;
};

static void note_field(const struct spec_field_info *info, void *data)
{
    struct visited *v = data;

    v->n++;
    v->no_section |= !info->section;
    if (str_eq(info->path, "process.rlimits[].type"))
        v->rlimit_type = info->status == SPEC_SUPPORTED && str_eq(info->type, "string");
    if (str_eq(info->path, "linux.intelRdt.enableCMT"))
        v->intel = info->status == SPEC_REFUSED;
    if (str_eq(info->path, "linux.resources.memory.kernel"))
        v->kernel_memory = info->status == SPEC_IGNORED;
}

static void the_fields_can_be_listed_with_their_status(void)
{
    struct visited v = { 0 };

    spec_fields_visit(note_field, &v);
    CHECK(v.n > 150 && v.rlimit_type && v.intel && v.kernel_memory && !v.no_section);
}

static void changed_resources_keep_what_is_not_named(void)
{
    static const char config[] =
        "{\"linux\": {\"resources\": {\"cpu\": {\"quota\": 5, \"period\": 9}, \"hugepageLimits\": "
        "[{\"pageSize\": \"2MB\", \"limit\": 1}]}}}";
    char *base = spec_resources_of(config, strlen(config)), *merged;

    CHECK_STR(base,
              "{\"cpu\":{\"quota\":5,\"period\":9},\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":1}]}");
    merged = spec_resources_merge(
        base,
        "{\"cpu\": {\"quota\": 7, \"period\": null}, \"pids\": {\"limit\": 3}, \"hugepageLimits\": []}");
    CHECK_STR(merged, "{\"cpu\":{\"quota\":7,\"period\":9},\"hugepageLimits\":[],\"pids\":{\"limit\":3}}");
    free(base);
    free(merged);
    base = spec_resources_of("{\"linux\": null}", 15);
    CHECK_STR(base, "{}");
    free(base);
}

UNIT_MAIN(TEST(changed_resources_keep_what_is_not_named), TEST(broken_documents_are_refused_by_path),
          TEST(bad_processes_are_refused_by_path), TEST(bad_linux_fields_are_refused_by_path),
          TEST(bad_seccomp_is_refused_by_path), TEST(harmless_oddities_are_accepted),
          TEST(a_minimal_document_has_nothing_set), TEST(nul_and_oversize_texts_are_refused),
          TEST(invalid_utf8_is_refused), TEST(deep_nesting_is_refused),
          TEST(the_last_of_duplicate_keys_counts), TEST(integers_keep_their_whole_range),
          TEST(every_field_reaches_its_member), TEST(every_resource_reaches_its_member),
          TEST(seccomp_actions_carry_their_errno), TEST(stock_configurations_of_runc_and_podman_parse),
          TEST(a_process_alone_is_checked_alike), TEST(resources_alone_are_checked_alike),
          TEST(names_and_numbers_translate_both_ways), TEST(templates_parse_and_hold_the_mappings),
          TEST(features_come_from_the_tables), TEST(the_fields_can_be_listed_with_their_status))
