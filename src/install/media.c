/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/media.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "install/cloudinit.h"
#include "install/grammar.h"
#include "install/guest.h"
#include "install/inject.h"
#include "install/node.h"
#include "install/option.h"
#include "install/os.h"
#include "install/tree.h"

#define ARCH     "x86_64"
#define COPY_MAX (1u << 30)
#define XORRISO  "xorriso"

void media_done(Media *media) {
        g_free(media->location);
        g_free(media->kernel);
        g_free(media->initrd);
        g_free(media->args);
        tree_info_free(media->info);
        g_free(media->info_text);
        g_free(media->local_kernel);
        g_free(media->local_initrd);
        g_free(media->cloud_init);
}

static bool is_pair(const char *a, const char *b) {
        return !a == !b;
}

/* --location LOCATION[,kernel=,initrd=] */
static int choose_location(Media *media, const char *text, Err *err) {
        g_autoptr(GPtrArray) values = NULL;
        g_autofree char *location = NULL;
        int r;

        r = sub_parse(grammar_find("location"), text, false, &values, err);
        if (r < 0)
                return r;
        location = sub_take(values, "location");
        media->kernel = sub_take(values, "kernel");
        media->initrd = sub_take(values, "initrd");
        if (!location || !*location)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--location: a URL, a directory or an image is wanted");
        if (!is_pair(media->kernel, media->initrd))
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--location: kernel= and initrd= go together");
        while (g_str_has_suffix(location, "/") && location[1])
                location[strlen(location) - 1] = '\0';
        media->kind = fetch_is_url(location)                      ? MEDIA_URL
                      : g_file_test(location, G_FILE_TEST_IS_DIR) ? MEDIA_DIRECTORY
                      : g_file_test(location, G_FILE_TEST_EXISTS) ? MEDIA_IMAGE
                                                                  : MEDIA_NONE;
        if (media->kind == MEDIA_NONE && strstr(location, "://"))
                return fail_hint(err,
                                 fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                      "--location %s: only http and https are served", location),
                                 "mount the tree and name its directory");
        if (media->kind == MEDIA_NONE)
                return fail(err, VIR_ERR_INVALID_ARG, "--location %s: there is no such file",
                            location);
        media->location = media->kind == MEDIA_URL ? g_steal_pointer(&location)
                                                   : g_canonicalize_filename(location, NULL);
        return 0;
}

/* --install bootdev=, kernel=, initrd=, kernel_args=, no_install= */
static int choose_install(Media *media, GuestDef *def, const char *text, Err *err) {
        g_autoptr(GPtrArray) values = NULL;
        const char *word;
        int r;

        r = sub_parse(grammar_find("install"), text, false, &values, err);
        if (r < 0)
                return r;
        word = sub_peek(values, "no_install");
        if (word && sub_truth(word, &def->no_install) < 0)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--install no_install=%s: yes or no is wanted", word);
        word = sub_peek(values, "kernel_args_overwrite");
        if (word && sub_truth(word, &media->args_alone) < 0)
                return fail(err, VIR_ERR_INVALID_ARG,
                            "--install kernel_args_overwrite=%s: yes or no is wanted", word);
        media->args = sub_take(values, "kernel_args");
        def->boot_from = sub_take(values, "bootdev");
        if (sub_peek(values, "kernel")) {
                media->kind = MEDIA_KERNEL;
                media->kernel = sub_take(values, "kernel");
                media->initrd = sub_take(values, "initrd");
        }
        return 0;
}

static int choose_cdrom(GuestDef *def, const char *path, Err *err) {
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
                return fail(err, VIR_ERR_INVALID_ARG, "--cdrom %s: there is no such file", path);
        def->cdrom = g_canonicalize_filename(path, NULL);
        return 0;
}

/* Says no to two ways at once. */
static int check_one(const Options *options, Err *err) {
        static const char *const ways[] = {"location", "cdrom", "import", "pxe"};
        const char *first = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
                if (!options_has(options, ways[i]))
                        continue;
                if (first)
                        return fail(
                                err, VIR_ERR_INVALID_ARG,
                                "--%s and --%s do not go together: a guest is installed in one way",
                                first, ways[i]);
                first = ways[i];
        }
        return 0;
}

static Method method_of(const Media *media, const GuestDef *def) {
        if (media->kind != MEDIA_NONE)
                return METHOD_TREE;
        if (def->cdrom)
                return METHOD_CDROM;
        if (def->boot_from)
                return METHOD_DEVICE;
        if (options_has(def->options, "import") || def->no_install ||
            options_has(def->options, "cloud-init"))
                return METHOD_IMPORT;
        if (node_find(def->domain, "os/boot") || node_find(def->domain, "os/kernel"))
                return METHOD_BOOT;
        return METHOD_NONE;
}

