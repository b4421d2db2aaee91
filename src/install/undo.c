/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "install/undo.h"

#include <stdio.h>

typedef struct Step {
        char *what;
        char *name;
        UndoRun run;
} Step;

static void step_free(void *data) {
        Step *step = data;

        g_free(step->what);
        g_free(step->name);
        g_free(step);
}

void undo_init(Undo *undo, void *context) {
        undo->steps = g_ptr_array_new_with_free_func(step_free);
        undo->context = context;
}

void undo_done(Undo *undo) {
        g_clear_pointer(&undo->steps, g_ptr_array_unref);
}

void undo_add(Undo *undo, const char *what, const char *name, UndoRun run) {
        Step *step = g_new0(Step, 1);

        step->what = g_strdup(what);
        step->name = g_strdup(name);
        step->run = run;
        g_ptr_array_add(undo->steps, step);
}

static bool undo_step(const Undo *undo, const Step *step) {
        g_auto(Err) err = ERR_INIT;
        int r = step->run(undo->context, step->name, &err);

        if (r == 0)
                fprintf(stderr, "undone: %s '%s'\n", step->what, step->name);
        if (r < 0)
                fprintf(stderr, "error: %s '%s' stays: %s\n", step->what, step->name, err.message);
        return r >= 0;
}

void undo_drop_last(Undo *undo) {
        g_ptr_array_set_size(undo->steps, (int)undo->steps->len - 1);
}

bool undo_all(Undo *undo) {
        bool all = true;

        while (undo->steps->len > 0) {
                all = undo_step(undo, undo->steps->pdata[undo->steps->len - 1]) && all;
                undo_drop_last(undo);
        }
        return all;
}

void undo_forget(Undo *undo) {
        g_ptr_array_set_size(undo->steps, 0);
}
