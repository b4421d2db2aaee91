/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare/diff.h"

#include <string.h>

#define CONTEXT ((size_t)3)

/* Above so many comparisons, what differs is one piece. */
#define TABLE_MAX (4u << 20)

/* Lines a.. of one text stand where lines b.. of the other do. */
typedef struct Hunk {
        size_t a, a_n, b, b_n;
} Hunk;

/* Lines, with their ends. */
static GPtrArray *split(const char *text) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

        while (text && *text) {
                const char *end = strchr(text, '\n');
                size_t n = end ? (size_t)(end - text) + 1 : strlen(text);

                g_ptr_array_add(lines, g_strndup(text, n));
                text += n;
        }
        return lines;
}

static const char *line_at(const GPtrArray *lines, size_t i) {
        return g_ptr_array_index(lines, i);
}

static bool same(const GPtrArray *a, size_t i, const GPtrArray *b, size_t k) {
        return g_str_equal(line_at(a, i), line_at(b, k));
}

/* Adds one line of difference, to the last hunk where it goes on there. */
static void add_hunk(GArray *hunks, Hunk piece) {
        Hunk *last = hunks->len > 0 ? &g_array_index(hunks, Hunk, hunks->len - 1) : NULL;

        if (last && last->a + last->a_n == piece.a && last->b + last->b_n == piece.b) {
                last->a_n += piece.a_n;
                last->b_n += piece.b_n;
        } else {
                g_array_append_val(hunks, piece);
        }
}

/* The longest common subsequence of the middles, by its table of lengths. */
static void diff_middle(const GPtrArray *a, const GPtrArray *b, Hunk middle, GArray *hunks) {
        size_t width = middle.b_n + 1;
        g_autofree unsigned *table = g_new0(unsigned, (middle.a_n + 1) * width);
        size_t i, k;

        for (i = middle.a_n; i-- > 0;)
                for (k = middle.b_n; k-- > 0;)
                        table[i * width + k] =
                                same(a, middle.a + i, b, middle.b + k)
                                        ? table[(i + 1) * width + k + 1] + 1
                                        : MAX(table[(i + 1) * width + k], table[i * width + k + 1]);
        i = k = 0;
        while (i < middle.a_n || k < middle.b_n) {
                Hunk at = {middle.a + i, 0, middle.b + k, 0};

                if (i < middle.a_n && k < middle.b_n && same(a, at.a, b, at.b)) {
                        i++;
                        k++;
                        continue;
                }
                if (k == middle.b_n ||
                    (i < middle.a_n && table[(i + 1) * width + k] >= table[i * width + k + 1]))
                        at.a_n = 1;
                else
                        at.b_n = 1;
                i += at.a_n;
                k += at.b_n;
                add_hunk(hunks, at);
        }
}

static GArray *find_hunks(const GPtrArray *a, const GPtrArray *b) {
        GArray *hunks = g_array_new(FALSE, FALSE, sizeof(Hunk));
        size_t head = 0, tail = 0;
        Hunk middle;

        while (head < a->len && head < b->len && same(a, head, b, head))
                head++;
        while (tail < a->len - head && tail < b->len - head &&
               same(a, a->len - 1 - tail, b, b->len - 1 - tail))
                tail++;
        middle = (Hunk){head, a->len - head - tail, head, b->len - head - tail};
        if ((middle.a_n + 1) * (middle.b_n + 1) > TABLE_MAX)
                g_array_append_val(hunks, middle);
        else
                diff_middle(a, b, middle, hunks);
        return hunks;
}

static void print_lines(GString *out, char sign, const GPtrArray *lines, size_t from, size_t n) {
        for (size_t i = from; i < from + n; i++) {
                const char *line = line_at(lines, i);

                g_string_append_printf(out, "%c%s", sign, line);
                if (!g_str_has_suffix(line, "\n"))
                        g_string_append(out, "\n\\ No newline at end of file\n");
        }
}

/* An empty range is named by the line before it. */
static void print_range(GString *out, char sign, size_t from, size_t n) {
        g_string_append_printf(out, "%c%zu", sign, n > 0 ? from + 1 : from);
        if (n != 1)
                g_string_append_printf(out, ",%zu", n);
}