/* Options that need an installer's kernel. */
static int check_kernel_options(const Media *media, const Options *options, Err *err) {
        static const char *const names[] = {"extra-args", "initrd-inject"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
                if (options_has(options, names[i]) && media->kind == MEDIA_NONE)
                        return fail(err, VIR_ERR_INVALID_ARG,
                                    "--%s goes with --location or --install kernel= alone",
                                    names[i]);
        return 0;
}

int media_choose(Media *media, GuestDef *def, Err *err) {
        const Options *options = def->options;
        const char *location = options_text(options, "location");
        const char *cdrom = options_text(options, "cdrom");
        const char *install = options_text(options, "install");
        int r;

        r = check_one(options, err);
        if (r >= 0 && install)
                r = choose_install(media, def, install, err);
        if (r >= 0 && location)
                r = choose_location(media, location, err);
        if (r >= 0 && cdrom)
                r = choose_cdrom(def, cdrom, err);
        if (r >= 0)
                r = check_kernel_options(media, options, err);
        if (r < 0)
                return r;
        if (options_has(options, "pxe")) {
                g_free(def->boot_from);
                def->boot_from = g_strdup("network");
        }
        if (media->kind == MEDIA_IMAGE)
                def->cdrom = g_strdup(media->location);
        def->method = method_of(media, def);
        return 0;
}

static char *url_of(const Media *media, const char *path) {
        return g_strdup_printf("%s/%s", media->location, path);
}

/* What an image has by that name can be a link to a file of the host, or a directory. */
static int check_extracted(const char *image, const char *path, const char *to, Err *err) {
        struct stat st;

        if (lstat(to, &st) < 0)
                return -ENOENT;
        if (S_ISREG(st.st_mode))
                return chmod(to, 0644) < 0 ? fail_errno(err, neg_errno(), "cannot open up '%s'", to)
                                           : 0;
        (void)remove(to);
        return fail(err, VIR_ERR_OPERATION_FAILED, "'%s' in image '%s' is no plain file", path,
                    image);
}

/* Runs xorriso on the image: it copies one file of it to the disk. */
static int extract(const char *image, const char *path, const char *to, Err *err) {
        g_autofree char *inside = g_strdup_printf("/%s", path);
        const char *argv[] = {XORRISO,           "-osirrox", "on", "-indev", image,
                              "-extract_single", inside,     to,   NULL};
        g_autoptr(GError) error = NULL;
        int status = 0;

        if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
                          G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
                                  G_SPAWN_STDERR_TO_DEV_NULL,
                          NULL, NULL, NULL, NULL, &status, &error))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_FAILED, "cannot read image '%s': %s",
                                      image, error->message),
                                 "install the package xorriso");
        if (!g_spawn_check_wait_status(status, NULL))
                return -ENOENT;
        return check_extracted(image, path, to, err);
}

/* A small file of the tree. -ENOENT without an Err: it has none of that name. */
static int read_file(const Media *media, const char *path, char **ret, Err *err) {
        g_autofree char *local = g_build_filename(media->location, path, NULL);
        g_autofree char *url = url_of(media, path);
        g_auto(Err) reason = ERR_INIT;
        int r;

        if (media->kind == MEDIA_DIRECTORY)
                return file_read(local, TREE_INFO_MAX, ret, NULL, err);
        if (media->kind == MEDIA_IMAGE) {
                g_autofree char *copy =
                        g_strdup_printf("%s/treeinfo-%d", media->fetch.directory, getpid());

                r = file_mkdir_p(media->fetch.directory, 0755, err);
                if (r >= 0)
                        r = extract(media->location, path, copy, err);
                if (r >= 0)
                        r = file_read(copy, TREE_INFO_MAX, ret, NULL, err);
                unlink(copy);
                return r;
        }
        r = fetch_text(&media->fetch, url, TREE_INFO_MAX, ret, &reason);
        if (r < 0 && r != -ENOENT)
                err_move(err, &reason);
        return r;
}

static int read_info(Media *media, Err *err) {
        static const char *const names[] = {".treeinfo", "treeinfo"};
        int r = -ENOENT;

        for (size_t i = 0; r == -ENOENT && !err_is_set(err) && i < G_N_ELEMENTS(names); i++)
                r = read_file(media, names[i], &media->info_text, err);
        if (r < 0)
                return r == -ENOENT && !err_is_set(err) ? 0 : r;
        return tree_info_parse(media->info_text, ARCH, &media->info, err);
}

static bool tree_has(const Media *media, const char *path) {
        g_autofree char *local = g_build_filename(media->location, path, NULL);
        g_autofree char *url = url_of(media, path);

        if (media->kind == MEDIA_DIRECTORY)
                return g_file_test(local, G_FILE_TEST_IS_REGULAR);
        return media->kind == MEDIA_URL && fetch_exists(&media->fetch, url);
}

