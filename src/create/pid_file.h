// SPDX-License-Identifier: Apache-2.0
/* --pid-file */
#ifndef LICHEN_CREATE_PID_FILE_H
#define LICHEN_CREATE_PID_FILE_H

#include <sys/types.h>

#include "base/err.h"

/* Write @pid to @path, whole or not at all: conmon and containerd-shim read it as soon as it is there. NULL
 * does nothing. */
int pid_file_write(const char *path, pid_t pid, struct err *e);

#endif
