/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/trial.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/util.h"
#include "prepare/bootconf.h"

#define TRIAL_NAME  "airlock-trial"
#define TRIAL_TITLE "Trial of a new kernel command line (Airlock)"
#define BOOT_ID     "proc/sys/kernel/random/boot_id"

/* After a panic the host comes back by itself, to its old line. */
#define TRIAL_PANIC "panic=30"

static const char *skip_blanks(const char *text) {
        return text + strspn(text, " \t");
}

/* "linux /vmlinuz words…": where the words begin; NULL: another line. */
static const char *linux_words(const char *line) {
        const char *at = skip_blanks(line);

        if (!g_str_has_prefix(at, "linux"))
                return NULL;
        at = skip_blanks(at + strcspn(at, " \t"));
        return skip_blanks(at + strcspn(at, " \t"));
}

/* A line of GRUB's entry as the trial has it. */
static int add_entry_line(GString *out, const char *line, const LineWish *wish, Err *err) {
        const char *words = linux_words(line);
        g_autoptr(GString) text = g_string_new(line);
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        Field field = {"boot/grub/grub.cfg", text, 0, text->len, FIELD_PLAIN};
        int r = 0;

        /* What is tried once is not to be remembered. */
        if (g_str_equal(skip_blanks(line), "savedefault"))
                return 0;
        if (words) {
                field.start = (size_t)(words - line);
                r = line_apply_field(&field, wish, notes, err);
        }
        g_string_append_printf(out, "%s\n", text->str);
        return r;
}

/* The first menu entry of grub.cfg, under our name. */
static int copy_menu_entry(const char *config, const LineWish *wish, GString *out, Err *err) {
        g_auto(GStrv) lines = g_strsplit(config, "\n", -1);
        bool inside = false, linux_image = false;
        int r = 0;

        STRV_FOREACH(line, lines) {
                if (!inside && !g_str_has_prefix(skip_blanks(line), "menuentry "))
                        continue;
                if (!inside)
                        g_string_append(out, "menuentry '" TRIAL_TITLE
                                             "' --unrestricted --id " TRIAL_NAME " {\n");
                else
                        r = add_entry_line(out, line, wish, err);
                linux_image |= inside && linux_words(line);
                inside = true;
                if (r < 0 || (linux_image && *skip_blanks(line) == '}'))
                        return r;
                if (*skip_blanks(line) == '}')
                        break;
        }
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "the first entry of GRUB's menu starts no Linux"),
                         "leave out --trial");
}

static int plan_grub(Edits *edits, const LineWish *wish, GPtrArray *commands, Err *err) {
        const char *dir = loader_grub_dir(edits->sys);
        g_autofree char *config = g_build_filename(dir, "grub.cfg", NULL);
        g_autofree char *custom = g_build_filename(dir, "custom.cfg", NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        Edit *read, *written;
        int r = edits_open(edits, config, &read, err);

        if (r == 0)
                r = edits_open(edits, custom, &written, err);
        if (r != 0)
                return r;
        if (!read->text || !strstr(read->text->str, "custom.cfg"))
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "/%s does not read custom.cfg, where the trial's entry would "
                                      "be",
                                      config),
                                 "leave out --trial");
        if (written->text)
                g_string_append(text, written->text->str);
        if (text->len > 0 && text->str[text->len - 1] != '\n')
                g_string_append_c(text, '\n');
        r = copy_menu_entry(read->text->str, wish, text, err);
        if (r == 0)
                r = edits_set(edits, custom, text->str, 0600, err);
        if (r == 0)
                add_command(commands,
                            g_str_has_suffix(dir, "grub2") ? "grub2-reboot" : "grub-reboot",
                            TRIAL_NAME, NULL);
        return r;
}

