/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/cloudinit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "install/grammar.h"

#define XORRISO         "xorriso"
#define FILE_MAX        (1u << 20)
#define PASSWORD_LENGTH 16

char *cloud_init_user_data(const char *password, const char *root_key, const char *user_key,
                           bool disable) {
        GString *out = g_string_new("#cloud-config\n");

        if (password)
                g_string_append_printf(out, "chpasswd:\n  expire: true\n  list: |\n    root:%s\n",
                                       password);
        if (user_key)
                g_string_append_printf(out, "ssh_authorized_keys:\n  - %s\n", user_key);
        if (root_key)
                g_string_append_printf(out,
                                       "users:\n  - default\n  - name: root\n"
                                       "    ssh_authorized_keys:\n      - %s\n",
                                       root_key);
        if (disable)
                g_string_append(out, "runcmd:\n  - [touch, /etc/cloud/cloud-init.disabled]\n");
        return g_string_free(out, FALSE);
}

/* Letters and digits that are not taken for each other. */
static char *random_password(void) {
        static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        char *password = g_malloc0(PASSWORD_LENGTH + 1);
        FILE *source = fopen("/dev/urandom", "re");
        size_t n = 0;
        int c;

        while (source && n < PASSWORD_LENGTH && (c = fgetc(source)) != EOF)
                if ((size_t)c < 256 - 256 % strlen(letters))
                        password[n++] = letters[(size_t)c % strlen(letters)];
        if (source)
                fclose(source);
        return n == PASSWORD_LENGTH ? password : NULL;
}

/* The file that a sub-option names; *ret NULL: the sub-option was not given. */
static int read_value(SubValues *values, const char *name, char **ret, Err *err) {
        g_autofree char *path = sub_take(values, name);
        int r;

        *ret = NULL;
        if (!path)
                return 0;
        r = file_read(path, FILE_MAX, ret, NULL, err);
        if (r < 0 && !err_is_set(err))
                return fail_errno(err, r, "--cloud-init %s=%s", name, path);
        return MIN(r, 0);
}

static int read_truth(SubValues *values, const char *name, bool *ret, Err *err) {
        g_autofree char *text = sub_take(values, name);

        if (text && sub_truth(text, ret) < 0)
                return fail(err, VIR_ERR_INVALID_ARG, "--cloud-init %s=%s: yes or no is wanted",
                            name, text);
        return 0;
}

static int read_password(SubValues *values, bool generate, char **ret, Err *err) {
        int r = read_value(values, "root-password-file", ret, err);

        if (r < 0)
                return r;
        if (*ret) {
                g_strstrip(*ret);
                return 0;
        }
        if (!generate)
                return 0;
        *ret = random_password();
        if (!*ret)
                return fail(err, VIR_ERR_INTERNAL_ERROR, "the host gives no random numbers");
        printf("Password of root at the first login: %s\n", *ret);
        return 0;
}

static int make_user_data(SubValues *values, char **ret, Err *err) {
        g_autofree char *password = NULL, *root_key = NULL, *user_key = NULL;
        bool generate = values->len == 0, disable = values->len == 0;
        int r;

        r = read_value(values, "user-data", ret, err);
        if (r < 0 || *ret)
                return r;
        r = read_truth(values, "root-password-generate", &generate, err);
        if (r >= 0)
                r = read_truth(values, "disable", &disable, err);
        if (r >= 0)
                r = read_value(values, "root-ssh-key", &root_key, err);
        if (r >= 0)
                r = read_value(values, "clouduser-ssh-key", &user_key, err);
        if (r >= 0)
                r = read_password(values, generate, &password, err);
        if (r < 0)
                return r;
        if (root_key)
                g_strstrip(root_key);
        if (user_key)
                g_strstrip(user_key);
        *ret = cloud_init_user_data(password, root_key, user_key, disable);
        return 0;
}

static int write_image(const char *directory, const char *path, Err *err) {
        const char *argv[] = {XORRISO, "-as",    "mkisofs", "-quiet", "-J",      "-r",
                              "-V",    "CIDATA", "-o",      path,     directory, NULL};
        g_autoptr(GError) error = NULL;
        g_autofree char *output = NULL;
        int status = 0;

        if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
                          G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                          &output, &status, &error))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED,
                                      "cannot make the image for cloud-init: %s", error->message),
                                 "install the package xorriso");
        if (!g_spawn_check_wait_status(status, NULL))
                return fail(err, VIR_ERR_OPERATION_FAILED,
                            "cannot make the image for cloud-init: %s", g_strstrip(output));
        /* It may hold a password. The daemon opens it, or gives it to whom it runs QEMU as. */
        return chmod(path, 0600) < 0 ? fail_errno(err, neg_errno(), "cannot protect '%s'", path)
                                     : 0;
}

/* Puts the files that there are into a directory and makes an image of that. */
static int make_image(const char *const (*files)[2], const char *directory, char **ret, Err *err) {
        g_autofree char *work = g_build_filename(directory, "cloud-init-XXXXXX", NULL);
        g_autofree char *image = NULL;
        int r;

        if (!g_mkdtemp(work))
                return fail_errno(err, neg_errno(), "cannot make a directory in '%s'", directory);
        image = g_strconcat(work, ".iso", NULL);
        r = 0;
        for (size_t i = 0; r >= 0 && files[i][0]; i++) {
                g_autofree char *path = g_build_filename(work, files[i][0], NULL);

                if (files[i][1])
                        r = file_write_atomic(path, files[i][1], strlen(files[i][1]), err);
        }
        if (r >= 0)
                r = write_image(work, image, err);
        for (size_t i = 0; files[i][0]; i++) {
                g_autofree char *path = g_build_filename(work, files[i][0], NULL);

                unlink(path);
        }
        rmdir(work);
        if (r < 0)
                unlink(image);
        else
                *ret = g_steal_pointer(&image);
        return r;
}

int cloud_init_make(const char *text, const char *directory, const char *name, char **ret_path,
                    Err *err) {
        g_autoptr(GPtrArray) values = NULL;
        g_autofree char *user = NULL, *meta = NULL, *network = NULL;
        int r;

        r = sub_parse(grammar_find("cloud-init"), text, false, &values, err);
        if (r >= 0)
                r = make_user_data(values, &user, err);
        if (r >= 0)
                r = read_value(values, "meta-data", &meta, err);
        if (r >= 0)
                r = read_value(values, "network-config", &network, err);
        if (r >= 0)
                r = file_mkdir_p(directory, 0755, err);
        if (r < 0)
                return r;
        if (!meta)
                meta = g_strdup_printf("instance-id: %s\nlocal-hostname: %s\n", name, name);
        return make_image((const char *const[][2]){{"user-data", user},
                                                   {"meta-data", meta},
                                                   {"network-config", network},
                                                   {NULL, NULL}},
                          directory, ret_path, err);
}
