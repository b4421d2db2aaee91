/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints what the tables of the domain model serve, as JSON: each element's name, its attributes as
 * [name, values] (null: any text or number), the values of its text ("text", where it has any), its
 * children. A name may come more than once, with other values each time. */
#include <jansson.h>
#include <stdio.h>

#include "domain/element.h"

/* Of elements within each other. */
#define DEPTH_MAX 16

typedef struct Path {
        const DomainElement *elements[DEPTH_MAX];
        size_t depth;
} Path;

/* An element may hold itself, as a backing file does its own: that is printed once. */
static bool enter(Path *path, const DomainElement *element) {
        for (size_t i = 0; i < path->depth; i++)
                if (path->elements[i] == element)
                        return false;
        if (path->depth == DEPTH_MAX)
                return false;
        path->elements[path->depth++] = element;
        return true;
}

static json_t *value_list(const DomainField *field) {
        json_t *list;

        if (field->type != FIELD_ENUM)
                return json_null();
        list = json_array();
        for (size_t i = 0; field->values[i]; i++)
                json_array_append_new(list, json_string(field->values[i]));
        return list;
}

static json_t *new_element(const char *name) {
        return json_pack("{s:s, s:[], s:[]}", "name", name, "attrs", "children");
}

static void add_attr(json_t *object, const char *name, json_t *values) {
        json_array_append_new(json_object_get(object, "attrs"), json_pack("[s, o]", name, values));
}

static void add_text(json_t *object, const DomainField *field) {
        json_object_set_new(object, "text", value_list(field));
        if (field->type == FIELD_KIB)
                add_attr(object, "unit", json_null());
}

static json_t *describe(const DomainElement *element, const char *name, Path *path) {
        json_t *object = new_element(name), *children = json_object_get(object, "children");

        if (!enter(path, element))
                return object;
        for (const DomainField *field = element->fields; field->type != FIELD_END; field++) {
                json_t *leaf;

                if (field->type == FIELD_ELEMENT || field->type == FIELD_LIST) {
                        json_array_append_new(children,
                                              describe(field->element, field->name, path));
                } else if (field->place == PLACE_LEAF) {
                        leaf = new_element(field->name);
                        add_text(leaf, field);
                        json_array_append_new(children, leaf);
                } else if (field->place == PLACE_TEXT) {
                        add_text(object, field);
                } else {
                        add_attr(object, field->name, value_list(field));
                }
        }
        path->depth--;
        return object;
}

int main(void) {
        Path path = {};
        json_t *root = describe(&domain_element, domain_element.name, &path);
        int r = json_dumpf(root, stdout, JSON_INDENT(1));

        json_decref(root);
        return r < 0;
}
