/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/capabilities-cpu.h"

#include "base/util.h"
#include "qemu/cpu-match.h"

static void open_mode(XmlWriter *xml, const char *name, bool is_supported) {
        xml_writer_open(xml, "mode");
        xml_writer_attr(xml, "name", name);
        xml_writer_attr(xml, "supported", is_supported ? "yes" : "no");
}

static void write_migratable(XmlWriter *xml, const char *name) {
        xml_writer_open(xml, "enum");
        xml_writer_attr(xml, "name", name);
        xml_writer_leaf(xml, "value", "on");
        xml_writer_leaf(xml, "value", "off");
        xml_writer_close(xml);
}

static void write_model_name(XmlWriter *xml, const CpuModel *model, const CpuHost *host) {
        const char *vendor = cpu_vendor_name(model->vendor);
        bool is_blocked = g_hash_table_contains(host->blockers, model->name);

        xml_writer_open(xml, "model");
        xml_writer_attr(xml, "usable", !host->is_known ? "unknown" : is_blocked ? "no" : "yes");
        if (model->is_deprecated)
                xml_writer_attr(xml, "deprecated", "yes");
        xml_writer_attr(xml, "vendor", vendor ? vendor : "unknown");
        xml_writer_attr(xml, "canonical", model->canonical);
        xml_writer_text(xml, model->name);
        xml_writer_close(xml);
}

static void write_blockers(XmlWriter *xml, const CpuModel *model, const CpuHost *host) {
        char **blockers = g_hash_table_lookup(host->blockers, model->name);

        if (!blockers)
                return;
        xml_writer_open(xml, "blockers");
        xml_writer_attr(xml, "model", model->name);
        STRV_FOREACH(name, blockers) {
                xml_writer_open(xml, "feature");
                xml_writer_attr(xml, "name", name);
                xml_writer_close(xml);
        }
        xml_writer_close(xml);
}

static void write_models(XmlWriter *xml, const CpuFacts *facts, const CpuHost *host) {
        for (size_t i = 0; i < facts->n_models; i++) {
                const CpuModel *model = &facts->models[i];

                /* "max", "host" are modes; "base" is QEMU's tool, and no processor. */
                if (!model->is_named || g_str_equal(model->name, "base"))
                        continue;
                write_model_name(xml, model, host);
                write_blockers(xml, model, host);
        }
}

static void write_names(XmlWriter *xml, const QemuCaps *caps) {
        STRV_FOREACH(model, caps->cpu_models) {
                xml_writer_open(xml, "model");
                xml_writer_attr(xml, "usable", "unknown");
                xml_writer_text(xml, model);
                xml_writer_close(xml);
        }
}

void capabilities_write_cpu(XmlWriter *xml, const QemuCaps *caps, const CpuFacts *facts,
                            CpuAccel accel) {
        const CpuHost *host = facts ? &facts->hosts[accel] : NULL;
        const CpuModel *model = facts ? cpu_host_model(facts, host) : NULL;

        xml_writer_open(xml, "cpu");
        open_mode(xml, "host-passthrough", accel == CPU_KVM);
        if (accel == CPU_KVM)
                write_migratable(xml, "hostPassthroughMigratable");
        xml_writer_close(xml);
        open_mode(xml, "maximum", true);
        write_migratable(xml, "maximumMigratable");
        xml_writer_close(xml);
        open_mode(xml, "host-model", model);
        if (model)
                cpu_write_host_model(xml, facts, host, model);
        xml_writer_close(xml);
        open_mode(xml, "custom", true);
        if (facts)
                write_models(xml, facts, host);
        else
                write_names(xml, caps);
        xml_writer_close(xml);
        xml_writer_close(xml);
}
