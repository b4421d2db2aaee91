/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "domain/kind.h"

#define TPM_DEVICE "/dev/tpm0"
#define DEBUG_MAX  20

static const char *const tpm_models[] = {"tpm-tis", "tpm-crb", NULL};
static const char *const tpm_backends[] = {"emulator", "passthrough", "external", NULL};
static const char *const tpm_versions[] = {"1.2", "2.0", NULL};
static const char *const tpm_sources[] = {"unix", "dir", "file", NULL};
static const char *const tpm_modes[] = {"connect", NULL};

static TpmBackend backend_of(const void *object) {
        return ((const DomainTpm *)object)->backend.type;
}

static bool is_emulator(const void *object) {
        return backend_of(object) == TPM_EMULATOR;
}

static bool is_passthrough(const void *object) {
        return backend_of(object) == TPM_PASSTHROUGH;
}

static bool is_external(const void *object) {
        return backend_of(object) == TPM_EXTERNAL;
}

static bool has_source(const void *object) {
        return !is_passthrough(object);
}

static const DomainElement sha1 = ELEMENT(DomainFlag, "sha1", domain_no_fields);
static const DomainElement sha256 = ELEMENT(DomainFlag, "sha256", domain_no_fields);
static const DomainElement sha384 = ELEMENT(DomainFlag, "sha384", domain_no_fields);
static const DomainElement sha512 = ELEMENT(DomainFlag, "sha512", domain_no_fields);

static const DomainField banks_fields[] = {
        CHILD(DomainTpm, backend.banks.bank[TPM_SHA1], "sha1", sha1),
        CHILD(DomainTpm, backend.banks.bank[TPM_SHA256], "sha256", sha256),
        CHILD(DomainTpm, backend.banks.bank[TPM_SHA384], "sha384", sha384),
        CHILD(DomainTpm, backend.banks.bank[TPM_SHA512], "sha512", sha512),
        END,
};
static const DomainElement banks =
        PART_OF(DomainTpm, backend.banks, "active_pcr_banks", banks_fields);

static const DomainField device_fields[] = {
        ATTR_STRING(DomainTpm, backend.device.path, "path"),
        END,
};
static const DomainElement tpm_device = PART_OF(DomainTpm, backend.device, "device", device_fields);

static const DomainField source_fields[] = {
        ATTR_ENUM(DomainTpm, backend.source.type, "type", tpm_sources, .is_required = true),
        ATTR_ENUM(DomainTpm, backend.source.mode, "mode", tpm_modes, .when = is_external),
        ATTR_STRING(DomainTpm, backend.source.path, "path", .is_required = true),
        END,
};
static const DomainElement tpm_source = PART_OF(DomainTpm, backend.source, "source", source_fields);

static const DomainField backend_fields[] = {
        ATTR_ENUM(DomainTpm, backend.type, "type", tpm_backends, .is_required = true),
        ATTR_ENUM(DomainTpm, backend.version, "version", tpm_versions, .when = is_emulator),
        ATTR_YES(DomainTpm, backend.persistent_state, "persistent_state", .when = is_emulator),
        ATTR_NUM(DomainTpm, backend.debug, "debug", .max = DEBUG_MAX, .when = is_emulator),
        PART("device", tpm_device, .when = is_passthrough),
        PART("source", tpm_source, .when = has_source),
        PART("active_pcr_banks", banks, .when = is_emulator),
        END,
};
static const DomainElement tpm_backend = PART_OF(DomainTpm, backend, "backend", backend_fields);

static const DomainField tpm_fields[] = {
        ATTR_ENUM(DomainTpm, model, "model", tpm_models),
        PART("backend", tpm_backend, .is_required = true),
        DEVICE_ALIAS,
        END,
};

/* TIS had TPM 1.2 first and CRB came with 2.0. */
static int fill_tpm(DomainDef *def, DomainDevice *device, Err *err) {
        DomainTpm *tpm = (DomainTpm *)device;

        FILL_ENUM(tpm->model, TPM_TIS);
        if (is_emulator(tpm))
                FILL_ENUM(tpm->backend.version, tpm->model == TPM_CRB ? TPM_2_0 : TPM_1_2);
        if (is_passthrough(tpm)) {
                tpm->backend.device.node.is_present = true;
                fill_text(&tpm->backend.device.path, TPM_DEVICE);
        }
        return 0;
}

static int check_source(const DomainTpm *tpm, Err *err) {
        bool is_socket = tpm->backend.source.type == TPM_UNIX;

        if (is_external(tpm) && !is_socket)
                return fail(err, VIR_ERR_XML_ERROR,
                            "<tpm> at line %u: an external one has a <source type='unix' path=…>",
                            tpm->base.node.line);
        if (is_emulator(tpm) && is_socket)
                return fail(
                        err, VIR_ERR_XML_ERROR,
                        "<tpm> at line %u: the state of an emulator is in a directory or a file",
                        tpm->base.node.line);
        /* swtpm's options are lists, too. */
        if (is_emulator(tpm) && tpm->backend.source.path && strchr(tpm->backend.source.path, ','))
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<source path='%s'> at line %u holds a ','", tpm->backend.source.path,
                            tpm->backend.source.node.line);
        return domain_check_path(tpm->backend.source.path, "source", tpm->backend.source.node.line,
                                 err);
}

static int check_tpm(const DomainDef *def, const DomainDevice *device, Err *err) {
        const DomainTpm *tpm = (const DomainTpm *)device;
        int r = check_source(tpm, err);

        if (r < 0)
                return r;
        if (tpm->backend.version == TPM_1_2 && tpm->model == TPM_CRB)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<tpm model='tpm-crb'> at line %u has no TPM 1.2", device->node.line);
        if (tpm->backend.version == TPM_1_2 && tpm->backend.banks.node.is_present)
                return fail(err, VIR_ERR_CONFIG_UNSUPPORTED,
                            "<active_pcr_banks> at line %u need TPM 2.0",
                            tpm->backend.banks.node.line);
        return domain_check_path(tpm->backend.device.path, "device", device->node.line, err);
}

static char *tpm_key(const DomainDevice *device) {
        return g_strdup("<tpm>");
}

const DomainKind domain_tpm_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_TPM, DomainTpm, "tpm", tpm_fields),
        .alias = "tpm",
        .fill = fill_tpm,
        .check = check_tpm,
        .key = tpm_key,
};
