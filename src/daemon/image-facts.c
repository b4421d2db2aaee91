/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/image-facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/util.h"
#include "storage/qcow2.h"

struct ImageFacts {
        GHashTable *by_path; /* path → ImageFact */
        int out;             /* -1: what is not there is not known */
};

static void fact_free(void *data) {
        ImageFact *fact = data;

        g_clear_pointer(&fact->head, g_bytes_unref);
        g_free(fact);
}

ImageFacts *image_facts_new(int out) {
        ImageFacts *facts = g_new(ImageFacts, 1);

        *facts = (ImageFacts){g_hash_table_new_full(g_str_hash, g_str_equal, g_free, fact_free),
                              out};
        return facts;
}

void image_facts_free(ImageFacts *facts) {
        if (!facts)
                return;
        g_hash_table_unref(facts->by_path);
        g_free(facts);
}

/* ---- the child ---- */

static int read_head(const char *path, GBytes **ret) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        g_autofree uint8_t *bytes = g_malloc(QCOW2_HEAD_MAX);
        ssize_t n = fd < 0 ? -1 : pread(fd, bytes, QCOW2_HEAD_MAX, 0);

        if (n < 0)
                return errno;
        while (n > 0 && bytes[n - 1] == 0)
                n--;
        *ret = g_bytes_new(bytes, (gsize)n);
        return 0;
}

static ImageFact *look(const char *path) {
        ImageFact *fact = g_new0(ImageFact, 1);
        struct stat status;

        if (stat(path, &status) < 0) {
                fact->errnum = errno;
                return fact;
        }
        fact->is_block = S_ISBLK(status.st_mode);
        fact->head_errnum = read_head(path, &fact->head);
        return fact;
}

static void tell(int out, json_t *line) {
        g_autofree char *text = json_dumps(line, JSON_COMPACT);

        /* Who does not hear it knows nothing of the image, and says so. */
        if (!text || dprintf(out, "%s\n", text) < 0)
                _exit(EIO);
        json_decref(line);
}

static json_t *describe(const char *path, const ImageFact *fact) {
        gsize size = 0;
        const uint8_t *bytes = fact->head ? g_bytes_get_data(fact->head, &size) : NULL;
        g_autofree char *head =
                fact->head ? g_base64_encode(bytes ? bytes : (const guchar *)"", size) : NULL;

        return json_pack("{s:s, s:i, s:b, s:i, s:s?}", "path", path, "errno", fact->errnum, "block",
                         fact->is_block, "head-errno", fact->head_errnum, "head", head);
}

static const ImageFact *find_out(ImageFacts *facts, const char *path) {
        ImageFact *fact;

        if (!g_utf8_validate(path, -1, NULL)) /* has no JSON */
                return NULL;
        tell(facts->out, json_pack("{s:s}", "path", path));
        fact = look(path);
        tell(facts->out, describe(path, fact));
        g_hash_table_insert(facts->by_path, g_strdup(path), fact);
        return fact;
}

/* ---- the daemon ---- */

static GBytes *decode_head(const char *text) {
        gsize size;
        guchar *bytes;

        if (!text)
                return NULL;
        bytes = g_base64_decode(text, &size);
        return g_bytes_new_take(bytes, MIN(size, QCOW2_HEAD_MAX));
}

/* False: the child is only about to look. */
static bool take_line(ImageFacts *facts, const json_t *line, const char *path) {
        ImageFact fact = {};
        int is_block;

        if (json_unpack((json_t *)(uintptr_t)line, "{s:i, s:b, s:i}", "errno", &fact.errnum,
                        "block", &is_block, "head-errno", &fact.head_errnum) < 0)
                return false;
        fact.is_block = is_block;
        fact.head = decode_head(json_string_value(json_object_get(line, "head")));
        g_hash_table_insert(facts->by_path, g_strdup(path), g_memdup2(&fact, sizeof(fact)));
        return true;
}

ImageFacts *image_facts_read(const char *output, char **ret_stuck) {
        ImageFacts *facts = image_facts_new(-1);
        g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
        g_autofree char *stuck = NULL;

        for (char **line = lines; *line; line++) {
                json_t *value = json_loads(*line, 0, NULL);
                const char *path = json_string_value(json_object_get(value, "path"));

                if (path) {
                        g_free(stuck);
                        stuck = take_line(facts, value, path) ? NULL : g_strdup(path);
                }
                json_decref(value);
        }
        if (ret_stuck)
                *ret_stuck = g_steal_pointer(&stuck);
        return facts;
}

const ImageFact *image_facts_get(ImageFacts *facts, const char *path) {
        const ImageFact *known = g_hash_table_lookup(facts->by_path, path);

        return known || facts->out < 0 ? known : find_out(facts, path);
}
