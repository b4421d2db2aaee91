/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/file.h"
#include "base/util.h"
#include "install/interrupt.h"
#include "install/progress.h"

#define FILE_MAX_BYTES  (8ull << 30)
#define CONNECT_SECONDS 30L
#define SILENT_SECONDS  60L
#define REDIRECTS_MAX   10L
#define VALIDATOR_MAX   512
#define BUFFER_SIZE     65536
#define LOOK_EVERY      200 /* ms */

#define HTTP_PARTIAL       206
#define HTTP_NOT_FOUND     404
#define HTTP_UNSATISFIABLE 416

/* One request. */
typedef struct Transfer {
        const Fetch *fetch;
        const char *url;
        CURL *curl;
        int fd;          /* -1: into text */
        GString *text;   /* NULL: into the file */
        size_t max;      /* bytes */
        uint64_t have;   /* bytes that were there before, and that the server went on from */
        uint64_t taken;  /* bytes of this request */
        char *validator; /* what the server calls this state of the file; NULL: nothing */
        Progress progress;
        int error; /* negative errno of what went wrong on our side; 0: nothing */
} Transfer;

bool fetch_is_url(const char *text) {
        return g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "https://");
}

char *fetch_path(const Fetch *fetch, const char *url, const char *guest) {
        g_autofree char *both = g_strconcat(guest, "\n", url, NULL);
        g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
        g_autofree char *base = g_path_get_basename(url);
        g_autofree char *name = g_strdup_printf("%.16s-%s", sum, base);

        return g_build_filename(fetch->directory, name, NULL);
}

static long status_of(const Transfer *transfer) {
        long status = 0;

        curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
        return status;
}

/* The server's first bytes: it goes on, or begins anew. */
static int begin_file(Transfer *transfer) {
        if (status_of(transfer) == HTTP_PARTIAL)
                return 0;
        transfer->have = 0;
        transfer->progress.begun_at = 0;
        if (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0)
                return neg_errno();
        return 0;
}

static size_t take_bytes(char *data, size_t size, size_t n, void *user) {
        Transfer *transfer = user;
        size_t bytes = size * n;

        /* The body of an error is of no use. */
        if (status_of(transfer) >= 300)
                return bytes;
        if (transfer->taken == 0 && transfer->fd >= 0)
                transfer->error = begin_file(transfer);
        if (transfer->error < 0)
                return 0;
        if (transfer->have + transfer->taken + bytes > transfer->max) {
                transfer->error = -EFBIG;
                return 0;
        }
        transfer->taken += bytes;
        if (transfer->text)
                g_string_append_len(transfer->text, data, (gssize)bytes);
        for (size_t at = 0; transfer->fd >= 0 && at < bytes;) {
                ssize_t written = write(transfer->fd, data + at, bytes - at);

                if (written < 0) {
                        transfer->error = neg_errno();
                        return 0;
                }
                at += (size_t)written;
        }
        return bytes;
}

/* "ETag: "x"" before "Last-Modified: …": a weak ETag is no promise about bytes. */
static size_t take_header(char *data, size_t size, size_t n, void *user) {
        Transfer *transfer = user;
        g_autofree char *line = g_strndup(data, size * n);
        char *value = strchr(line, ':');
        bool etag = g_ascii_strncasecmp(line, "etag:", 5) == 0;

        if (!value || (!etag && g_ascii_strncasecmp(line, "last-modified:", 14) != 0))
                return size * n;
        value = g_strstrip(value + 1);
        if (g_str_has_prefix(value, "W/") || strlen(value) > VALIDATOR_MAX ||
            (!etag && transfer->validator))
                return size * n;
        g_free(transfer->validator);
        transfer->validator = g_strdup(value);
        return size * n;
}

static int look_up(void *user, curl_off_t total, curl_off_t done, curl_off_t up_total,
                   curl_off_t up) {
        Transfer *transfer = user;

        if (transfer->fd >= 0)
                progress_show(&transfer->progress, transfer->have + (uint64_t)done,
                              total > 0 ? transfer->have + (uint64_t)total : 0);
        return interrupt_is_set(transfer->fetch->interrupt);
}

