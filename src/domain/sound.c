/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/kind.h"

static const char *const sound_models[] = {"ac97", "ich6", "ich9", NULL};

static const DomainField sound_fields[] = {
        ATTR_ENUM(DomainSound, model, "model", sound_models, .is_required = true),
        DEVICE_ALIAS,
        DEVICE_ADDRESS,
        END,
};

static bool is_same_sound(const DomainDevice *device, const DomainDevice *wanted) {
        return ((const DomainSound *)device)->model == ((const DomainSound *)wanted)->model;
}

const DomainKind domain_sound_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_SOUND, DomainSound, "sound", sound_fields),
        .alias = "sound",
        .is_same = is_same_sound,
        .is_pci = domain_kind_always_pci,
};

static const char *const audio_types[] = {"none", NULL};

static const DomainField audio_fields[] = {
        ATTR_NUM(DomainAudio, id, "id", .is_required = true),
        ATTR_ENUM(DomainAudio, type, "type", audio_types, .is_required = true),
        END,
};

static char *audio_key(const DomainDevice *device) {
        return g_strdup("<audio>");
}

const DomainKind domain_audio_kind = {
        .element = DEVICE_ELEMENT(DOMAIN_AUDIO, DomainAudio, "audio", audio_fields),
        .key = audio_key,
};