/* The normal entry's file, the newest. */
static int find_entry(Edits *edits, const char *dir, Edit **ret, Err *err) {
        g_auto(GStrv) names = NULL;

        sys_list(edits->sys, dir, &names);
        for (size_t i = names ? g_strv_length(names) : 0; i-- > 0;) {
                g_autofree char *path = g_build_filename(dir, names[i], NULL);
                Edit *edit;
                int r = g_str_has_suffix(names[i], ".conf") ? edits_open(edits, path, &edit, err)
                                                            : 1;

                if (r < 0)
                        return r;
                if (r == 0 && edit->text && entry_is_normal(names[i], edit->text->str)) {
                        *ret = edit;
                        return 0;
                }
        }
        fail_hint(err,
                  fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                       "there is no boot entry that a trial could be a copy of"),
                  "leave out --trial");
        return -ENOENT;
}

/* The value of a line "name value" in the text; NULL: there is none. The caller's. */
static char *find_setting(const char *text, const char *name) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        size_t n = strlen(name);
        char *value = NULL;

        STRV_FOREACH(line, lines)
                if (g_str_has_prefix(line, name) && (line[n] == ' ' || line[n] == '\t')) {
                        g_free(value);
                        value = g_strstrip(g_strdup(line + n));
                }
        return value;
}

/* GRUB chooses what grubenv names, where its configuration says so. */
static bool grub_has_default(const Sys *sys) {
        g_autofree char *config = NULL, *env = NULL;

        return sys_read(sys, "boot/grub2/grub.cfg", &config, NULL) == 0 &&
               strstr(config, "set default=\"${saved_entry}\"") &&
               sys_read(sys, "boot/grub2/grubenv", &env, NULL) == 0 &&
               strstr(env, "\nsaved_entry=") && !strstr(env, "\nsaved_entry=\n");
}

/* What systemd-boot chooses by itself: by its variable, else its file. NULL: nothing is named. */
static char *systemd_boot_default(const Sys *sys) {
        static const char *const files[] = {"boot/loader/loader.conf", "efi/loader/loader.conf",
                                            "boot/efi/loader/loader.conf"};
        char *name = loader_efi_text(sys, "LoaderEntryDefault");

        for (size_t i = 0; !name && i < G_N_ELEMENTS(files); i++) {
                g_autofree char *text = NULL;

                if (sys_read(sys, files[i], &text, NULL) == 0)
                        name = find_setting(text, "default");
        }
        return name;
}

/* Where no entry is named as the default, loaders take the first of their list, which is sorted by
 * names, the last first. True when the copy cannot be the first. */
static bool comes_behind(const Edit *entry) {
        g_autofree char *name = g_path_get_basename(entry->path);
        g_autofree char *lower = g_ascii_strdown(name, -1);

        return g_ascii_isdigit(*lower) || strcmp(lower, TRIAL_NAME ".conf") > 0;
}

/* The trial must not be what the loader chooses by itself, now or by remembering it. */
static int check_no_default(const Sys *sys, TrialKind kind, const Edit *entry, Err *err) {
        g_autofree char *sort_key = find_setting(entry->text->str, "sort-key");
        g_autofree char *name = kind == TRIAL_ENTRY ? systemd_boot_default(sys) : NULL;
        bool safe;

        if (kind == TRIAL_BLS)
                safe = comes_behind(entry) || grub_has_default(sys);
        else if (name)
                safe = *name != '@' && fnmatch(name, TRIAL_NAME ".conf", 0) != 0 &&
                       fnmatch(name, TRIAL_NAME, 0) != 0;
        else /* An entry without a key, as the copy is, comes behind all that have one. */
                safe = sort_key || comes_behind(entry);
        if (safe)
                return 0;
        return fail_hint(err,
                         fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                              "the trial could become what this host's loader chooses by itself"),
                         "name the default entry first (%s), or leave out --trial",
                         kind == TRIAL_BLS ? "grub2-set-default" : "bootctl set-default");
}

/* The copy's text: our title, no key to sort by, and grubenv's words in place of their variable, so
 * that they can be changed too. */
