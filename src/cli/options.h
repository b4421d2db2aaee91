/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Lines of the option tables that come up again and again. */

#include "cli/command.h"

#define OPT_FLAG(n, text) \
        { .name = (n), .kind = OPTION_FLAG, .help = (text) }
#define OPT_TEXT(n, text) \
        { .name = (n), .kind = OPTION_TEXT, .help = (text) }
#define OPT_NUMBER(n, text) \
        { .name = (n), .kind = OPTION_NUMBER, .help = (text) }

/* The same where the shell knows what can stand there. */
#define OPT_NAMED(n, of, text) \
        { .name = (n), .kind = OPTION_TEXT, .candidates = (of), .help = (text) }

/* A value that must be given and needs no name. */
#define OPT_NEED(n, of, text)                                                           \
        {                                                                               \
                .name = (n), .kind = OPTION_TEXT, .positional = true, .required = true, \
                .candidates = (of), .help = (text)                                      \
        }

/* One that may be given and needs no name. */
#define OPT_MAY(n, of, text) \
        { .name = (n), .kind = OPTION_TEXT, .positional = true, .candidates = (of), .help = (text) }

#define OPT_GUEST(of)  OPT_NEED("domain", of, "domain name, id or uuid")
#define OPT_FILE(text) OPT_NEED("file", CANDIDATES_FILE, text)

/* How an XML document is shown; cli/xpath.h. */
#define OPT_XPATH                                                           \
        OPT_TEXT("xpath", "print only what this XPath expression selects"), \
                OPT_FLAG("wrap", "put what was selected into one root element")

/* What a hand-over may do beyond the device itself; cli_handover_flags() reads them. */
#define OPT_HANDOVER                                                                    \
        OPT_FLAG("with-companions", "take the other devices of the IOMMU group along"), \
                OPT_FLAG("take-host-devices", "take a device although the host uses it; logged")

/* Which of the guest's two definitions a change goes into; args_affect() reads them. */
#define OPT_AFFECT                                                    \
        OPT_FLAG("config", "the definition: from the next start on"), \
                OPT_FLAG("live", "the running guest"),                \
                OPT_FLAG("current", "the guest as it is now, running or not")

/* One that a bare word is never taken for. */
#define OPT_NAMED_NUMBER(n, text) \
        { .name = (n), .kind = OPTION_NUMBER, .named_only = true, .help = (text) }

/* A number that must be given and needs no name. */
#define OPT_NEED_NUMBER(n, text) \
        { .name = (n), .kind = OPTION_NUMBER, .positional = true, .required = true, .help = (text) }

/* All words that are left. */
#define OPT_REST(n, text) \
        { .name = (n), .kind = OPTION_REST, .positional = true, .help = (text) }

#define OPT_JSON OPT_FLAG("json", "print JSON")

#define OPT_END \
        {}