static int fail_curl(const Transfer *transfer, CURLcode code, Err *err) {
        if (code == CURLE_ABORTED_BY_CALLBACK)
                return interrupt_fail(err);
        if (transfer->error == -EFBIG)
                return fail(err, VIR_ERR_OPERATION_FAILED, "%s is larger than %zu bytes",
                            transfer->url, transfer->max);
        if (transfer->error < 0)
                return fail_errno(err, transfer->error, "cannot write what comes from %s",
                                  transfer->url);
        if (code == CURLE_UNSUPPORTED_PROTOCOL)
                return fail(
                        err, VIR_ERR_OPERATION_FAILED,
                        "%s leads to an address that is not fetched from here: an https address "
                        "leads to https alone",
                        transfer->url);
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED, "cannot fetch %s: %s", transfer->url,
                              curl_easy_strerror(code)),
                         "the same command goes on where this one stopped");
}

/* Makes the request. Returns the status that the server gave, or a negative errno. */
static int perform(Transfer *transfer, struct curl_slist *headers, Err *err) {
        CURL *curl = transfer->curl;
        CURLcode code;

        curl_easy_setopt(curl, CURLOPT_URL, transfer->url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        /* Who asked for TLS does not get less. */
        curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR,
                         g_str_has_prefix(transfer->url, "https:") ? "https" : "http,https");
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS);
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_USERAGENT, "airlock-install");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer);
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
        code = curl_easy_perform(curl);
        return code == CURLE_OK ? (int)status_of(transfer) : fail_curl(transfer, code, err);
}

static int fail_status(const char *url, int status, Err *err) {
        fail(err, VIR_ERR_OPERATION_FAILED, "the server answers %d to %s", status, url);
        return status == HTTP_NOT_FOUND ? -ENOENT : -EIO;
}

static int open_curl(Transfer *transfer, Err *err) {
        transfer->curl = curl_easy_init();
        if (!transfer->curl)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "libcurl does not start");
        return 0;
}

int fetch_text(const Fetch *fetch, const char *url, size_t max, char **ret, Err *err) {
        Transfer transfer = {.fetch = fetch, .url = url, .fd = -1, .max = max};
        int r;

        r = open_curl(&transfer, err);
        if (r < 0)
                return r;
        transfer.text = g_string_new(NULL);
        r = perform(&transfer, NULL, err);
        curl_easy_cleanup(transfer.curl);
        g_free(transfer.validator);
        if (r >= 300)
                r = fail_status(url, r, err);
        if (r < 0) {
                g_string_free(transfer.text, TRUE);
                return r;
        }
        *ret = g_string_free(transfer.text, FALSE);
        return 0;
}

bool fetch_exists(const Fetch *fetch, const char *url) {
        Transfer transfer = {.fetch = fetch, .url = url, .fd = -1, .max = FILE_MAX_BYTES};
        g_auto(Err) reason = ERR_INIT;
        int status;

        if (open_curl(&transfer, &reason) < 0)
                return false;
        curl_easy_setopt(transfer.curl, CURLOPT_NOBODY, 1L);
        status = perform(&transfer, NULL, &reason);
        curl_easy_cleanup(transfer.curl);
        g_free(transfer.validator);
        return status >= 200 && status < 300;
}

int fetch_verify(const char *path, const char *name, const char *sha256, Err *err) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        g_autofree unsigned char *buffer = g_malloc(BUFFER_SIZE);
        FILE *file = fopen(path, "re");
        size_t n;

        if (!file)
                return fail_errno(err, neg_errno(), "cannot read '%s'", path);
        while ((n = fread(buffer, 1, BUFFER_SIZE, file)) > 0)
                g_checksum_update(sum, buffer, (gssize)n);
        fclose(file);
        if (g_ascii_strcasecmp(g_checksum_get_string(sum), sha256) == 0)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED,
                              "%s is not what the tree says: its sha256 is %s, not %s", name,
                              g_checksum_get_string(sum), sha256),
                         "the tree is broken, or somebody changed it on its way");
}

/* Bytes that an earlier run left, and what the server called that state. */
static uint64_t what_is_there(int fd, const char *mark, const char *sha256, char **ret_validator) {
        g_auto(Err) reason = ERR_INIT;
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_size == 0)
                return 0;
        if (file_read(mark, VALIDATOR_MAX, ret_validator, NULL, &reason) < 0 && !sha256)
                return 0;
        return (uint64_t)st.st_size;
}

static struct curl_slist *range_headers(uint64_t have, const char *validator) {
        g_autofree char *range = g_strdup_printf("Range: bytes=%" G_GUINT64_FORMAT "-", have);
        g_autofree char *only = validator ? g_strdup_printf("If-Range: %s", validator) : NULL;
        struct curl_slist *headers = NULL;

        if (have == 0)
                return NULL;
        headers = curl_slist_append(headers, range);
        return only ? curl_slist_append(headers, only) : headers;
}

