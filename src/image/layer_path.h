// SPDX-License-Identifier: Apache-2.0
/*
 * Names in a layer's tar stream: outside data, made safe to walk before anything is opened. Pure.
 * image-spec layer.md, "Representing Changes" and "Whiteouts".
 */
#ifndef LICHEN_IMAGE_LAYER_PATH_H
#define LICHEN_IMAGE_LAYER_PATH_H

#include <limits.h>

#include "base/err.h"

#define LAYER_PATH_DEPTH_MAX 256

enum layer_path_kind {
    LAYER_PATH_ROOT,     /* "." or "/": the layer's root directory */
    LAYER_PATH_PLAIN,    /* something to make */
    LAYER_PATH_WHITEOUT, /* ".wh.NAME": NAME of the layers below is gone; @leaf is NAME */
    LAYER_PATH_OPAQUE,   /* ".wh..wh..opq": nothing of the layers below shows in @parent */
};

struct layer_path {
    enum layer_path_kind kind;
    char parent[PATH_MAX]; /* relative, "" for the root; components are plain names */
    char leaf[NAME_MAX + 1];
};

/*
 * Take @name apart: a leading "/" or "./", empty and "." components are dropped. Refused (-EINVAL, naming the
 * entry): "..", nothing but a whiteout prefix, a whiteout of "." or "..", names beyond NAME_MAX or PATH_MAX,
 * more than LAYER_PATH_DEPTH_MAX components. Other ".wh..wh." names (aufs' own) are -EOPNOTSUPP: to be passed
 * over.
 */
int layer_path_parse(const char *name, struct layer_path *ret, struct err *e);

#endif