/* The tree's own word, or a place where others of its kind have them. */
static int find_kernel(Media *media, Err *err) {
        if (media->kernel || media->kind == MEDIA_KERNEL)
                return 0;
        if (media->info && media->info->kernel && media->info->initrd) {
                media->kernel = g_strdup(media->info->kernel);
                media->initrd = g_strdup(media->info->initrd);
                return 0;
        }
        for (size_t i = 0; tree_known_kernels[i][0]; i++)
                if (tree_has(media, tree_known_kernels[i][0])) {
                        media->kernel = g_strdup(tree_known_kernels[i][0]);
                        media->initrd = g_strdup(tree_known_kernels[i][1]);
                        return 0;
                }
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_FAILED,
                              "there is no installer's kernel below %s", media->location),
                         "is it the root of an install tree? Else name them: "
                         "--location LOCATION,kernel=PATH,initrd=PATH");
}

int media_detect(Media *media, GuestDef *def, const Os **ret, Err *err) {
        int r = 0;

        *ret = NULL;
        if (def->cdrom)
                *ret = os_db_guess_image(def->db, def->cdrom);
        if (media->kind == MEDIA_NONE || media->kind == MEDIA_KERNEL)
                return 0;
        r = read_info(media, err);
        if (r >= 0)
                r = find_kernel(media, err);
        if (r < 0)
                return r;
        if (!*ret && media->info_text)
                *ret = os_db_guess_tree(def->db, media->info_text, media->location);
        return 0;
}

/* Where one file of the tree goes. */
static char *local_path(const Media *media, const char *path, const char *guest) {
        g_autofree char *url = NULL;

        if (media->kind == MEDIA_KERNEL && !fetch_is_url(path))
                url = g_strconcat("file://", path, NULL);
        else
                url = media->kind == MEDIA_KERNEL ? g_strdup(path) : url_of(media, path);
        return fetch_path(&media->fetch, url, guest);
}

void media_plan(Media *media, const char *guest) {
        if (media->kernel)
                media->local_kernel = local_path(media, media->kernel, guest);
        if (media->initrd)
                media->local_initrd = local_path(media, media->initrd, guest);
}

static int copy_file(const char *from, const char *to, Err *err) {
        g_autofree char *data = NULL;
        size_t size;
        int r;

        r = file_read(from, COPY_MAX, &data, &size, err);
        if (r == -ENOENT && !err_is_set(err))
                return fail_errno(err, r, "cannot read '%s'", from);
        if (r >= 0)
                r = file_write_atomic(to, data, size, err);
        /* QEMU need not run as we do. */
        if (r >= 0 && chmod(to, 0644) < 0)
                r = fail_errno(err, neg_errno(), "cannot open up '%s'", to);
        return r;
}

static int prepare_file(const Media *media, const char *path, const char *to, Err *err) {
        const char *sum = media->info ? tree_info_sha256(media->info, path) : NULL;
        g_autofree char *local = g_build_filename(media->location ?: "/", path, NULL);
        g_autofree char *url = media->location ? url_of(media, path) : g_strdup(path);
        int r;

        if (fetch_is_url(url))
                return fetch_file(&media->fetch, url, sum, to, err);
        r = file_mkdir_p(media->fetch.directory, 0755, err);
        if (r >= 0 && media->kind == MEDIA_IMAGE)
                r = extract(media->location, path, to, err);
        else if (r >= 0)
                r = copy_file(media->kind == MEDIA_KERNEL ? path : local, to, err);
        if (r < 0 && !err_is_set(err))
                return fail(err, VIR_ERR_OPERATION_FAILED, "there is no file '%s' in '%s'", path,
                            media->location);
        r = r >= 0 && sum ? fetch_verify(to, path, sum, err) : r;
        if (r < 0)
                unlink(to);
        return r;
}

int media_prepare(Media *media, const Options *options, Err *err) {
        int r = 0;

        if (media->local_kernel)
                r = prepare_file(media, media->kernel, media->local_kernel, err);
        if (r >= 0 && media->local_initrd)
                r = prepare_file(media, media->initrd, media->local_initrd, err);
        if (r >= 0 && media->local_initrd)
                r = inject_files(media->local_initrd, options_list(options, "initrd-inject"), err);
        if (r >= 0 && options_has(options, "cloud-init"))
                r = cloud_init_make(options_text(options, "cloud-init"), media->fetch.directory,
                                    options_text(options, "name"), &media->cloud_init, err);
        return r;
}

char *media_kernel_args(const Media *media, const GuestDef *def) {
        const char *argument = media->kind == MEDIA_URL ? os_url_argument(def->os) : NULL;
        g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

        if (!media->args_alone)
                for (char *const *extra = options_list(def->options, "extra-args"); *extra; extra++)
                        g_ptr_array_add(words, g_strdup(*extra));
        if (!media->args_alone && argument)
                g_ptr_array_add(words, g_strdup_printf("%s=%s", argument, media->location));
        if (media->args)
                g_ptr_array_add(words, g_strdup(media->args));
        if (words->len == 0)
                return NULL;
        g_ptr_array_add(words, NULL);
        return g_strjoinv(" ", (char **)words->pdata);
}

static void remove_file(char **path) {
        if (*path)
                unlink(*path);
        g_clear_pointer(path, g_free);
}

void media_clean(Media *media) {
        remove_file(&media->local_kernel);
        remove_file(&media->local_initrd);
        remove_file(&media->cloud_init);
}