static int entry_text(const Sys *sys, const Edit *entry, GString *out, Err *err) {
        g_auto(GStrv) lines = g_strsplit(entry->text->str, "\n", -1);
        g_autoptr(BootConf) conf = NULL;
        g_autofree char *words = NULL;
        int r = bootconf_load(sys, &conf, err);

        if (r < 0)
                return r;
        words = g_strjoinv(" ", conf->words);
        STRV_FOREACH(line, lines) {
                bool is_title = g_str_has_prefix(line, "title ");

                if (g_str_has_prefix(line, "sort-key"))
                        continue;
                if (is_title || *line)
                        g_string_append_printf(out, "%s\n", is_title ? "title " TRIAL_TITLE : line);
        }
        if (strstr(out->str, "options $kernelopts"))
                g_string_replace(out, "$kernelopts", words, 1);
        return 0;
}

static int plan_entry(Edits *edits, TrialKind kind, const LineWish *wish, GPtrArray *commands,
                      Err *err) {
        const char *dir = loader_entries_dir(edits->sys);
        g_autofree char *path = g_build_filename(dir ?: "", TRIAL_NAME ".conf", NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GArray) fields = g_array_new(FALSE, FALSE, sizeof(Field));
        g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
        Edit *entry = NULL;
        int r = find_entry(edits, dir ?: "", &entry, err);

        if (r == 0)
                r = check_no_default(edits->sys, kind, entry, err);
        if (r == 0)
                r = entry_text(edits->sys, entry, text, err);
        if (r != 0)
                return r;
        entry_fields(path, text, fields);
        if (fields->len == 0)
                return fail(err, VIR_ERR_OPERATION_UNSUPPORTED, "/%s has no options", entry->path);
        r = line_apply_field(&g_array_index(fields, Field, 0), wish, notes, err);
        if (r == 0)
                r = edits_set(edits, path, text->str, 0644, err);
        if (r < 0)
                return r;
        if (kind == TRIAL_BLS)
                add_command(commands, "grub2-reboot", TRIAL_NAME, NULL);
        else
                add_command(commands, "bootctl", "set-oneshot", TRIAL_NAME ".conf", NULL);
        return 0;
}

/* True for a file system in which GRUB can overwrite the block that says what to boot next. */
static bool is_writable_for_grub(const char *type, const char *source) {
        static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "vfat", NULL};

        return g_strv_contains(types, type) && !g_str_has_prefix(source, "/dev/mapper/") &&
               !g_str_has_prefix(source, "/dev/md") && !g_str_has_prefix(source, "/dev/dm-");
}

/* GRUB forgets its choice by a write to grubenv. Where it cannot, it would try for ever. The last
 * line of mountinfo (proc(5)) that has a place counts. */
static int check_grub_can_forget(const Sys *sys, Err *err) {
        static const char *const places[] = {"/boot", "/"};
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        int r = sys_read(sys, "proc/self/mountinfo", &text, NULL);

        if (r < 0)
                return fail_errno(err, r, "cannot read /proc/self/mountinfo");
        lines = g_strsplit(text, "\n", -1);
        for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
                g_autofree char *type = NULL, *source = NULL;

                STRV_FOREACH(line, lines) {
                        g_auto(GStrv) words = g_strsplit(line, " ", -1);
                        const char *behind = strstr(line, " - ");
                        g_auto(GStrv) of_fs = g_strsplit(behind ? behind + 3 : "", " ", -1);

                        if (g_strv_length(words) < 5 || g_strv_length(of_fs) < 2 ||
                            !g_str_equal(words[4], places[i]))
                                continue;
                        g_free(type);
                        g_free(source);
                        type = g_strdup(of_fs[0]);
                        source = g_strdup(of_fs[1]);
                }
                if (!type)
                        continue;
                if (is_writable_for_grub(type, source))
                        return 0;
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "GRUB cannot write to %s (%s on %s), so it would choose the "
                                      "trial again and again",
                                      places[i], type, source),
                                 "leave out --trial");
        }
        return 0;
}

