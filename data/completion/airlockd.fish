# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of airlockd in fish, from its own help.

complete --command airlockd --no-files

if command --query airlockd
    for row in (command airlockd --help 2>/dev/null | string replace --filter --regex '^ +(?:-h, )?--([a-z-]+)(=?)\S* +(.*)' '$1\t$2\t$3')
        set -l columns (string split \t -- $row)
        set -l more
        if test -n "$columns[2]"
            set more --require-parameter
            string match --quiet --regex -- '^config$|-(dir|file)$' $columns[1]
            and set more --require-parameter --force-files
        end
        complete --command airlockd --long-option $columns[1] --description $columns[3] $more
    end
end
