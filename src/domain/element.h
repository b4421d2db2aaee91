/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one mechanism between XML and the structs of def.h: a table names an element's attributes,
 * text and children, and where each lies in the struct; parsing, formatting, copying and freeing
 * walk the table. What the table does not name is refused when libvirt's schema has it, else kept.
 */

#include "base/xml.h"
#include "domain/def.h"

typedef enum DomainFieldType {
        FIELD_END,       /* of the table */
        FIELD_STRING,    /* char * */
        FIELD_NUM,       /* DomainNum, decimal or 0x…; written in decimal */
        FIELD_HEX,       /* DomainNum, decimal or 0x…; written as 0x… */
        FIELD_PORT,      /* DomainNum, decimal; not set is -1 */
        FIELD_AUTO_PORT, /* DomainNum, decimal; DOMAIN_PORT_AUTO is -1 */
        FIELD_ENUM,      /* enum with …_UNSET 0, by field.values; DomainSwitch too */
        FIELD_KIB,       /* uint64_t KiB, from a text with attribute unit; 0: absent */
        FIELD_BYTES,     /* DomainNum of bytes, from a text with attribute unit, bytes without */
        FIELD_UUID,      /* uint8_t[16]; all 0: absent */
        FIELD_SOURCE,    /* char *: the whole element as it stands */
        FIELD_ELEMENT,   /* struct that begins with DomainNode, or a part of this one */
        FIELD_LIST,      /* GPtrArray * of structs, every child of that name */
} DomainFieldType;

typedef enum DomainFieldPlace {
        PLACE_ATTR, /* attribute */
        PLACE_TEXT, /* the element's own text */
        PLACE_LEAF, /* <name>text</name> */
} DomainFieldPlace;

typedef struct DomainElement DomainElement;

typedef struct DomainField {
        const char *name;
        DomainFieldType type;
        DomainFieldPlace place;
        size_t offset;             /* in the element's struct */
        const char *const *values; /* of FIELD_ENUM: name of 1, name of 2, …, NULL */
        const DomainElement *element;
        const char *unit; /* of FIELD_KIB: what a number without one means; NULL: KiB */
        unsigned digits;  /* of FIELD_HEX: at least so many */
        uint64_t max;     /* of a number; 0: 32 bits */
        bool is_secure;   /* written with DOMAIN_FORMAT_SECURE only */
        bool is_required;
        /* The field exists only where this says so; NULL: always. Fields that it looks at come
         * first. */
        bool (*when)(const void *object);
} DomainField;

struct DomainElement {
        const char *name;
        size_t node; /* offset of its DomainNode in the object */
        const DomainField *fields;
        size_t size;           /* of the struct; 0: a part of another one */
        DomainDeviceKind kind; /* valid where the struct begins with DomainDevice */
        bool is_device;
};

typedef struct DomainParse {
        const XmlDoc *doc;
        DomainParseFlags flags;
        GPtrArray *warnings; /* takes sentences about what is kept */
        DomainNode *head;    /* of the element that is being read */
} DomainParse;

/* object is zeroed, or partly filled by a failed parse afterwards: free it either way. */
int domain_element_parse(DomainParse *parse, const DomainElement *element, xmlNode *node,
                         void *object, Err *err);
void domain_element_format(XmlWriter *writer, const DomainElement *element, const void *object,
                           DomainFormatFlags flags);

/* A whole struct (size not 0). */
void *domain_element_new(const DomainElement *element);
void *domain_element_copy(const DomainElement *element, const void *object);
void domain_element_free(const DomainElement *element, void *object);

/* Frees what fields and kept text of an embedded element hold, and zeroes it. */
void domain_element_clear(const DomainElement *element, void *object);

/* The tables (tables.c, tables-device.c; those of devices: kind.h). */
extern const DomainElement domain_element;
extern const DomainElement domain_bootdev_element;
extern const DomainElement domain_alias_element;
extern const DomainElement domain_address_element;