static json_t *make_extra(const Sys *sys, const PrepareWish *wish, const char *id) {
        g_autofree char *boot = NULL;
        json_t *early = json_array();

        sys_read_text(sys, BOOT_ID, &boot);
        for (char *const *device = wish->early; device && *device; device++)
                json_array_append_new(early, json_string(*device));
        return json_pack("{s:s, s:s, s:s, s:i, s:b, s:o}", "id", id, "boot", boot ?: "", "vendor",
                         wish->vendor, "passthrough", (int)wish->passthrough, "unsafe",
                         wish->unsafe_always, "early", early);
}

int trial_plan(const Sys *sys, const PrepareWish *wish, Edits *edits, GPtrArray *commands,
               json_t **ret_extra, Err *err) {
        const Loader *loader = loader_detect(sys);
        g_autofree char *uuid = g_uuid_string_random();
        g_autofree char *mark = g_strdup_printf("airlock.trial=%.8s", uuid);
        const char *more[] = {mark, TRIAL_PANIC, NULL};
        PrepareWish tried = *wish;
        LineWish line;
        int r;

        if (loader->trial == TRIAL_NONE)
                return fail_hint(err,
                                 fail(err, VIR_ERR_OPERATION_UNSUPPORTED,
                                      "%s cannot try a line once", loader->title),
                                 "leave out --trial");
        tried.more = more;
        r = prepare_line_wish(sys, &tried, &line, err);
        if (r == 0 && loader->trial != TRIAL_ENTRY)
                r = check_grub_can_forget(sys, err);
        if (r < 0)
                return r;
        r = loader->trial == TRIAL_GRUB ? plan_grub(edits, &line, commands, err)
                                        : plan_entry(edits, loader->trial, &line, commands, err);
        if (r == 0)
                *ret_extra = make_extra(sys, wish, mark);
        return r;
}

static char **early_of(const json_t *extra) {
        const json_t *list = json_object_get(extra, "early"), *item;
        GPtrArray *early = g_ptr_array_new();
        size_t i;

        json_array_foreach(list, i, item)
                g_ptr_array_add(early, (gpointer)(uintptr_t)json_string_value(item));
        g_ptr_array_add(early, NULL);
        return (char **)g_ptr_array_free(early, FALSE);
}

int trial_read(const Sys *sys, const Record *record, PrepareWish *wish, char ***ret_early,
               TrialState *ret, Err *err) {
        const char *id = json_string_value(json_object_get(record->extra, "id"));
        const char *vendor = json_string_value(json_object_get(record->extra, "vendor"));
        const char *boot = json_string_value(json_object_get(record->extra, "boot"));
        g_autofree char *line = NULL, *now = NULL;
        g_auto(GStrv) words = NULL;
        int r = sys_read_text(sys, "proc/cmdline", &line);

        if (r == 0)
                r = sys_read_text(sys, BOOT_ID, &now);
        if (r != 0)
                return fail_errno(err, r, "cannot read how this host was started");
        if (!id || !vendor || !boot)
                return fail(err, VIR_ERR_OPERATION_FAILED, "the record of the trial is damaged");
        words = g_strsplit(line, " ", -1);
        *ret = g_str_equal(now, boot)                            ? TRIAL_WAITS
               : g_strv_contains((const char *const *)words, id) ? TRIAL_RUNS
                                                                 : TRIAL_LOST;
        *ret_early = early_of(record->extra);
        *wish = (PrepareWish){
                .iommu = true,
                .vendor = vendor,
                .passthrough = (LineSwitch)json_integer_value(
                        json_object_get(record->extra, "passthrough")),
                .unsafe_always = json_is_true(json_object_get(record->extra, "unsafe")),
                .early = *ret_early,
        };
        return 0;
}
