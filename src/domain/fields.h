/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Words in which the tables are written: one line a field. T is the struct that the field lies in,
 * and f its path there. */

#include "domain/element.h"

#define ATTR_(T, f, xml, kind, ...) \
        { .name = xml, .type = kind, .offset = offsetof(T, f), __VA_ARGS__ }

#define ATTR_STRING(T, f, xml, ...)      ATTR_(T, f, xml, FIELD_STRING, __VA_ARGS__)
#define ATTR_NUM(T, f, xml, ...)         ATTR_(T, f, xml, FIELD_NUM, __VA_ARGS__)
#define ATTR_HEX(T, f, xml, n, ...)      ATTR_(T, f, xml, FIELD_HEX, .digits = n, __VA_ARGS__)
#define ATTR_ENUM(T, f, xml, names, ...) ATTR_(T, f, xml, FIELD_ENUM, .values = names, __VA_ARGS__)
#define ATTR_ON(T, f, xml, ...)          ATTR_ENUM(T, f, xml, domain_on_off, __VA_ARGS__)
#define ATTR_YES(T, f, xml, ...)         ATTR_ENUM(T, f, xml, domain_yes_no, __VA_ARGS__)

#define LEAF_STRING(T, f, xml, ...) ATTR_(T, f, xml, FIELD_STRING, .place = PLACE_LEAF, __VA_ARGS__)
#define LEAF_ENUM(T, f, xml, names, ...) \
        ATTR_ENUM(T, f, xml, names, .place = PLACE_LEAF, __VA_ARGS__)

#define TEXT_STRING(T, f, ...) ATTR_(T, f, NULL, FIELD_STRING, .place = PLACE_TEXT, __VA_ARGS__)
#define TEXT_NUM(T, f, ...)    ATTR_(T, f, NULL, FIELD_NUM, .place = PLACE_TEXT, __VA_ARGS__)

/* A child with a struct type of its own, one whose fields are a part of T, and all of one name. */
#define CHILD(T, f, xml, table, ...)                                                             \
        {                                                                                        \
                .name = xml, .type = FIELD_ELEMENT, .offset = offsetof(T, f), .element = &table, \
                __VA_ARGS__                                                                      \
        }
#define PART(xml, table, ...) \
        { .name = xml, .type = FIELD_ELEMENT, .element = &table, __VA_ARGS__ }
#define LIST(T, f, xml, table, ...)                                                           \
        {                                                                                     \
                .name = xml, .type = FIELD_LIST, .offset = offsetof(T, f), .element = &table, \
                __VA_ARGS__                                                                   \
        }

#define END \
        { .type = FIELD_END }

/* An element with a struct, and one that is a part of T at f. */
#define ELEMENT(T, xml, table) \
        { .name = xml, .fields = table, .size = sizeof(T) }
#define PART_OF(T, f, xml, table) \
        { .name = xml, .node = offsetof(T, f.node), .fields = table }

extern const char *const domain_on_off[];
extern const char *const domain_yes_no[];

extern const DomainElement domain_text_model_element;
