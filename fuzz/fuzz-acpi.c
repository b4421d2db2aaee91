/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ACPI tables as a firmware can have them. */

#include "doctor/acpi.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(AcpiIommu) dmar = NULL;
        g_autoptr(AcpiIommu) ivrs = NULL;

        acpi_dmar_parse(data, size, &dmar);
        acpi_ivrs_parse(data, size, &ivrs);
        return 0;
}
