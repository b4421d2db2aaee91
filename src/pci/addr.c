/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SHORT_LENGTH 7 /* "01:00.1" */

/* Between min and max hexadecimal digits; *text is moved behind them. */
static int scan_hex(const char **text, unsigned min, unsigned max, uint32_t *ret) {
        uint32_t value = 0;
        unsigned n = 0;

        for (; n < max && g_ascii_isxdigit(**text); n++, (*text)++)
                value = value << 4 | (uint32_t)g_ascii_xdigit_value(**text);
        if (n < min)
                return -EINVAL;
        *ret = value;
        return 0;
}

static int scan_char(const char **text, char expected) {
        if (**text != expected)
                return -EINVAL;
        (*text)++;
        return 0;
}

/* "BB:SS.F" to the end of the text, with the two given characters between the numbers. */
static int scan_below_domain(const char *text, char colon, char dot, PciAddr *ret) {
        uint32_t bus, slot, function;

        if (scan_hex(&text, 2, 2, &bus) < 0 || scan_char(&text, colon) < 0 ||
            scan_hex(&text, 2, 2, &slot) < 0 || scan_char(&text, dot) < 0 ||
            scan_hex(&text, 1, 1, &function) < 0)
                return -EINVAL;
        if (*text || slot > 0x1f || function > 7)
                return -EINVAL;
        *ret = (PciAddr){
                .domain = ret->domain,
                .bus = (uint8_t)bus,
                .slot = (uint8_t)slot,
                .function = (uint8_t)function,
        };
        return 0;
}

static int scan_whole(const char *text, char colon, char dot, PciAddr *ret) {
        PciAddr addr = {};
        int r;

        if (scan_hex(&text, 4, 8, &addr.domain) < 0 || scan_char(&text, colon) < 0)
                return -EINVAL;
        r = scan_below_domain(text, colon, dot, &addr);
        if (r == 0)
                *ret = addr;
        return r;
}

int pci_addr_parse(const char *text, PciAddr *ret) {
        PciAddr addr = {};
        int r;

        if (!text)
                return -EINVAL;
        if (strlen(text) != SHORT_LENGTH)
                return scan_whole(text, ':', '.', ret);
        r = scan_below_domain(text, ':', '.', &addr);
        if (r == 0)
                *ret = addr;
        return r;
}

int pci_addr_parse_name(const char *name, PciAddr *ret) {
        if (!name || !g_str_has_prefix(name, "pci_"))
                return -EINVAL;
        return scan_whole(name + strlen("pci_"), '_', '_', ret);
}

const char *pci_addr_format(PciAddr addr, char text[static PCI_ADDR_TEXT_MAX]) {
        snprintf(text, PCI_ADDR_TEXT_MAX, "%04x:%02x:%02x.%x", addr.domain, addr.bus,
                 addr.slot & 0x1fu, addr.function & 7u);
        return text;
}

char *pci_addr_node_name(PciAddr addr) {
        return g_strdup_printf("pci_%04x_%02x_%02x_%x", addr.domain, addr.bus, addr.slot,
                               addr.function);
}

uint64_t pci_addr_key(PciAddr addr) {
        return (uint64_t)addr.domain << 16 | (uint64_t)addr.bus << 8 | (uint64_t)addr.slot << 3 |
               addr.function;
}

int pci_addr_compare(PciAddr a, PciAddr b) {
        uint64_t left = pci_addr_key(a), right = pci_addr_key(b);

        return (left > right) - (left < right);
}
