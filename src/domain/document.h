/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the documents beside a guest's (networks, pools, volumes) have in common: a root element
 * that is a table, a UUID, and a name that is a file's as well. */

#include <libxml/tree.h>

#include "domain/element.h"

typedef struct DomainDocument {
        const DomainElement *element; /* of the root */
        bool validate;                /* refuse what no schema knows */
        GPtrArray *warnings;          /* takes sentences (char *) about what is kept */

        /* Refuses what the tables would keep; NULL: nothing. */
        int (*check)(const xmlNode *root, Err *err);
} DomainDocument;

/* Reads a document into object, which the caller frees even after a failure. */
int domain_document_parse(const char *text, const DomainDocument *document, void *object, Err *err);
char *domain_document_format(const DomainElement *element, const void *object);

/* A random one where it is all 0. */
void domain_uuid_fill(uint8_t uuid[16]);

/* A name that can be a file's: 1 to max bytes, no '/', no control characters, neither "." nor "..".
 * what ("network") is for the message. */
int domain_check_file_name(const char *name, const char *what, size_t max, Err *err);