/* Hunks first to last with the lines around and between them. */
static void print_group(GString *out, const GPtrArray *a, const GPtrArray *b, const Hunk *first,
                        const Hunk *last) {
        size_t before = MIN(first->a, CONTEXT);
        size_t after = MIN(a->len - last->a - last->a_n, CONTEXT);
        size_t from = first->a - before, to = last->a + last->a_n + after;

        g_string_append(out, "@@ ");
        print_range(out, '-', from, to - from);
        g_string_append_c(out, ' ');
        print_range(out, '+', first->b - before, last->b + last->b_n + after - (first->b - before));
        g_string_append(out, " @@\n");
        for (const Hunk *hunk = first; hunk <= last; hunk++) {
                print_lines(out, ' ', a, from, hunk->a - from);
                print_lines(out, '-', a, hunk->a, hunk->a_n);
                print_lines(out, '+', b, hunk->b, hunk->b_n);
                from = hunk->a + hunk->a_n;
        }
        print_lines(out, ' ', a, from, to - from);
}

char *diff_unified(const char *path, const char *before, const char *after) {
        g_autoptr(GPtrArray) a = split(before), b = split(after);
        g_autoptr(GArray) array = find_hunks(a, b);
        const Hunk *hunks = (const Hunk *)(const void *)array->data;
        g_autoptr(GString) out = g_string_new(NULL);
        g_autofree char *name = g_strconcat("/", path, NULL);

        if (g_strcmp0(before, after) != 0)
                g_string_append_printf(out, "--- %s\n+++ %s\n", before ? name : "/dev/null",
                                       after ? name : "/dev/null");
        for (guint first = 0, last; first < array->len; first = last + 1) {
                last = first;
                while (last + 1 < array->len &&
                       hunks[last + 1].a - hunks[last].a - hunks[last].a_n <= 2 * CONTEXT)
                        last++;
                print_group(out, a, b, &hunks[first], &hunks[last]);
        }
        return g_string_free(g_steal_pointer(&out), FALSE);
}

static void copy_lines(GString *out, const GPtrArray *lines, size_t from, size_t n) {
        for (size_t i = from; i < from + n; i++)
                g_string_append(out, line_at(lines, i));
}

static bool same_change(const GPtrArray *a, const Hunk *x, const GPtrArray *b, const Hunk *y) {
        if (x->a != y->a || x->a_n != y->a_n || x->b_n != y->b_n)
                return false;
        for (size_t i = 0; i < x->b_n; i++)
                if (!same(a, x->b + i, b, y->b + i))
                        return false;
        return true;
}

/* Changes of neighbouring lines count as touching: which comes first could not be told. */
static bool touch(const Hunk *x, const Hunk *y) {
        return x->a <= y->a + y->a_n && y->a <= x->a + x->a_n;
}

/* The hunk that comes next in *list, whose place is *at; NULL: none. */
static const Hunk *next_hunk(const GArray *list, guint at) {
        return at < list->len ? &g_array_index(list, Hunk, at) : NULL;
}

char *diff_merge(const char *base_text, const char *a_text, const char *b_text) {
        g_autoptr(GPtrArray) base = split(base_text), a = split(a_text), b = split(b_text);
        g_autoptr(GArray) to_a = find_hunks(base, a), to_b = find_hunks(base, b);
        g_autoptr(GString) out = g_string_new(NULL);
        guint i = 0, k = 0;
        size_t done = 0;

        for (;;) {
                const Hunk *x = next_hunk(to_a, i), *y = next_hunk(to_b, k);
                bool both = x && y && same_change(a, x, b, y);
                const Hunk *hunk = both || !y || (x && x->a < y->a) ? x : y;

                if (!hunk)
                        break;
                if (x && y && !both && touch(x, y))
                        return NULL;
                copy_lines(out, base, done, hunk->a - done);
                copy_lines(out, hunk == x ? a : b, hunk->b, hunk->b_n);
                done = hunk->a + hunk->a_n;
                i += hunk == x || both;
                k += hunk == y || both;
        }
        copy_lines(out, base, done, base->len - done);
        return g_string_free(g_steal_pointer(&out), FALSE);
}
