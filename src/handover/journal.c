/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/file.h"
#include "base/util.h"

#define CHECKSUM_LENGTH 16 /* hexadecimal digits, the first of SHA-256 */

struct Journal {
        char *path;
        int fd;
        off_t size; /* bytes of whole records */
};

static void checksum(const char *text, size_t size, char ret[static CHECKSUM_LENGTH + 1]) {
        g_autofree char *digest =
                g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const uint8_t *)text, size);

        g_strlcpy(ret, digest, CHECKSUM_LENGTH + 1);
}

/* "CHECKSUM {…}\n"; the caller's. */
static char *record_to_line(const json_t *record) {
        g_autofree char *text = NULL;
        char *dump = json_dumps(record, JSON_COMPACT);
        char sum[CHECKSUM_LENGTH + 1];

        g_assert(dump);
        text = g_strdup(dump);
        free(dump);
        checksum(text, strlen(text), sum);
        return g_strdup_printf("%s %s\n", sum, text);
}

/* NULL: the line is no intact record. */
static json_t *record_from_line(const char *line, size_t size) {
        char sum[CHECKSUM_LENGTH + 1];
        json_t *record;

        if (size < CHECKSUM_LENGTH + 1 || line[CHECKSUM_LENGTH] != ' ')
                return NULL;
        checksum(line + CHECKSUM_LENGTH + 1, size - CHECKSUM_LENGTH - 1, sum);
        if (memcmp(line, sum, CHECKSUM_LENGTH) != 0)
                return NULL;
        record = json_loadb(line + CHECKSUM_LENGTH + 1, size - CHECKSUM_LENGTH - 1,
                            JSON_REJECT_DUPLICATES, NULL);
        if (json_is_string(json_object_get(record, "record")))
                return record;
        json_decref(record);
        return NULL;
}

void journal_parse(const char *data, size_t size, JournalFunc func, void *userdata,
                   JournalReport *ret) {
        const char *end = data + size;

        *ret = (JournalReport){};
        for (const char *line = data; line < end;) {
                const char *stop = memchr(line, '\n', (size_t)(end - line));
                json_t *record = stop ? record_from_line(line, (size_t)(stop - line)) : NULL;

                if (record) {
                        ret->records++;
                        func(record, userdata);
                        json_decref(record);
                } else if (!stop || stop + 1 == end) {
                        ret->torn = true;
                } else {
                        ret->damaged++;
                }
                line = stop ? stop + 1 : end;
        }
}

typedef struct Replay {
        JournalFunc func;
        void *userdata;
        json_t *records;
} Replay;

static void replay(const json_t *record, void *userdata) {
        Replay *r = userdata;
        json_t *copy = json_deep_copy(record);

        json_array_append_new(r->records, copy);
        r->func(record, r->userdata);
}

static int journal_reopen(Journal *journal, Err *err) {
        struct stat st;

        closep(&journal->fd);
        journal->fd = open(journal->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (journal->fd < 0 || fstat(journal->fd, &st) < 0)
                return fail_errno(err, neg_errno(), "cannot open the journal '%s'", journal->path);
        journal->size = st.st_size;
        return 0;
}

static int keep_aside(const Journal *journal, char **ret, Err *err) {
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *stamp = g_date_time_format(now, "%Y%m%dT%H%M%S");
        g_autofree char *aside = g_strdup_printf("%s.damaged-%s", journal->path, stamp);

        if (link(journal->path, aside) < 0 && errno != EEXIST)
                return fail_errno(err, neg_errno(), "cannot keep the damaged journal as '%s'",
                                  aside);
        *ret = g_steal_pointer(&aside);
        return 0;
}

static int repair(Journal *journal, const JournalReport *report, const json_t *records,
                  char **ret_report, Err *err) {
        g_autofree char *aside = NULL;
        int r;

        if (report->damaged > 0) {
                r = keep_aside(journal, &aside, err);
                if (r < 0)
                        return r;
        }
        r = journal_rewrite(journal, records, err);
        if (r < 0 || !ret_report)
                return r;
        if (aside)
                *ret_report = g_strdup_printf(
                        "%zu of %zu records of the journal '%s' were damaged; "
                        "the file is kept as '%s'",
                        report->damaged, report->damaged + report->records, journal->path, aside);
        else
                *ret_report =
                        g_strdup_printf("the last record of the journal '%s' was cut off by a "
                                        "crash and does not count",
                                        journal->path);
        return 0;
}

int journal_open(const char *path, JournalFunc func, void *userdata, Journal **ret,
                 char **ret_report, Err *err) {
        g_autoptr(Journal) journal = g_new0(Journal, 1);
        Replay context = {.func = func, .userdata = userdata, .records = json_array()};
        g_autofree char *data = NULL;
        JournalReport report = {};
        size_t size = 0;
        int r;

        journal->fd = -1;
        journal->path = g_strdup(path);
        if (ret_report)
                *ret_report = NULL;
        r = file_read(path, JOURNAL_FILE_MAX, &data, &size, err);
        if (r == 0)
                journal_parse(data, size, replay, &context, &report);
        if (r == 0 || r == -ENOENT)
                r = report.torn || report.damaged
                            ? repair(journal, &report, context.records, ret_report, err)
                            : journal_reopen(journal, err);
        json_decref(context.records);
        if (r < 0)
                return r;
        r = file_sync_parent(path);
        if (r < 0)
                return fail_errno(err, r, "cannot sync the directory of '%s'", path);
        *ret = g_steal_pointer(&journal);
        return 0;
}

void journal_free(Journal *journal) {
        if (!journal)
                return;
        closep(&journal->fd);
        g_free(journal->path);
        g_free(journal);
}

/* A half-written record would be damage in the middle as soon as the next one follows. */
static int write_line(Journal *journal, const char *line) {
        size_t size = strlen(line);
        ssize_t n = write(journal->fd, line, size);
        int r;

        if (n == (ssize_t)size) {
                journal->size += n;
                return 0;
        }
        r = n < 0 ? neg_errno() : -ENOSPC;
        if (n > 0 && ftruncate(journal->fd, journal->size) < 0)
                return neg_errno();
        return r;
}

int journal_append_lazily(Journal *journal, json_t *record, Err *err) {
        g_autofree char *line = record_to_line(record);
        int r = write_line(journal, line);

        json_decref(record);
        return r < 0 ? fail_errno(err, r, "cannot write the journal '%s'", journal->path) : 0;
}

int journal_append(Journal *journal, json_t *record, Err *err) {
        int r = journal_append_lazily(journal, record, err);

        if (r == 0 && fdatasync(journal->fd) < 0)
                return fail_errno(err, neg_errno(), "cannot sync the journal '%s'", journal->path);
        return r;
}

int journal_rewrite(Journal *journal, const json_t *records, Err *err) {
        g_autoptr(GString) text = g_string_new(NULL);
        const json_t *record;
        size_t i;
        int r;

        json_array_foreach(records, i, record) {
                g_autofree char *line = record_to_line(record);

                g_string_append(text, line);
        }
        r = file_write_atomic(journal->path, text->str, text->len, err);
        return r < 0 ? r : journal_reopen(journal, err);
}

bool journal_is_long(const Journal *journal) {
        return journal->size > JOURNAL_LONG;
}