/* One request for the file, from where it stands. Returns the status. */
static int request_file(Transfer *transfer, const char *mark, const char *sha256, Err *err) {
        g_autofree char *validator = NULL;
        g_autofree char *base = g_path_get_basename(transfer->url);
        struct curl_slist *headers;
        g_auto(Err) ignored = ERR_INIT;
        uint64_t total;
        int r;

        transfer->have = what_is_there(transfer->fd, mark, sha256, &validator);
        if (lseek(transfer->fd, (off_t)transfer->have, SEEK_SET) < 0)
                return fail_errno(err, neg_errno(), "cannot go on with %s", transfer->url);
        headers = range_headers(transfer->have, validator);
        progress_begin(&transfer->progress, base, transfer->have, transfer->fetch->quiet);
        r = perform(transfer, headers, err);
        curl_slist_free_all(headers);
        total = transfer->have + transfer->taken;
        progress_end(&transfer->progress, total,
                     r == -EINTR                   ? "interrupted"
                     : r < 0 || r >= 300           ? "failed"
                     : transfer->progress.begun_at ? "complete, after an earlier part"
                                                   : "complete");
        if (transfer->validator)
                (void)file_write_atomic(mark, transfer->validator, strlen(transfer->validator),
                                        &ignored);
        return r;
}

static int download(Transfer *transfer, const char *mark, const char *sha256, Err *err) {
        int r = request_file(transfer, mark, sha256, err);

        /* What is there is no beginning of it: from the start. */
        if (r == HTTP_UNSATISFIABLE) {
                if (ftruncate(transfer->fd, 0) < 0)
                        return fail_errno(err, neg_errno(), "cannot begin anew with %s",
                                          transfer->url);
                r = request_file(transfer, mark, sha256, err);
        }
        return r >= 300 ? fail_status(transfer->url, r, err) : r;
}

/* Two runs of one address would write over each other. 1: another run has it. */
static int try_part(const char *path, int *ret, Err *err) {
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        struct stat mine, there;

        if (fd < 0)
                return fail_errno(err, neg_errno(), "cannot write '%s'", path);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK
                               ? 1
                               : fail_errno(err, neg_errno(), "cannot lock '%s'", path);
        /* Between the two the other run may have finished the file and given it its name. */
        if (fstat(fd, &mine) < 0 || stat(path, &there) < 0 || mine.st_ino != there.st_ino)
                return 1;
        *ret = steal_fd(&fd);
        return 0;
}

static int open_part(const Fetch *fetch, const char *path, const char *url, int *ret, Err *err) {
        int r = try_part(path, ret, err);

        if (r > 0 && !fetch->quiet) {
                printf("Another run fetches %s; waiting for it.\n", url);
                fflush(stdout);
        }
        while (r > 0) {
                interrupt_wait(fetch->interrupt, -1, LOOK_EVERY);
                if (interrupt_is_set(fetch->interrupt))
                        return interrupt_fail(err);
                r = try_part(path, ret, err);
        }
        return r;
}

/* The part is the whole: checks it and gives it its name. */
static int finish(const char *part, const char *mark, const char *path, const char *url,
                  const char *sha256, Err *err) {
        int r = sha256 ? fetch_verify(part, url, sha256, err) : 0;

        unlink(mark);
        if (r < 0) {
                unlink(part);
                return r;
        }
        if (rename(part, path) < 0)
                return fail_errno(err, neg_errno(), "cannot rename '%s'", part);
        return 0;
}

int fetch_file(const Fetch *fetch, const char *url, const char *sha256, const char *to, Err *err) {
        g_autofree char *path = fetch_path(fetch, url, "");
        g_autofree char *part = g_strconcat(path, ".part", NULL);
        g_autofree char *mark = g_strconcat(path, ".state", NULL);
        Transfer transfer = {.fetch = fetch, .url = url, .fd = -1, .max = FILE_MAX_BYTES};
        int r;

        r = file_mkdir_p(fetch->directory, 0755, err);
        if (r >= 0)
                r = open_part(fetch, part, url, &transfer.fd, err);
        if (r >= 0)
                r = open_curl(&transfer, err);
        if (r >= 0) {
                r = download(&transfer, mark, sha256, err);
                curl_easy_cleanup(transfer.curl);
        }
        g_free(transfer.validator);
        if (r >= 0)
                r = finish(part, mark, to, url, sha256, err);
        closep(&transfer.fd);
        return MIN(r, 0);
}
