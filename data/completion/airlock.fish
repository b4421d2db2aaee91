# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of airlock in fish. The command itself knows its commands, its options, and the names of
# guests and devices that there are now.

# One candidate a line, a tab, and what it is. A line that is but a tab and "file": fish's own work.
function __airlock_rows
    command --query airlock
    or return
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    command airlock complete --line "$line" 2>/dev/null
end

function __airlock_candidates
    __airlock_rows | string match --invert \tfile
end

function __airlock_wants_file
    __airlock_rows | string match --quiet \tfile
end

complete --command airlock --no-files --arguments '(__airlock_candidates)'
complete --command airlock --condition __airlock_wants_file --force-files
