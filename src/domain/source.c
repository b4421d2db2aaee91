/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/source.h"

#include <string.h>

#include "domain/kind.h"
#include "domain/source-part.h"

#define HOST_NAME_MAX_BYTES 255
#define URL_PART_MAX_BYTES  4096
#define SECONDS_MAX         86400

/* ---- XML ---- */

const char *const domain_disk_types[] = {"file", "block", "network", NULL};
const char *const domain_disk_formats[] = {"raw", "qcow2", NULL};
static const char *const protocols[] = {"nbd", "http", "https", NULL};
static const char *const transports[] = {"tcp", "unix", NULL};
static const char *const policies[] = {"mandatory", "requisite", "optional", NULL};

static const DomainField host_fields[] = {
        ATTR_ENUM(SourceHost, transport, "transport", transports),
        ATTR_STRING(SourceHost, name, "name"),
        ATTR_NUM(SourceHost, port, "port", .max = UINT16_MAX),
        ATTR_STRING(SourceHost, socket, "socket"),
        END,
};
static const DomainElement host = ELEMENT(SourceHost, "host", host_fields);

static const DomainField ssl_fields[] = {
        ATTR_YES(DomainSource, ssl.verify, "verify"),
        END,
};
static const DomainElement ssl = PART_OF(DomainSource, ssl, "ssl", ssl_fields);

static const DomainField readahead_fields[] = {
        ATTR_NUM(DomainSource, readahead.size, "size", .is_required = true),
        END,
};
static const DomainElement readahead =
        PART_OF(DomainSource, readahead, "readahead", readahead_fields);

static const DomainField timeout_fields[] = {
        ATTR_NUM(DomainSource, timeout.seconds, "seconds", .is_required = true, .max = SECONDS_MAX),
        END,
};
static const DomainElement timeout = PART_OF(DomainSource, timeout, "timeout", timeout_fields);

static const DomainField reconnect_fields[] = {
        ATTR_NUM(DomainSource, reconnect.delay, "delay", .is_required = true, .max = SECONDS_MAX),
        END,
};
static const DomainElement reconnect =
        PART_OF(DomainSource, reconnect, "reconnect", reconnect_fields);

static const DomainField source_fields[] = {
        ATTR_STRING(DomainSource, file, "file"),
        ATTR_STRING(DomainSource, dev, "dev"),
        ATTR_ENUM(DomainSource, protocol, "protocol", protocols),
        ATTR_STRING(DomainSource, name, "name"),
        ATTR_STRING(DomainSource, query, "query"),
        ATTR_ENUM(DomainSource, startup_policy, "startupPolicy", policies),
        ATTR_NUM(DomainSource, index, "index"),
        LIST(DomainSource, hosts, "host", host),
        PART("ssl", ssl),
        PART("readahead", readahead),
        PART("timeout", timeout),
        PART("reconnect", reconnect),
        END,
};
const DomainElement domain_source_element = ELEMENT(DomainSource, "source", source_fields);

static const DomainField format_fields[] = {
        ATTR_ENUM(DomainBacking, format.type, "type", domain_disk_formats, .is_required = true),
        END,
};
static const DomainElement backing_format = PART_OF(DomainBacking, format, "format", format_fields);

static const DomainField backing_fields[] = {
        ATTR_ENUM(DomainBacking, type, "type", domain_disk_types),
        ATTR_NUM(DomainBacking, index, "index"),
        PART("format", backing_format),
        CHILD(DomainBacking, source, "source", domain_source_element),
        LIST(DomainBacking, backing, "backingStore", domain_backing_element),
        END,
};
const DomainElement domain_backing_element = ELEMENT(DomainBacking, "backingStore", backing_fields);

/* ---- values ---- */

const char *domain_source_path(const DomainSource *source) {
        return source->file ? source->file : source->dev;
}

bool domain_source_is_set(const DomainSource *source) {
        return source->file || source->dev || source->protocol;
}

