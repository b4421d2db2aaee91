/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/node.h"

typedef enum TpmModel { TPM_UNSET, TPM_TIS, TPM_CRB } TpmModel;
typedef enum TpmBackend {
        TPM_BACKEND_UNSET,
        TPM_EMULATOR,    /* swtpm, started for the guest */
        TPM_PASSTHROUGH, /* the host's own */
        TPM_EXTERNAL,    /* a swtpm that somebody else runs */
} TpmBackend;
typedef enum TpmVersion { TPM_VERSION_UNSET, TPM_1_2, TPM_2_0 } TpmVersion;
typedef enum TpmSource { TPM_SOURCE_UNSET, TPM_UNIX, TPM_DIR, TPM_FILE } TpmSource;
typedef enum TpmMode { TPM_MODE_UNSET, TPM_CONNECT } TpmMode;

enum { TPM_SHA1, TPM_SHA256, TPM_SHA384, TPM_SHA512, _TPM_BANKS_MAX };

typedef struct DomainTpm {
        DomainDevice base;
        TpmModel model;
        struct {
                DomainNode node;
                TpmBackend type;
                TpmVersion version;            /* emulator */
                DomainSwitch persistent_state; /* emulator: on: kept by undefine */
                DomainNum debug;               /* emulator */
                struct {
                        DomainNode node;
                        TpmSource type; /* external: a socket; emulator: where its state is */
                        TpmMode mode;
                        char *path;
                } source;
                struct {
                        DomainNode node;
                        char *path; /* passthrough */
                } device;
                struct {
                        DomainNode node;
                        DomainFlag bank[_TPM_BANKS_MAX]; /* is_present: active */
                } banks;
        } backend;
} DomainTpm;