DomainBacking *domain_backing_new(void) {
        DomainBacking *backing = domain_element_new(&domain_backing_element);

        backing->node.is_present = true;
        return backing;
}

void domain_backing_free(GPtrArray *list) {
        for (guint i = 0; list && i < list->len; i++)
                domain_element_free(&domain_backing_element, list->pdata[i]);
        if (list)
                g_ptr_array_unref(list);
}

void domain_backing_set_path(DomainBacking *backing, const char *path, bool is_block,
                             DiskFormat format) {
        backing->type = is_block ? DISK_TYPE_BLOCK : DISK_TYPE_FILE;
        backing->format.node.is_present = true;
        backing->format.type = format;
        backing->source.node.is_present = true;
        if (is_block)
                backing->source.dev = g_strdup(path);
        else
                backing->source.file = g_strdup(path);
}

static const unsigned default_ports[_SOURCE_PROTOCOL_MAX] = {
        [SOURCE_NBD] = 10809, /* IANA */
        [SOURCE_HTTP] = 80,
        [SOURCE_HTTPS] = 443,
};

void domain_source_fill(DomainSource *source) {
        if (!domain_source_is_set(source) && !source->node.attrs && !source->node.kept &&
            !source->startup_policy)
                source->node.is_present = false;
        for (guint i = 0; source->hosts && i < source->hosts->len; i++) {
                SourceHost *at = source->hosts->pdata[i];

                if (at->transport != SOURCE_UNIX)
                        fill_num(&at->port, default_ports[source->protocol]);
        }
}

void domain_backing_fill(GPtrArray *list) {
        for (DomainBacking *at = domain_backing_of(list); at; at = domain_backing_of(at->backing))
                domain_source_fill(&at->source);
}

void domain_source_strip(DomainSource *source, GPtrArray *backing) {
        source->index = (DomainNum){};
        for (DomainBacking *at = domain_backing_of(backing); at;
             at = domain_backing_of(at->backing))
                at->index = at->source.index = (DomainNum){};
}

/* ---- checks ---- */

/* Text of a URL or an export's name: JSON carries it, no shell and no list of QEMU's. */
static int check_text(const char *text, const char *what, unsigned line, Err *err) {
        bool is_good = !text || strlen(text) <= URL_PART_MAX_BYTES;

        for (const char *s = text; s && is_good && *s; s++)
                is_good = (unsigned char)*s >= ' ' && *s != 0x7f;
        if (is_good)
                return 0;
        return fail(err, VIR_ERR_XML_ERROR,
                    "the %s of <source> at line %u is longer than %d bytes, or is no plain text",
                    what, line, URL_PART_MAX_BYTES);
}

static bool is_host_name(const char *name) {
        size_t size = name ? strlen(name) : 0;

        for (size_t i = 0; i < size; i++)
                if (!g_ascii_isalnum(name[i]) && !strchr(".-:_%", name[i]))
                        return false;
        return size > 0 && size <= HOST_NAME_MAX_BYTES;
}

static int check_host(const SourceHost *at, bool is_nbd, Err *err) {
        bool is_unix = at->transport == SOURCE_UNIX;

        if (is_unix && !is_nbd)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<host transport='unix'> at line %u is for protocol 'nbd'",
                            at->node.line);
        if (is_unix && (!at->socket || at->name || at->port.is_set))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<host transport='unix'> at line %u has a socket and nothing else",
                            at->node.line);
        if (!is_unix && (at->socket || !is_host_name(at->name) || at->port.value == 0))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<host> at line %u needs a name and a port that is not 0",
                            at->node.line);
        return domain_check_path(at->socket, "host", at->node.line, err);
}

static int check_url(const DomainSource *source, Err *err) {
        bool is_nbd = source->protocol == SOURCE_NBD;
        unsigned line = source->node.line;

        if (!is_nbd && !source->name)
                return fail(err, VIR_ERR_XML_ERROR, "<source> at line %u names nothing on its host",
                            line);
        if (is_nbd && (source->query || source->ssl.node.is_present ||
                       source->readahead.node.is_present || source->timeout.node.is_present))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<source> at line %u: protocol 'nbd' has no query, ssl, readahead and "
                            "timeout",
                            line);
        if (!is_nbd && source->reconnect.node.is_present)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<source> at line %u: <reconnect> is for protocol 'nbd'", line);
        return 0;
}

static int check_network(const DomainSource *source, Err *err) {
        unsigned line = source->node.line;
        int r;

        if (!source->protocol)
                return fail(err, VIR_ERR_XML_ERROR, "<source> at line %u names no protocol", line);
        if (!source->hosts || source->hosts->len != 1)
                return fail(err, VIR_ERR_XML_ERROR, "<source> at line %u needs one <host>", line);
        r = check_url(source, err);
        if (r < 0)
                return r;
        r = check_host(source->hosts->pdata[0], source->protocol == SOURCE_NBD, err);
        if (r < 0)
                return r;
        r = check_text(source->name, "name", line, err);
        return r < 0 ? r : check_text(source->query, "query", line, err);
}

/* What a source of the type has, and nothing else. */
static int check_attributes(const DomainSource *source, DiskType type, Err *err) {
        bool has_network = source->protocol || source->name || source->query || source->hosts ||
                           source->ssl.node.is_present || source->readahead.node.is_present ||
                           source->timeout.node.is_present || source->reconnect.node.is_present;

        if ((!source->file || type == DISK_TYPE_FILE) &&
            (!source->dev || type == DISK_TYPE_BLOCK) &&
            (!has_network || type == DISK_TYPE_NETWORK))
                return 0;
        return fail(err, VIR_ERR_XML_ERROR,
                    "<source> at line %u says what a source of type '%s' does not have",
                    source->node.line, domain_disk_types[type - 1]);
}

int domain_source_check(const DomainSource *source, DiskType type, Err *err) {
        unsigned line = source->node.line;
        int r;

        r = check_attributes(source, type, err);
        if (r < 0)
                return r;
        if (type == DISK_TYPE_NETWORK && domain_source_is_set(source))
                return check_network(source, err);
        return domain_check_path(domain_source_path(source), "source", line, err);
}

static int check_layer(const DomainBacking *backing, Err *err) {
        unsigned line = backing->node.line;

        if (!backing->format.type)
                return fail_hint(err,
                                 fail(err, VIR_ERR_XML_ERROR,
                                      "<backingStore> at line %u names no format, and none is "
                                      "guessed from what an image holds",
                                      line),
                                 "add <format type='raw'/> or <format type='qcow2'/>");
        if (!domain_source_is_set(&backing->source))
                return fail(err, VIR_ERR_XML_ERROR, "<backingStore> at line %u has no source",
                            line);
        if (backing->format.type == DISK_FORMAT_RAW && domain_backing_of(backing->backing))
                return fail(err, VIR_ERR_XML_ERROR,
                            "<backingStore> at line %u: a raw image has no backing image", line);
        return domain_source_check(&backing->source, backing->type, err);
}

int domain_backing_check(const GPtrArray *list, Err *err) {
        unsigned n = 0;

        for (; list && list->len > 0; n++) {
                const DomainBacking *backing = list->pdata[0];
                int r;

                if (list->len > 1)
                        return fail(err, VIR_ERR_XML_ERROR, "a second <backingStore> at line %u",
                                    ((const DomainBacking *)list->pdata[1])->node.line);
                if (!backing->type)
                        return 0;
                if (n == DOMAIN_CHAIN_MAX)
                        return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                                    "<backingStore> at line %u: a chain has %d images at most",
                                    backing->node.line, DOMAIN_CHAIN_MAX);
                r = check_layer(backing, err);
                if (r < 0)
                        return r;
                list = backing->backing;
        }
        return 0;
}
